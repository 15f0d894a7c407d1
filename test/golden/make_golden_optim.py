#!/usr/bin/env python3
"""Writes update.json and schedule.json beside this script: PyTorch's optimizers and learning rate schedules, for
test/optimgolden.test.ts to compare with.

Parameters and gradients are multiples of 1/16 by a formula that the test has too, so only answers are stored: in float64,
with how far PyTorch's float32 run strays from it. Lion, which this PyTorch does not have, is written out here from
algorithm 2 of Chen et al. 2023.

Usage: python3 make_golden_optim.py        (needs torch)
"""

import json
import os

import torch
from torch.optim import lr_scheduler as schedule

FOLDER = os.path.dirname(os.path.abspath(__file__))
SHAPES = [(3, 5), (4,), (2, 1, 3, 3), (1,), (7,)]
STEPS = 20
KEPT = [1, 2, 6, STEPS]


def parameter(k, shape):
    size = int(torch.tensor(shape).prod())
    return torch.tensor([((i * 13 + k * 7 + 3) % 19 - 9) / 16 for i in range(size)]).reshape(shape)


def gradient(k, t, shape):
    """Of parameter k in step t, from 0; None in some steps of the second one, and in the first ones of the fourth."""
    if (k == 1 and t in (1, 6, 7)) or (k == 3 and t < 4):
        return None
    size = int(torch.tensor(shape).prod())
    # The fifth parameter's gradient hardly changes, so that its deviation is far below its size.
    values = [5 + t % 2 if k == 4 else (i * 37 + t * 17 + k * 11) % 23 - 11 for i in range(size)]
    return torch.tensor([v / 16 for v in values]).reshape(shape)


class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0, maximize=False):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay, maximize=maximize))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                grad = -p.grad if group["maximize"] else p.grad
                state = self.state[p]
                m = state.setdefault("m", torch.zeros_like(p))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.sub_(group["lr"] * torch.sign(beta1 * m + (1 - beta1) * grad))
                m.mul_(beta2).add_(grad, alpha=1 - beta2)


KINDS = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam, "AdamW": torch.optim.AdamW, "RMSprop": torch.optim.RMSprop, "Lion": Lion}
PYTHON = {"weightDecay": "weight_decay"}


def python(options):
    return {PYTHON.get(name, name): tuple(value) if isinstance(value, list) else value for name, value in options.items()}


def update_case(kind, groups=None, **options):
    """`groups`: lists of parameter indices with options of their own; without it all are in one."""

    def run(dtype):
        parameters = [parameter(k, shape).to(dtype).requires_grad_() for k, shape in enumerate(SHAPES)]
        given = parameters
        if groups:
            given = [{"params": [parameters[k] for k in group["params"]], **python({n: v for n, v in group.items() if n != "params"})} for group in groups]
        optimizer = KINDS[kind](given, **python(options))
        kept = []
        for t in range(STEPS):
            for k, p in enumerate(parameters):
                g = gradient(k, t, SHAPES[k])
                p.grad = None if g is None else g.to(dtype)
            optimizer.step()
            if t + 1 in KEPT:
                kept.append([p.detach().clone() for p in parameters])
        return kept

    exact, rounded = run(torch.float64), run(torch.float32)
    return {
        "kind": kind,
        "options": options,
        **({"groups": groups} if groups else {}),
        "kept": [[[float(f"{v:.12g}") for v in p.reshape(-1).tolist()] for p in step] for step in exact],
        "float32Strays": [[float(f"{(r.double() - e).abs().max():.3g}") for e, r in zip(*steps)] for steps in zip(exact, rounded)],
    }


