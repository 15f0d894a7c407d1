#!/usr/bin/env python3
"""Golden files of layers and losses as modules, for test/layersgolden.test.ts: PyTorch's outputs, gradients of inputs and
parameters, and buffers afterwards. As in make_golden.py, which see, PyTorch computes in float64 from float32 numbers; a
second run in float32 says how far that strays.

Usage: python3 make_golden_nn.py        (needs torch and torchvision)
"""

import copy

import torch
import torch.nn.functional as F
from make_golden import encode, encode_all, normal, write
from torch import nn
from torchvision.ops import sigmoid_focal_loss


def fill(module):
    """Weights and statistics that are not those a layer starts with."""
    for parameter in module.parameters():
        parameter.data = torch.randn(parameter.shape)
    for name, buffer in module.named_buffers():
        if name.endswith("running_mean"):
            buffer.data = torch.randn(buffer.shape)
        if name.endswith("running_var"):
            buffer.data = torch.rand(buffer.shape) + 0.5
    return module


def run(module, inputs, dy):
    """Output, gradients and buffers of one call, of a copy of the module; the first input is differentiated."""
    module = copy.deepcopy(module).to(dy.dtype)
    first, *rest = inputs
    x = first.to(dy.dtype).requires_grad_()
    y = module(x, *[other.to(dy.dtype) if other.is_floating_point() else other for other in rest])
    y.backward(dy)
    gradients = {"x": x.grad} | {name: parameter.grad for name, parameter in module.named_parameters()}
    buffers = {name: buffer for name, buffer in module.named_buffers() if name.split(".")[-1] in BUFFERS}
    return {"output": y.detach()} | {f"d{name}": value for name, value in gradients.items()} | buffers


BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


def answers(module, inputs):
    with torch.no_grad():
        shape = copy.deepcopy(module).double()(*[i.double() if i.is_floating_point() else i for i in inputs]).shape
    dy = normal(*shape)
    exact, rough = run(module, inputs, dy), run(module, inputs, dy.float())
    strays = {key: float(f"{(rough[key].double() - value.double()).abs().max():.3g}") for key, value in exact.items()}
    return {"dy": encode(dy), "expected": encode_all(exact), "float32Strays": strays}


def layer(name, args, module, shape, training=True, why=""):
    """A case; `args` are those of convforge's constructor."""
    module = fill(module).train(training)
    x = normal(*shape).float()
    case = {"layer": name, "why": why, "args": args, "training": training, "state": encode_all(module.state_dict())}
    return case | {"x": encode(x)} | answers(module, [x])


class Residual(nn.Module):
    def __init__(self, body, shortcut):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x):
        return F.relu(self.body(x) + self.shortcut(x))


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.forward = function


