#!/usr/bin/env python3
"""Writes the golden files beside this script: PyTorch's answers, for test/golden.test.ts to compare with.

Inputs are float32 numbers; PyTorch computes in float64, so that the answers are exact to the nine digits that are
written and every difference is the tested code's own. Where no simple bound of rounding errors exists (many steps of
training, composed functions), PyTorch computes in float32 as well and the files say how far that strays.

Usage: python3 make_golden.py        (needs torch; seeded, so the same torch gives the same files)
"""

import json
import os

import torch
import torch.nn.functional as F

FOLDER = os.path.dirname(os.path.abspath(__file__))


def normal(*shape, scale=1.0):
    return torch.randn(shape).mul(scale).double()


def grid(*shape):
    """Multiples of 1/4 in [-2, 2]: many equal elements and zeros, so that ties and kinks take part."""
    return torch.randint(-8, 9, shape).double() / 4


def encode(tensor):
    flat = tensor.detach().reshape(-1)
    if tensor.is_floating_point():
        data = [float(f"{v:.9g}") for v in flat.tolist()]
        data = [int(v) if v == int(v) else v for v in data]
    else:
        data = flat.tolist()
    return {"shape": list(tensor.shape), "data": data}


def encode_all(tensors):
    return {name: encode(tensor) for name, tensor in tensors.items()}


def answer(function, name, op, inputs, options, why=None):
    """A case: the output of `function(inputs)` and, for a random gradient of it, those of all inputs."""
    leaves = {key: value.clone().requires_grad_() for key, value in inputs.items()}
    y = function(**leaves)
    dy = normal(*y.shape)
    y.backward(dy)
    case = {"name": name, "op": op, "options": options, **({"why": why} if why else {})}
    case |= {"inputs": encode_all(inputs), "dy": encode(dy), "output": encode(y)}
    case["gradients"] = encode_all({key: leaf.grad for key, leaf in leaves.items()})
    return case


def write(name, cases):
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    with open(os.path.join(FOLDER, f"{name}.json"), "w") as file:
        file.write(f'{{"torch":"{torch.__version__}","cases":[\n{lines}\n]}}\n')


