"""Normalisations, activations and softmax."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from golden_onnx import constant, exported, grid, integers, normal, op, positive

INFINITE = np.array([[np.nan, np.inf, -np.inf, -0.0, 0.0, 1.5, -1.5]], np.float32)


def write_cases():
    _batch_norms()
    _other_norms()
    _activations()
    _clips()
    _softmaxes()


def _batch_norms():
    def batch_norm(name, x=(2, 3, 4, 5), opset=9, why=None, **attributes):
        inputs = {"x": normal(*x)}
        for parameter in ("scale", "shift", "mean"):
            inputs[parameter] = constant(normal(x[1]))
        inputs["variance"] = constant(positive(x[1]))
        op(f"batchnorm/{name}", "BatchNormalization", inputs, opset=opset, why=why, **attributes)

    for opset in (7, 9, 14, 15):
        batch_norm(f"opset{opset}", opset=opset)
    batch_norm("epsilon", epsilon=0.1, momentum=0.5)
    batch_norm("two_dimensions", (4, 5))
    batch_norm("one_dimension", (2, 3, 7))
    batch_norm("three_dimensions", (1, 2, 3, 2, 2))
    fed = {"x": normal(2, 3, 2, 3), "scale": normal(3), "shift": normal(3), "mean": normal(3), "variance": positive(3)}
    op("batchnorm/parameters_fed", "BatchNormalization", fed, opset=15)
    exported("batchnorm/torch", nn.BatchNorm2d(3), normal(2, 3, 4, 3))
    exported("batchnorm/torch_1d", nn.BatchNorm1d(5), normal(4, 5), opset=9)
    kept = {"do_constant_folding": False, "training": torch.onnx.TrainingMode.PRESERVE}
    layers = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU())
    exported("batchnorm/torch_after_conv", layers, normal(1, 2, 5, 6), why="to be folded into the convolution", **kept)


def _other_norms():
    def with_parameters(x, size):
        return {"x": normal(*x), "scale": constant(normal(size)), "shift": constant(normal(size))}

    op("norm/instance", "InstanceNormalization", with_parameters((2, 3, 4, 5), 3), opset=7)
    op("norm/instance_opset22", "InstanceNormalization", with_parameters((1, 2, 5), 2), opset=22, epsilon=0.01)
    group18, group21 = with_parameters((2, 6, 3, 4), 3), with_parameters((2, 6, 3, 4), 6)
    why = "scale per group in opset 18, per channel from 21"
    op("norm/group_opset18", "GroupNormalization", group18, opset=18, num_groups=3, why=why)
    op("norm/group_opset21", "GroupNormalization", group21, opset=21, num_groups=3, why=why)
    op("norm/layer", "LayerNormalization", with_parameters((2, 3, 5), 5), opset=17)
    two_axes = {"x": normal(2, 3, 4), "scale": constant(normal(3, 4)), "shift": constant(normal(3, 4))}
    op("norm/layer_axis", "LayerNormalization", two_axes, opset=17, axis=1, epsilon=0.001)
    no_shift = {"x": normal(3, 7), "scale": constant(normal(7))}
    op("norm/layer_no_bias", "LayerNormalization", no_shift, opset=17, axis=-1)
    statistics = with_parameters((2, 3, 5), 5)
    op("norm/layer_statistics", "LayerNormalization", statistics, opset=17, out="float32 float32 float32")
    for size in (1, 3):
        op(f"norm/lrn{size}", "LRN", {"x": normal(2, 7, 2, 3)}, size=size, alpha=0.5, beta=0.75, bias=1.5)
    x = normal(2, 7, 2, 3)
    squares = np.pad(x.astype(np.float64) ** 2, ((0, 0), (1, 2), (0, 0), (0, 0)))
    sums = sum(squares[:, i : i + 7] for i in range(4))
    settings = {"size": 4, "alpha": 0.5, "beta": 0.75, "bias": 1.5, "answer": x / (1.5 + 0.125 * sums) ** 0.75}
    op("norm/lrn4", "LRN", {"x": x}, why="an even window reaches further up than down", **settings)
    op("norm/lrn_defaults", "LRN", {"x": normal(1, 4, 3, 2)}, opset=7, size=5)
    exported("norm/torch_lrn", nn.LocalResponseNorm(4, alpha=0.1), positive(1, 6, 2, 3))
    exported("norm/torch_group", nn.GroupNorm(2, 4), normal(2, 4, 3, 3), why="Reshape, InstanceNormalization, Reshape")
    exported("norm/torch_group_dynamic", nn.GroupNorm(2, 4), normal(2, 4, 3, 3), dynamic=[0, 2, 3])
    exported("norm/torch_instance", nn.InstanceNorm2d(3, affine=True), normal(2, 3, 4, 4))
    exported("norm/torch_layer", nn.LayerNorm([3, 5]), normal(2, 3, 5), opset=13, why="in parts, before opset 17")
    exported("norm/torch_layer17", nn.LayerNorm(5), normal(2, 3, 5), opset=17)
    normalise = lambda x: F.normalize(x, dim=1)  # noqa: E731
    exported("norm/torch_l2", normalise, normal(2, 5, 3), why="ReduceL2, Clip, Expand, Div")


def _activations():
    def activation(name, operator, x=None, opset=13, why=None, exact=False, **attributes):
        x = normal(2, 3, 3, 5, scale=2) if x is None else x
        op(f"activation/{name}", operator, {"x": x}, opset=opset, why=why, exact=exact, **attributes)

    activation("relu", "Relu", exact=True)
    activation("relu_opset6", "Relu", opset=7, exact=True)
    activation("relu_opset14", "Relu", opset=14, exact=True)
    activation("leaky_relu", "LeakyRelu", opset=7)
    activation("leaky_relu_alpha", "LeakyRelu", opset=16, alpha=0.3)
    activation("elu", "Elu", opset=7)
    activation("elu_alpha", "Elu", opset=22, alpha=0.7)
    activation("selu", "Selu", opset=7)
    activation("selu_own", "Selu", opset=22, alpha=1.2, gamma=0.9)
    activation("sigmoid", "Sigmoid")
    activation("sigmoid_far", "Sigmoid", np.array([-200, -90, -20, 0, 20, 90, 200], np.float32))
    activation("tanh", "Tanh")
    activation("hard_sigmoid", "HardSigmoid", opset=7)
    activation("hard_sigmoid_own", "HardSigmoid", opset=22, alpha=1 / 6, beta=0.4)
    activation("hard_swish", "HardSwish", opset=14)
    activation("hard_swish_opset22", "HardSwish", grid(3, 5), opset=22)
    activation("mish", "Mish", opset=18)
    activation("mish_opset22", "Mish", opset=22)
    activation("gelu", "Gelu", opset=20)
    activation("gelu_tanh", "Gelu", opset=20, approximate="tanh")
    activation("swish", "Swish", opset=24)
    activation("swish_alpha", "Swish", opset=24, alpha=1.5)
    activation("softplus", "Softplus", opset=7)
    activation("softplus_opset22", "Softplus", np.array([-100, -20, -1, 0, 1, 20, 100], np.float32), opset=22)
    activation("celu", "Celu", opset=12, alpha=0.7)
    activation("softsign", "Softsign", opset=7)
    activation("thresholded_relu", "ThresholdedRelu", opset=10, alpha=0.8, exact=True)
    activation("erf", "Erf", opset=9)
    activation("erf_opset13", "Erf", np.array([-8, -3, -0.5, 0, 1e-4, 0.5, 3, 8], np.float32))

    def prelu(name, slope, x=(2, 3, 4, 5), opset=9, fed=False):
        inputs = {"x": normal(*x), "slope": normal(*slope) if fed else constant(normal(*slope))}
        op(f"activation/prelu_{name}", "PRelu", inputs, opset=opset)

    prelu("channel", (3, 1, 1))
    prelu("one", (1,), opset=7)
    prelu("full", (3, 4, 5), opset=16)
    prelu("row", (5,))
    prelu("fed", (3, 1, 1), opset=16, fed=True)

    exported("activation/torch_relu_special", torch.relu, INFINITE, exact=True, why="NaN passes, as in PyTorch")
    exported("activation/torch_prelu", nn.PReLU(3), normal(2, 3, 4))
    for name, layer in [
        ("elu", nn.ELU(0.5)),
        ("selu", nn.SELU()),
        ("softplus", nn.Softplus()),
        ("leaky", nn.LeakyReLU(0.2)),
        ("hard_sigmoid", nn.Hardsigmoid()),
    ]:
        exported(f"activation/torch_{name}", layer, normal(3, 7, scale=2))
    # functions that the exporter takes apart, to be recognised as one
    for name, layer, opset in [
        ("silu", nn.SiLU(), 13),
        ("gelu", nn.GELU(), 13),
        ("gelu_tanh", nn.GELU("tanh"), 13),
        ("hard_swish", nn.Hardswish(), 14),
        ("hard_swish_parts", nn.Hardswish(), 9),
        ("mish", nn.Mish(), 13),
        ("relu6", nn.ReLU6(), 9),
        ("relu6_inputs", nn.ReLU6(), 11),
        ("hardtanh", nn.Hardtanh(-0.5, 1.5), 13),
    ]:
        layers = nn.Sequential(nn.Conv2d(2, 5, 3, padding=1), layer)
        exported(f"activation/torch_conv_{name}", layers, normal(1, 2, 5, 4), opset=opset)


def _clips():
    x = normal(3, 7, scale=2)
    op("clip/opset6", "Clip", {"x": x}, opset=7, min=-0.5, max=1.0, exact=True, why="bounds are attributes")
    op("clip/opset6_one_bound", "Clip", {"x": x}, opset=10, max=0.25, exact=True)
    both = {"x": x, "min": constant(-0.5, np.float32), "max": constant(1, np.float32)}
    op("clip/opset11", "Clip", both, opset=11, exact=True, why="bounds are inputs")
    op("clip/no_min", "Clip", {"x": x, "min": None, "max": both["max"]}, opset=12, exact=True)
    op("clip/no_max", "Clip", {"x": x, "min": both["min"]}, exact=True)
    op("clip/no_bounds", "Clip", {"x": x}, exact=True)
    fed = {"x": x, "min": np.float32(-0.25), "max": np.float32(0.75)}
    op("clip/bounds_fed", "Clip", {key: np.asarray(value) for key, value in fed.items()}, exact=True)
    crossed = {"x": x, "min": constant(1, np.float32), "max": constant(-1, np.float32)}
    op("clip/crossed", "Clip", crossed, exact=True, why="the upper bound wins")
    whole = {"x": integers(3, 5), "min": constant(-2, np.int64), "max": constant(3, np.int64)}
    op("clip/int64", "Clip", whole, opset=12, out="int64")
    exported("clip/torch_special", lambda v: v.clamp(-1, 1), INFINITE, exact=True, why="NaN passes, as in PyTorch")


def _softmaxes():
    for operator in ("Softmax", "LogSoftmax"):
        key = operator.lower()
        why = "below opset 13 everything from the axis on is one row"
        op(f"softmax/{key}_opset11", operator, {"x": normal(2, 3, 5)}, opset=11, why=why)
        op(f"softmax/{key}_opset7_axis2", operator, {"x": normal(2, 3, 5)}, opset=7, axis=2)
        op(f"softmax/{key}_opset11_axis0", operator, {"x": normal(2, 3, 2)}, opset=11, axis=0)
        op(f"softmax/{key}_opset11_negative", operator, {"x": normal(2, 3, 2, 2)}, opset=11, axis=-2)
        op(f"softmax/{key}_opset13", operator, {"x": normal(2, 3, 5)}, why="the last axis")
        op(f"softmax/{key}_opset13_axis1", operator, {"x": normal(2, 3, 2, 4)}, axis=1)
        op(f"softmax/{key}_far", operator, {"x": normal(3, 7, scale=60)}, axis=-1)
    exported("softmax/torch", nn.Softmax(1), normal(2, 5, 3))
    exported("softmax/torch_opset9", nn.Softmax(1), normal(2, 5, 3), opset=9, why="a Transpose around it")
    exported("softmax/torch_log", nn.LogSoftmax(1), normal(2, 5), opset=11)