UPDATES = [
    update_case("SGD", lr=0.1),
    update_case("SGD", lr=0.1, weightDecay=0.2),
    update_case("SGD", lr=0.1, momentum=0.9),
    update_case("SGD", lr=0.1, momentum=0.9, dampening=0.4),
    update_case("SGD", lr=0.05, momentum=0.8, nesterov=True, weightDecay=0.1),
    update_case("SGD", lr=0.05, momentum=0.8, weightDecay=0.1, maximize=True),
    update_case(
        "SGD",
        [
            {"params": [0, 2], "lr": 0.02, "momentum": 0.5},
            {"params": [1], "weightDecay": 0.5, "dampening": 0.25, "momentum": 0.75},
            {"params": [3, 4]},
        ],
        lr=0.1,
    ),
    update_case("Adam", lr=0.05),
    update_case("Adam", lr=0.05, betas=[0.8, 0.95], eps=1e-3, weightDecay=0.1),
    update_case("Adam", lr=0.05, betas=[0.7, 0.6], amsgrad=True),
    update_case("Adam", lr=0.05, weightDecay=0.1, amsgrad=True, maximize=True),
    update_case("Adam", [{"params": [0, 1], "betas": [0.5, 0.9]}, {"params": [2, 3, 4], "lr": 0.01, "eps": 0.1}], lr=0.1),
    update_case("AdamW", lr=0.05),
    update_case("AdamW", lr=0.05, betas=[0.8, 0.95], weightDecay=0.3, amsgrad=True),
    update_case("AdamW", lr=0.05, weightDecay=0.3, maximize=True),
    update_case("RMSprop"),
    update_case("RMSprop", lr=0.05, alpha=0.8, eps=1e-3, weightDecay=0.1),
    update_case("RMSprop", lr=0.05, momentum=0.9),
    update_case("RMSprop", lr=0.01, alpha=0.9, centered=True),
    update_case("RMSprop", lr=0.01, alpha=0.9, eps=1e-2, centered=True, momentum=0.5, weightDecay=0.1, maximize=True),
    update_case("Lion"),
    update_case("Lion", lr=0.01, betas=[0.8, 0.95], weightDecay=0.3),
    update_case("Lion", lr=0.01, weightDecay=0.3, maximize=True),
]

EPOCHS = 60
RATES = [0.5, 0.02]
METRICS = [round(2 / (1 + 0.3 * t) + (0.5 if t % 7 == 3 else 0) if t < 20 else 0.3 + (t % 5) / 100, 6) for t in range(EPOCHS)]
CAMEL = {
    "stepSize": "step_size", "tMax": "T_max", "etaMin": "eta_min", "t0": "T_0", "tMult": "T_mult", "startFactor": "start_factor",
    "endFactor": "end_factor", "totalIters": "total_iters", "maxLr": "max_lr", "totalSteps": "total_steps",
    "stepsPerEpoch": "steps_per_epoch", "pctStart": "pct_start", "annealStrategy": "anneal_strategy",
    "cycleMomentum": "cycle_momentum", "baseMomentum": "base_momentum", "maxMomentum": "max_momentum", "divFactor": "div_factor",
    "finalDivFactor": "final_div_factor", "threePhase": "three_phase", "thresholdMode": "threshold_mode", "minLr": "min_lr",
}


def make(spec, optimizer):
    """A schedule from [name, options]; options of SequentialLR and ChainedScheduler hold such lists."""
    name, options = spec
    given = {CAMEL.get(key, key): value for key, value in options.items()}
    if name in ("SequentialLR", "ChainedScheduler"):
        inner = [make(each, optimizer) for each in options["schedulers"]]
        if name == "ChainedScheduler":
            return schedule.ChainedScheduler(inner)
        return schedule.SequentialLR(optimizer, inner, options["milestones"])
    if name == "LambdaLR":  # the functions of the test
        return schedule.LambdaLR(optimizer, [lambda e: 0.95**e, lambda e: 1 / (1 + e)])
    return getattr(schedule, name)(optimizer, **given)


def schedule_case(name, options=None, optimizer="SGD"):
    spec = [name, options or {}]
    groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": lr} for lr in RATES]
    made = torch.optim.SGD(groups, lr=1, momentum=0.9) if optimizer == "SGD" else torch.optim.Adam(groups)
    made_schedule = make(spec, made)
    cycles = "Cycle" in json.dumps(spec)
    rows = []
    for t in range(EPOCHS):
        row = [group["lr"] for group in made.param_groups]
        if cycles:
            row += [group["momentum"] if optimizer == "SGD" else group["betas"][0] for group in made.param_groups]
        rows.append([float(f"{v:.14g}") for v in row])
        made.step()
        if name == "ReduceLROnPlateau":
            made_schedule.step(METRICS[t])
        else:
            made_schedule.step()
    return {"name": name, "options": options or {}, "optimizer": optimizer, "rows": rows}