def conv2d_cases():
    def case(why, x, weight, bias=True, **options):
        inputs = {"x": normal(*x), "weight": normal(*weight)}
        if bias:
            inputs["bias"] = normal(weight[0])

        def function(x, weight, bias=None):
            settings = dict(options)
            padding = settings.get("padding", 0)
            if isinstance(padding, list) and len(padding) == 4:
                top, left, bottom, right = settings.pop("padding")
                x = F.pad(x, (left, right, top, bottom))
            return F.conv2d(x, weight, bias, **settings)

        return answer(function, why, "conv2d", inputs, options)

    return [
        case("plain", (2, 3, 6, 5), (4, 3, 3, 3)),
        case("no bias", (2, 3, 6, 5), (4, 3, 3, 3), bias=False),
        case("padding", (2, 2, 5, 6), (3, 2, 3, 3), padding=1),
        case("padding by axis, kernel of two sizes", (1, 2, 6, 7), (3, 2, 3, 5), padding=[1, 2]),
        case("four paddings, none alike", (2, 2, 5, 4), (2, 2, 3, 3), padding=[0, 1, 2, 3]),
        case("padding wider than the kernel", (1, 2, 3, 3), (2, 2, 2, 2), padding=[3, 4]),
        case("same padding, odd kernel", (1, 2, 5, 6), (3, 2, 3, 5), padding="same"),
        case("same padding, even kernel: the odd one goes to the end", (2, 2, 5, 6), (2, 2, 4, 2), padding="same"),
        case("same padding, even kernel, dilated", (1, 2, 7, 6), (2, 2, 2, 4), padding="same", dilation=[3, 1]),
        case("stride", (2, 2, 7, 8), (3, 2, 3, 3), stride=2, padding=1),
        case("stride above the kernel: pixels that no window sees", (1, 2, 8, 9), (3, 2, 2, 1), stride=[3, 2]),
        case("a stride that leaves a rest at the end", (1, 1, 8, 8), (2, 1, 3, 3), stride=[3, 4]),
        case("dilation", (1, 2, 8, 9), (2, 2, 3, 3), dilation=2),
        case("stride, dilation and padding at once", (1, 2, 9, 8), (2, 2, 3, 2), stride=[2, 1], dilation=[1, 3], padding=[2, 1]),
        case("groups", (2, 4, 5, 5), (6, 2, 3, 3), groups=2, padding=1),
        case("groups, strided and dilated", (1, 6, 8, 7), (6, 2, 2, 3), groups=3, stride=[2, 1], dilation=[2, 1], padding=[1, 0]),
        case("depthwise", (2, 5, 6, 6), (5, 1, 3, 3), groups=5, padding=1),
        case("depthwise, three outputs a channel, stride 2", (1, 3, 7, 7), (9, 1, 3, 3), groups=3, stride=2, padding=1),
        case("depthwise 5x5, no bias", (1, 4, 7, 6), (4, 1, 5, 5), bias=False, groups=4, padding=2),
        case("1x1", (2, 5, 4, 3), (7, 5, 1, 1)),
        case("1x1, strided", (2, 3, 5, 4), (4, 3, 1, 1), stride=2),
        case("1x1 with padding", (1, 2, 3, 3), (2, 2, 1, 1), padding=1),
        case("one pixel", (3, 4, 1, 1), (5, 4, 1, 1)),
        case("one pixel, all but one weight in padding", (1, 2, 1, 1), (2, 2, 3, 3), padding=1),
        case("kernel as large as the image", (2, 3, 4, 5), (2, 3, 4, 5)),
        case("wide: one row", (1, 2, 1, 19), (3, 2, 1, 7), padding=[0, 3]),
        case("tall: one column", (1, 2, 19, 1), (3, 2, 7, 1), stride=[2, 1]),
        case("channels beyond a vector of 16", (1, 17, 4, 5), (19, 17, 3, 3), padding=1),
        case("a longer sum", (1, 40, 3, 3), (3, 40, 3, 3), padding=1),
        case("one channel, many images", (9, 1, 4, 4), (2, 1, 2, 2)),
    ]