def layer_cases():
    image = (2, 4, 3, 5)
    sequence = (2, 4, 9)
    options = lambda **given: [given]
    activation = lambda name, module, args=[], shape=(3, 7): layer(name, args, module, shape)
    return [
        layer("Conv2d", [4, 6, [3, 2], {"stride": [2, 1], "padding": [1, 0], "dilation": [1, 2], "groups": 2}], nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 0), (1, 2), 2), image, why="grouped"),
        layer("Conv2d", [4, 8, 3, {"padding": 1, "groups": 4, "bias": False}], nn.Conv2d(4, 8, 3, padding=1, groups=4, bias=False), image, why="depthwise"),
        layer("Conv2d", [4, 2, 3, {"padding": 1, "paddingMode": "reflect"}], nn.Conv2d(4, 2, 3, padding=1, padding_mode="reflect"), image, why="mirrored"),
        layer("Conv1d", [4, 3, 3], nn.Conv1d(4, 3, 3), sequence),
        layer("Conv1d", [4, 6, 2, {"stride": 2, "padding": 3, "dilation": 2, "groups": 2, "bias": False}], nn.Conv1d(4, 6, 2, 2, 3, 2, 2, False), sequence, why="grouped"),
        layer("Conv1d", [4, 2, 4, {"padding": "same"}], nn.Conv1d(4, 2, 4, padding="same"), sequence, why="same padding, even kernel"),
        layer("Conv1d", [4, 2, 3, {"padding": 2, "paddingMode": "circular"}], nn.Conv1d(4, 2, 3, padding=2, padding_mode="circular"), sequence, why="wrapped around"),
        layer("ConvTranspose2d", [4, 3, 3], nn.ConvTranspose2d(4, 3, 3), (1, 4, 3, 2)),
        layer("ConvTranspose2d", [4, 6, [3, 2], {"stride": [2, 3], "padding": [1, 0], "outputPadding": [1, 2], "groups": 2}], nn.ConvTranspose2d(4, 6, (3, 2), (2, 3), (1, 0), (1, 2), 2), (2, 4, 3, 2), why="grouped"),
        layer("ConvTranspose2d", [4, 2, 3, {"dilation": 2, "bias": False}], nn.ConvTranspose2d(4, 2, 3, dilation=2, bias=False), (1, 4, 3, 2), why="dilated"),
        layer("Linear", [5, 3], nn.Linear(5, 3), (2, 3, 5)),
        layer("BatchNorm1d", [4], nn.BatchNorm1d(4), (6, 4)),
        layer("BatchNorm1d", [4, {"momentum": 0.3, "eps": 0.1}], nn.BatchNorm1d(4, 0.1, 0.3), sequence, why="sequences"),
        layer("BatchNorm1d", [4, {"affine": False}], nn.BatchNorm1d(4, affine=False), sequence, training=False, why="inference"),
        layer("BatchNorm2d", [4], nn.BatchNorm2d(4), image),
        layer("BatchNorm2d", [4, {"trackRunningStats": False}], nn.BatchNorm2d(4, track_running_stats=False), image, training=False, why="no statistics"),
        layer("GroupNorm", [2, 4], nn.GroupNorm(2, 4), image),
        layer("GroupNorm", [1, 4, {"affine": False, "eps": 0.1}], nn.GroupNorm(1, 4, 0.1, False), sequence, why="one group, plain"),
        layer("LayerNorm", [5], nn.LayerNorm(5), image),
        layer("LayerNorm", [[3, 5], {"eps": 0.1}], nn.LayerNorm([3, 5], 0.1), image, why="two axes"),
        layer("LayerNorm", [9, {"elementwiseAffine": False}], nn.LayerNorm(9, elementwise_affine=False), sequence, why="plain"),
        layer("InstanceNorm2d", [4], nn.InstanceNorm2d(4), image),
        layer("InstanceNorm2d", [4, {"affine": True, "trackRunningStats": True, "momentum": 0.3}], nn.InstanceNorm2d(4, momentum=0.3, affine=True, track_running_stats=True), image, why="affine, statistics"),
        layer("InstanceNorm2d", [4, {"affine": True, "trackRunningStats": True}], nn.InstanceNorm2d(4, affine=True, track_running_stats=True), image, training=False, why="inference"),
        layer("MaxPool1d", [3, {"stride": 2, "padding": 1, "ceilMode": True}], nn.MaxPool1d(3, 2, 1, ceil_mode=True), (2, 3, 8)),
        layer("MaxPool1d", [2, {"dilation": 3}], nn.MaxPool1d(2, dilation=3), sequence, why="dilated"),
        layer("MaxPool2d", [[3, 2], {"padding": [1, 0]}], nn.MaxPool2d((3, 2), padding=(1, 0)), image),
        layer("AvgPool1d", [3, {"stride": 2, "padding": 1, "countIncludePad": False}], nn.AvgPool1d(3, 2, 1, count_include_pad=False), sequence),
        layer("AvgPool1d", [4], nn.AvgPool1d(4), sequence, why="a rest"),
        layer("AvgPool2d", [2, {"ceilMode": True}], nn.AvgPool2d(2, ceil_mode=True), image),
        layer("AdaptiveAvgPool2d", [[2, 4]], nn.AdaptiveAvgPool2d((2, 4)), image),
        layer("AdaptiveMaxPool2d", [[2, 4]], nn.AdaptiveMaxPool2d((2, 4)), image, why="windows that overlap"),
        layer("AdaptiveMaxPool2d", [[3, 2]], nn.AdaptiveMaxPool2d((3, 2)), (1, 2, 3, 4), why="windows of one size"),
        layer("AdaptiveMaxPool2d", [7], nn.AdaptiveMaxPool2d(7), (1, 2, 3, 5), why="more outputs than inputs"),
        layer("AdaptiveMaxPool2d", [1], nn.AdaptiveMaxPool2d(1), image, why="global"),
        # sizes for which positions are exact in float32, in which they are computed for all dtypes
        layer("Upsample", options(scaleFactor=2), nn.Upsample(scale_factor=2), (1, 2, 3, 4)),
        layer("Upsample", options(size=[6, 16], mode="bilinear"), nn.Upsample((6, 16), mode="bilinear"), (1, 2, 3, 4), why="bilinear"),
        layer("Upsample", options(size=[5, 7], mode="bilinear", alignCorners=True), nn.Upsample((5, 7), mode="bilinear", align_corners=True), (1, 2, 3, 4), why="corners aligned"),
        layer("PixelShuffle", [2], nn.PixelShuffle(2), (1, 8, 3, 2)),
        layer("PixelUnshuffle", [2], nn.PixelUnshuffle(2), (1, 2, 4, 6)),
        # PyTorch's order is left, right, top, bottom
        layer("ZeroPad2d", [[1, 2, 3, 0]], nn.ZeroPad2d((2, 0, 1, 3)), (1, 2, 3, 4)),
        layer("ConstantPad2d", [1, 2.5], nn.ConstantPad2d(1, 2.5), (1, 2, 3, 4)),
        layer("ReflectionPad2d", [[2, 1, 0, 3]], nn.ReflectionPad2d((1, 3, 2, 0)), (1, 2, 3, 4)),
        layer("ReplicationPad2d", [[2, 1, 0, 3]], nn.ReplicationPad2d((1, 3, 2, 0)), (1, 2, 3, 4)),
        layer("CircularPad2d", [[2, 1]], Function(lambda x: F.pad(x, (1, 1, 2, 2), "circular")), (1, 2, 3, 4)),
        activation("ReLU", nn.ReLU()),
        activation("LeakyReLU", nn.LeakyReLU(0.2), [0.2]),
        activation("PReLU", nn.PReLU()),
        activation("PReLU", nn.PReLU(3), [3], (2, 3, 4)),
        activation("ELU", nn.ELU(0.5), [0.5]),
        activation("SELU", nn.SELU()),
        activation("GELU", nn.GELU()),
        activation("GELU", nn.GELU("tanh"), ["tanh"]),
        activation("SiLU", nn.SiLU()),
        activation("Mish", nn.Mish()),
        activation("ReLU6", nn.ReLU6(), shape=(40,)),
        activation("Hardtanh", nn.Hardtanh()),
        activation("Hardtanh", nn.Hardtanh(-0.5, 1.5), [-0.5, 1.5]),
        # its own gradient is 1/6 rounded to float32
        activation("Hardsigmoid", Function(lambda x: torch.clamp(x / 6 + 0.5, 0, 1)), shape=(40,)),
        activation("Hardswish", nn.Hardswish(), shape=(40,)),
        activation("Softplus", nn.Softplus()),
        activation("Softplus", nn.Softplus(2.5), [2.5]),
        activation("Softsign", nn.Softsign()),
        activation("Sigmoid", nn.Sigmoid()),
        activation("Tanh", nn.Tanh()),
        activation("Softmax", nn.Softmax(1), [1], (2, 3, 4)),
        activation("LogSoftmax", nn.LogSoftmax(-1)),
        activation("Identity", nn.Identity()),
        layer("Flatten", [], nn.Flatten(), (2, 3, 4)),
        layer("Unflatten", [1, [2, 3]], nn.Unflatten(1, (2, 3)), (2, 6, 2)),
        layer("Residual", [], Residual(nn.Conv2d(4, 3, 3, 2, 1), nn.Conv2d(4, 3, 1, 2, bias=False)), image),
    ]