WARM_UP = ["LinearLR", {"startFactor": 0.1, "totalIters": 8}]
SCHEDULES = [
    schedule_case("StepLR", {"stepSize": 7}),
    schedule_case("StepLR", {"stepSize": 1, "gamma": 0.9}),
    schedule_case("MultiStepLR", {"milestones": [5, 30, 30, 45], "gamma": 0.3}),
    schedule_case("ExponentialLR", {"gamma": 0.93}),
    schedule_case("CosineAnnealingLR", {"tMax": 20}),
    schedule_case("CosineAnnealingLR", {"tMax": 60, "etaMin": 0.001}),
    schedule_case("CosineAnnealingLR", {"tMax": 1, "etaMin": 0.01}),
    schedule_case("CosineAnnealingWarmRestarts", {"t0": 9}),
    schedule_case("CosineAnnealingWarmRestarts", {"t0": 5, "tMult": 2, "etaMin": 0.001}),
    schedule_case("LinearLR"),
    schedule_case("LinearLR", {"startFactor": 0.01, "endFactor": 0.5, "totalIters": 25}),
    schedule_case("ConstantLR"),
    schedule_case("ConstantLR", {"factor": 0.25, "totalIters": 12}),
    schedule_case("PolynomialLR", {"totalIters": 40, "power": 2.5}),
    schedule_case("LambdaLR"),
    schedule_case("OneCycleLR", {"maxLr": 1.5, "totalSteps": 60}),
    schedule_case("OneCycleLR", {"maxLr": [1, 0.1], "epochs": 6, "stepsPerEpoch": 11, "annealStrategy": "linear", "pctStart": 0.45}, "Adam"),
    schedule_case("OneCycleLR", {"maxLr": 2, "totalSteps": 64, "threePhase": True, "divFactor": 10, "finalDivFactor": 100, "baseMomentum": 0.7, "maxMomentum": 0.9}),
    schedule_case("OneCycleLR", {"maxLr": 2, "totalSteps": 64, "cycleMomentum": False}),
    schedule_case("ReduceLROnPlateau", {"patience": 2, "factor": 0.5}),
    schedule_case("ReduceLROnPlateau", {"mode": "max", "patience": 3, "cooldown": 4, "minLr": [0.01, 0.001]}),
    schedule_case("ReduceLROnPlateau", {"patience": 0, "threshold": 0.05, "thresholdMode": "abs", "eps": 0.001}),
    schedule_case("ReduceLROnPlateau", {"mode": "max", "patience": 1, "threshold": 0.1, "thresholdMode": "abs", "factor": 0.7}),
    schedule_case("SequentialLR", {"schedulers": [WARM_UP, ["CosineAnnealingLR", {"tMax": 52}]], "milestones": [8]}),
    schedule_case(
        "SequentialLR",
        {"schedulers": [["ConstantLR", {"totalIters": 3}], ["ExponentialLR", {"gamma": 0.9}], ["StepLR", {"stepSize": 6}]], "milestones": [4, 20]},
    ),
    schedule_case("SequentialLR", {"schedulers": [["PolynomialLR", {"totalIters": 9}], ["CosineAnnealingWarmRestarts", {"t0": 6}], WARM_UP, ["MultiStepLR", {"milestones": [3, 4]}]], "milestones": [5, 22, 40]}),
    schedule_case("ChainedScheduler", {"schedulers": [["ConstantLR", {"factor": 0.1, "totalIters": 10}], ["ExponentialLR", {"gamma": 0.95}]]}),
    schedule_case("ChainedScheduler", {"schedulers": [WARM_UP, ["StepLR", {"stepSize": 9, "gamma": 0.5}], ["CosineAnnealingLR", {"tMax": 60}]]}),
]


def write(name, head, cases):
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    with open(os.path.join(FOLDER, f"{name}.json"), "w") as file:
        file.write(f'{{"torch":"{torch.__version__}",{head}"cases":[\n{lines}\n]}}\n')


if __name__ == "__main__":
    write("update", f'"shapes":{json.dumps(SHAPES)},"keptSteps":{json.dumps(KEPT)},', UPDATES)
    write("schedule", f'"rates":{json.dumps(RATES)},"metrics":{json.dumps(METRICS)},', SCHEDULES)