def pool_cases():
    def pool(why, op, function, x, kernel=None, **options):
        settings = {"kernelSize": kernel} | options if kernel else options
        inputs = {"x": grid(*x) if op == "maxPool2d" else normal(*x)}
        case = answer(lambda x: function(x, kernel, options), why, op, inputs, settings)
        if op == "maxPool2d":
            names = {"ceilMode": "ceil_mode"}
            given = {names.get(key, key): value for key, value in options.items()}
            case["indices"] = encode(F.max_pool2d(inputs["x"], kernel, return_indices=True, **given)[1])
        return case

    def maximum(why, x, kernel, **options):
        def function(x, kernel, options):
            given = dict(options)
            return F.max_pool2d(x, kernel, ceil_mode=given.pop("ceilMode", False), **given)

        return pool(why, "maxPool2d", function, x, kernel, **options)

    def average(why, x, kernel, **options):
        def function(x, kernel, options):
            given = dict(options)
            return F.avg_pool2d(
                x, kernel, ceil_mode=given.pop("ceilMode", False), count_include_pad=given.pop("countIncludePad", True), **given
            )

        return pool(why, "avgPool2d", function, x, kernel, **options)

    def adaptive(why, x, size):
        return pool(why, "adaptiveAvgPool2d", lambda x, _, options: F.adaptive_avg_pool2d(x, size), x, outputSize=size)

    return [
        maximum("plain", (2, 3, 6, 4), 2),
        maximum("windows that overlap, padding", (2, 2, 7, 6), 3, stride=2, padding=1),
        maximum("kernel, stride and padding by axis", (1, 2, 6, 8), [2, 3], stride=[1, 2], padding=[1, 0]),
        maximum("dilation", (1, 2, 8, 7), 3, stride=1, dilation=[2, 1], padding=[1, 1]),
        maximum("ceil mode: a last window hangs over", (1, 2, 6, 7), 3, stride=2, ceilMode=True),
        maximum("ceil mode: a window that starts in the padding is left out", (1, 1, 5, 5), 2, stride=2, padding=1, ceilMode=True),
        maximum("stride above the kernel", (1, 2, 7, 7), 2, stride=3),
        maximum("global", (2, 2, 3, 5), [3, 5]),
        maximum("a rest at the end is dropped", (1, 1, 5, 5), 2),
        average("plain", (2, 3, 6, 4), 2),
        average("padding counts", (2, 2, 7, 6), 3, stride=2, padding=1),
        average("padding does not count", (2, 2, 7, 6), 3, stride=2, padding=1, countIncludePad=False),
        average("kernel, stride and padding by axis", (1, 2, 6, 8), [2, 3], stride=[1, 2], padding=[1, 0]),
        average("ceil mode: what hangs over never counts", (1, 2, 6, 7), 3, stride=2, ceilMode=True),
        average("ceil mode with padding that counts", (1, 2, 6, 6), 3, stride=2, padding=1, ceilMode=True),
        average("ceil mode with padding that does not count", (1, 2, 6, 6), 3, stride=2, padding=1, ceilMode=True, countIncludePad=False),
        average("stride above the kernel", (1, 2, 7, 7), 2, stride=3),
        adaptive("global", (2, 3, 5, 4), 1),
        adaptive("windows of different sizes", (1, 2, 7, 5), [3, 2]),
        adaptive("windows that overlap", (1, 2, 5, 5), 3),
        adaptive("more outputs than inputs", (1, 2, 3, 4), [5, 7]),
        adaptive("as many outputs as inputs", (1, 2, 3, 4), [3, 4]),
    ]


def batch_norm_cases():
    def case(why, batches, eps=1e-5, momentum=0.1, affine=True, offset=0.0):
        """Some training batches, the gradients of the last one, then inference with what was learned."""
        channels = batches[0][1]
        layer = torch.nn.BatchNorm2d(channels, eps=eps, momentum=momentum, affine=affine).double()
        parameters = {"weight": normal(channels), "bias": normal(channels)} if affine else {}
        with torch.no_grad():
            for name, value in parameters.items():
                getattr(layer, name).copy_(value)
        images = [(normal(*shape).float() + offset).double() for shape in batches]

        def run(x):
            layer.zero_grad()
            x = x.clone().requires_grad_()
            y = layer(x)
            dy = normal(*y.shape)
            y.backward(dy)
            gradients = {"x": x.grad} | {name: getattr(layer, name).grad for name in parameters}
            return {"x": encode(x), "dy": encode(dy), "output": encode(y), "gradients": encode_all(gradients)}

        for x in images[:-2]:
            layer(x)
        training = run(images[-2])
        state = {name: value.clone() for name, value in layer.state_dict().items()}
        layer.eval()
        return {
            "name": why,
            "op": "batchNorm",
            "options": {"eps": eps, "momentum": momentum, "affine": affine},
            "parameters": encode_all(parameters),
            "batches": [encode(x) for x in images[:-2]],
            "training": training,
            "state": encode_all(state),
            "inference": run(images[-1]),
        }

    return [
        case("three batches, then inference", [(3, 4, 3, 2), (2, 4, 3, 3), (4, 4, 2, 2), (2, 4, 2, 3)]),
        case("other eps and momentum", [(2, 3, 3, 2), (3, 3, 2, 2), (1, 3, 3, 3)], eps=1e-2, momentum=0.4),
        case("without weight and bias", [(2, 3, 2, 2), (2, 3, 4, 2), (1, 3, 2, 2)], affine=False),
        case("mean far from zero", [(2, 2, 3, 3), (4, 2, 3, 3), (1, 2, 3, 3)], offset=100.0),
        case("two values per channel", [(2, 3, 1, 1), (1, 3, 1, 2), (1, 3, 1, 1)]),
    ]