def loss(name, options, module, prediction, target, why="", tensors={}):
    case = {"loss": name, "why": why, "options": options, "tensors": encode_all(tensors)}
    kind = "float32" if target.is_floating_point() else "int32"
    given = {"x": encode(prediction), "target": encode(target), "targetType": kind}
    return case | given | answers(module, [prediction.float(), target])


def focal(**options):
    return Function(lambda x, t: sigmoid_focal_loss(x, t, **options))


def dice(smooth, reduction):
    def function(p, t):
        axes = tuple(range(2, p.dim()))
        losses = 1 - (2 * (p * t).sum(axes) + smooth) / (p.sum(axes) + t.sum(axes) + smooth)
        return losses if reduction == "none" else losses.mean()

    return Function(function)


def loss_cases():
    labels = torch.tensor([2, 0, 4, 1])
    pixels = torch.tensor([[[0, 2, 1], [1, 1, 0]], [[2, 2, 0], [1, 0, 2]]])
    holes = torch.tensor([[[0, -100, 1], [1, -100, 0]], [[2, 2, 0], [1, -100, 2]]])
    ignored = torch.tensor([2, 0, 2, 1])
    scores, maps = (4, 5), (2, 3, 2, 3)
    weight, weights = torch.rand(5) + 0.5, torch.rand(3) + 0.5
    shares = lambda shape: torch.softmax(torch.randn(shape), 1)
    ratio = lambda *shape: torch.rand(shape) * 0.9 + 0.05
    choices = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 0.25]])

    cases = []
    for reduction in ("mean", "sum", "none"):
        r = {"reduction": reduction}
        cases += [
            loss("CrossEntropyLoss", r, nn.CrossEntropyLoss(**r), normal(*scores), labels, reduction),
            loss("CrossEntropyLoss", r | {"labelSmoothing": 0.1}, nn.CrossEntropyLoss(weights, label_smoothing=0.1, **r), normal(*maps), holes, f"{reduction}, smoothed, weights, pixels, holes", {"weight": weights}),
            loss("CrossEntropyLoss", r | {"labelSmoothing": 0.3}, nn.CrossEntropyLoss(weight, label_smoothing=0.3, **r), normal(*scores), shares(scores), f"{reduction}, probabilities, smoothed, weights", {"weight": weight}),
            loss("NLLLoss", r | {"ignoreIndex": 2}, nn.NLLLoss(weight, ignore_index=2, **r), normal(*scores), ignored, f"{reduction}, weights, ignored class", {"weight": weight}),
            loss("BCEWithLogitsLoss", r, nn.BCEWithLogitsLoss(weight=weights, pos_weight=weights + 1, **r), normal(2, 3, scale=4), choices, f"{reduction}, both weights", {"weight": weights, "posWeight": weights + 1}),
            loss("BCELoss", r, nn.BCELoss(weights, **r), ratio(2, 3), choices, f"{reduction}, weights", {"weight": weights}),
            loss("MSELoss", r, nn.MSELoss(**r), normal(3, 5), normal(3, 5).float(), reduction),
            loss("L1Loss", r, nn.L1Loss(**r), normal(3, 5), normal(3, 5).float(), reduction),
            loss("SmoothL1Loss", r | {"beta": 0.6}, nn.SmoothL1Loss(beta=0.6, **r), normal(3, 5), normal(3, 5).float(), reduction),
            loss("HuberLoss", r | {"delta": 0.6}, nn.HuberLoss(delta=0.6, **r), normal(3, 5), normal(3, 5).float(), reduction),
            loss("FocalLoss", r | {"alpha": 0.75, "gamma": 1.5}, focal(alpha=0.75, gamma=1.5, **r), normal(2, 3), choices, reduction),
        ]
    return cases + [
        loss("CrossEntropyLoss", {}, nn.CrossEntropyLoss(), normal(*maps), pixels, "pixels"),
        loss("CrossEntropyLoss", {}, nn.CrossEntropyLoss(weight), normal(*scores), labels, "weights", {"weight": weight}),
        loss("CrossEntropyLoss", {"ignoreIndex": 2}, nn.CrossEntropyLoss(ignore_index=2), normal(*scores), ignored, "ignored class"),
        loss("CrossEntropyLoss", {"ignoreIndex": 2, "labelSmoothing": 0.2}, nn.CrossEntropyLoss(ignore_index=2, label_smoothing=0.2), normal(*scores), ignored, "ignored class, smoothed"),
        loss("CrossEntropyLoss", {"labelSmoothing": 1}, nn.CrossEntropyLoss(label_smoothing=1.0), normal(*scores), labels, "nothing but smoothing"),
        loss("CrossEntropyLoss", {}, nn.CrossEntropyLoss(), normal(*maps), shares(maps), "probabilities of pixels"),
        loss("NLLLoss", {}, nn.NLLLoss(), normal(*maps), holes, "pixels, holes"),
        loss("BCEWithLogitsLoss", {}, nn.BCEWithLogitsLoss(), torch.tensor([[-300.0, 300.0, 0.0], [40.0, -40.0, 1e-3]]), choices, "far out"),
        loss("BCELoss", {}, nn.BCELoss(), torch.tensor([[0.5, 1.0, 1e-6], [0.0, 1.0, 0.5]]), torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 0.25]]), "at 0 and 1"),
        loss("SmoothL1Loss", {"beta": 0}, nn.SmoothL1Loss(beta=0.0), normal(3, 5), normal(3, 5).float(), "no parabola"),
        loss("SmoothL1Loss", {}, nn.SmoothL1Loss(), normal(3, 5), normal(3, 5).float(), "defaults"),
        loss("HuberLoss", {}, nn.HuberLoss(), normal(3, 5), normal(3, 5).float(), "defaults"),
        loss("FocalLoss", {}, focal(reduction="mean"), normal(2, 3), choices, "defaults"),
        loss("FocalLoss", {"alpha": None, "gamma": 0}, focal(alpha=-1, gamma=0, reduction="mean"), normal(2, 3), choices, "plain"),
        loss("DiceLoss", {}, dice(1, "mean"), ratio(2, 2, 3, 2), (torch.rand(2, 2, 3, 2) > 0.5).float(), "defaults"),
        loss("DiceLoss", {"smooth": 0, "reduction": "none"}, dice(0, "none"), ratio(2, 2, 5), (torch.rand(2, 2, 5) > 0.4).float(), "each mask"),
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    for seed, (name, cases) in enumerate({"layer": layer_cases, "lossmodule": loss_cases}.items()):
        torch.manual_seed(300 + seed)
        write(name, cases())