def loss_cases():
    def cross_entropy(why, shape, scale=1.0, ignored=(), **options):
        labels = torch.randint(shape[1], (shape[0], *shape[2:]))
        for position in ignored:
            labels.reshape(-1)[position] = options.get("ignoreIndex", -100)
        given = {"reduction": options.get("reduction", "mean"), "ignore_index": options.get("ignoreIndex", -100)}
        inputs = {"logits": normal(*shape, scale=scale)}
        case = answer(lambda logits: F.cross_entropy(logits, labels, **given), why, "crossEntropy", inputs, options)
        return case | {"labels": encode(labels)}

    def squared_error(reduction):
        inputs = {"prediction": normal(4, 5), "target": normal(4, 5)}
        function = lambda prediction, target: F.mse_loss(prediction, target, reduction=reduction)
        return answer(function, reduction, "mse", inputs, {"reduction": reduction})

    return [
        cross_entropy("mean", (5, 4)),
        cross_entropy("sum", (5, 4), reduction="sum"),
        cross_entropy("none", (5, 4), reduction="none"),
        cross_entropy("ignored labels, mean", (6, 3), ignored=(0, 4)),
        cross_entropy("ignored labels, sum", (6, 3), ignored=(1,), reduction="sum"),
        cross_entropy("ignored labels, none", (6, 3), ignored=(2, 5), reduction="none"),
        cross_entropy("ignored index inside the range", (6, 3), ignored=(3,), ignoreIndex=1),
        cross_entropy("pixels, mean", (2, 3, 4, 2)),
        cross_entropy("pixels, none", (2, 3, 2, 3), reduction="none"),
        cross_entropy("pixels, ignored labels", (2, 3, 4, 2), ignored=(0, 7, 15), ignoreIndex=255),
        cross_entropy("logits that overflow e^x", (5, 4), scale=300.0, reduction="none"),
        *(squared_error(reduction) for reduction in ("mean", "sum", "none")),
    ]


def activation_cases():
    # PyTorch's softplus is the identity above 20, which shows in the ninth digit up to 22.
    special = torch.tensor([0.0, -0.5, 0.5, 1e-3, -1e-3, 1e-20, -1e-20, 5.0, -5.0, 12.5, -12.5, 19.0, -30.0, 80.0, -80.0])
    points = torch.cat([special, torch.randn(33) * 2]).double()

    def case(op, function, options=None, points=points):
        name = op + (f" {json.dumps(options)}" if options else "")
        return answer(lambda x: function(x), name, op, {"x": points}, options or {})

    def normalised(op, function, shape, axis, scale=1.0):
        inputs = {"x": normal(*shape, scale=scale)}
        name = f"{op} of {list(shape)} along {axis}" + (" with wide inputs" if scale > 1 else "")
        return answer(lambda x: function(x, axis), name, op, inputs, {"axis": axis})

    # PyTorch's elu computes e^x - 1, which loses the smallest x altogether.
    coarse = points[(points == 0) | (points.abs() > 1e-9)]
    return [
        case("relu", F.relu),
        case("leakyRelu", F.leaky_relu),
        case("leakyRelu", lambda x: F.leaky_relu(x, 0.3), {"negativeSlope": 0.3}),
        case("elu", F.elu, points=coarse),
        case("elu", lambda x: F.elu(x, 0.7), {"alpha": 0.7}, coarse),
        case("gelu", F.gelu),
        case("silu", F.silu),
        case("softplus", F.softplus),
        case("sigmoid", torch.sigmoid),
        case("tanh", torch.tanh),
        *(
            normalised(op, function, shape, axis, scale)
            for op, function in (("softmax", F.softmax), ("logSoftmax", F.log_softmax))
            for shape, axis, scale in (((4, 5), 1, 1.0), ((2, 3, 4), 1, 1.0), ((2, 3, 4), 0, 1.0), ((3, 7), 1, 40.0))
        ),
    ]


def pad_cases():
    def case(mode, x, widths, value=0):
        top, left, bottom, right = widths
        options = {"mode": mode, "padding": widths} | ({"value": value} if value else {})
        extra = {"value": value} if mode == "constant" else {}
        function = lambda x: F.pad(x, (left, right, top, bottom), mode=mode, **extra)
        return answer(function, f"{mode} {widths} of {list(x)}", "pad", {"x": normal(*x)}, options)

    return [
        case("constant", (2, 2, 3, 4), [1, 2, 0, 3]),
        case("constant", (1, 2, 2, 3), [1, 1, 1, 1], value=-1.5),
        case("reflect", (2, 2, 4, 5), [3, 4, 2, 1]),
        case("reflect", (1, 1, 2, 2), [1, 0, 1, 1]),
        case("replicate", (1, 2, 2, 3), [4, 1, 0, 5]),
        case("replicate", (1, 1, 1, 1), [1, 2, 3, 4]),
        case("circular", (1, 2, 3, 4), [3, 4, 2, 1]),
        case("circular", (1, 1, 2, 3), [0, 1, 1, 0]),
    ]


def matmul_cases():
    def product(a, b):
        name = f"{list(a)} by {list(b)}"
        return answer(lambda a, b: a @ b, name, "matmul", {"a": normal(*a), "b": normal(*b)}, {})

    def linear(x, out, bias=True):
        inputs = {"x": normal(*x), "weight": normal(out, x[-1])} | ({"bias": normal(out)} if bias else {})
        return answer(F.linear, f"{list(x)} to {out}" + ("" if bias else ", no bias"), "linear", inputs, {})

    return [
        product((3, 4), (4, 5)),
        product((2, 3, 4), (4, 5)),
        product((3, 4), (2, 4, 5)),
        product((2, 3, 4), (2, 4, 5)),
        product((2, 1, 3, 4), (3, 4, 2)),
        product((1, 2, 2, 3), (3, 1, 3, 2)),
        product((4,), (4, 5)),
        product((3, 4), (4,)),
        product((4,), (4,)),
        product((4,), (2, 4, 3)),
        product((5, 130), (130, 3)),
        linear((5, 7), 3),
        linear((2, 3, 7), 4, bias=False),
        linear((2, 2, 3), 5),
        linear((7,), 2),
    ]


def small_cnn():
    """bn1 cancels a bias before it, whose gradient would be mere rounding noise, which Adam blows up: conv1 has none."""
    net = torch.nn.Module()
    net.conv1 = torch.nn.Conv2d(2, 6, 3, padding=1, bias=False)
    net.bn1 = torch.nn.BatchNorm2d(6)
    net.conv2 = torch.nn.Conv2d(6, 6, 3, stride=2, padding=1, groups=2)
    net.fc = torch.nn.Linear(24, 3)

    def forward(x):
        x = F.max_pool2d(F.relu(net.bn1(net.conv1(x))), 2)
        return net.fc(F.silu(net.conv2(x)).flatten(1))

    return net, forward


def optimizer_cases():
    net, _ = small_cnn()
    initial = {name: value.clone() for name, value in net.state_dict().items()}
    x = normal(6, 2, 8, 7)
    labels = torch.randint(3, (6,))

    def train(make, dtype):
        net, forward = small_cnn()
        net.load_state_dict(initial)
        net.to(dtype)
        optimizer = make(net.parameters())
        checkpoints = {}
        for step in range(1, 21):
            optimizer.zero_grad()
            F.cross_entropy(forward(x.to(dtype)), labels).backward()
            optimizer.step()
            if step in (1, 5, 20):
                checkpoints[step] = {name: value.clone() for name, value in net.state_dict().items()}
        return checkpoints

    def case(optimizer, **options):
        names = {"weightDecay": "weight_decay"}
        given = {names.get(key, key): value for key, value in options.items()}
        make = lambda parameters: getattr(torch.optim, optimizer)(parameters, **given)
        exact, rounded = train(make, torch.float64), train(make, torch.float32)
        steps = []
        for step, state in exact.items():
            strays = {name: float((rounded[step][name].double() - value).abs().max()) for name, value in state.items()}
            strays = {name: float(f"{value:.3g}") for name, value in strays.items()}
            steps.append({"step": step, "state": encode_all(state), "float32Strays": strays})
        return {"name": f"{optimizer} {json.dumps(options)}", "op": optimizer, "options": options, "checkpoints": steps}

    setting = {"name": "setting", "state": encode_all(initial), "x": encode(x), "labels": encode(labels)}
    return [
        setting,
        case("SGD", lr=0.1),
        case("SGD", lr=0.05, momentum=0.9),
        case("SGD", lr=0.05, momentum=0.9, nesterov=True),
        case("SGD", lr=0.05, momentum=0.8, dampening=0.3),
        case("SGD", lr=0.05, momentum=0.9, nesterov=True, weightDecay=0.1),
        case("Adam", lr=0.01),
        case("Adam", lr=0.01, betas=[0.8, 0.95], eps=1e-4, weightDecay=0.1),
        case("AdamW", lr=0.01),
        case("AdamW", lr=0.02, betas=[0.7, 0.9], weightDecay=0.3),
    ]


def second_order_cases():
    """Gradients of (the gradients of softplus(conv2d(x, weight, bias)), dotted with fixed directions)."""

    def case(why, x, weight, **options):
        inputs = {"x": normal(*x), "weight": normal(*weight, scale=0.5), "bias": normal(weight[0])}
        inputs["dy"] = normal(*F.conv2d(inputs["x"], inputs["weight"], **options).shape)
        directions = {name: normal(*inputs[name].shape) for name in ("x", "weight", "bias")}

        def second(dtype):
            leaves = {name: value.to(dtype).requires_grad_() for name, value in inputs.items()}
            y = F.softplus(F.conv2d(leaves["x"], leaves["weight"], leaves["bias"], **options))
            first = torch.autograd.grad(y, [leaves[name] for name in directions], leaves["dy"], create_graph=True)
            dot = sum((g * directions[name].to(dtype)).sum() for g, name in zip(first, directions))
            return dict(zip(leaves, torch.autograd.grad(dot, list(leaves.values()))))

        exact, rounded = second(torch.float64), second(torch.float32)
        strays = {name: float(f"{(rounded[name].double() - value).abs().max():.3g}") for name, value in exact.items()}
        return {
            "name": why,
            "op": "second order",
            "options": options,
            "inputs": encode_all(inputs),
            "directions": encode_all(directions),
            "gradients": encode_all(exact),
            "float32Strays": strays,
        }

    return [
        case("plain", (2, 2, 5, 4), (3, 2, 3, 3)),
        case("strided, padded, grouped", (2, 4, 6, 5), (4, 2, 3, 2), stride=2, padding=[1, 0], groups=2),
        case("depthwise, dilated", (1, 3, 6, 6), (6, 1, 2, 3), groups=3, dilation=[2, 1]),
    ]


GROUPS = {
    "conv2d": conv2d_cases,
    "pool": pool_cases,
    "batchnorm": batch_norm_cases,
    "loss": loss_cases,
    "activation": activation_cases,
    "pad": pad_cases,
    "matmul": matmul_cases,
    "optimizer": optimizer_cases,
    "secondorder": second_order_cases,
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    for seed, (name, cases) in enumerate(GROUPS.items()):
        torch.manual_seed(seed)
        write(name, cases())
