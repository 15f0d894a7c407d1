"""Convolutions, transposed convolutions and pooling."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from golden_onnx import constant, exported, grid, normal, op


def write_cases():
    _convolutions()
    _transposed()
    _max_pools()
    _average_pools()
    _global_pools()


def _convolutions():
    def conv(name, x, weight, bias=True, opset=11, why=None, **attributes):
        inputs = {"x": normal(*x), "w": constant(normal(*weight))}
        if bias:
            inputs["b"] = constant(normal(weight[0]))
        op(f"conv/{name}", "Conv", inputs, opset=opset, why=why, **attributes)

    for stride in (1, 2, 3):
        for auto_pad in ("SAME_UPPER", "SAME_LOWER", "VALID"):
            name = f"{auto_pad.lower()}_stride{stride}"
            why = "an even kernel pads unevenly"
            conv(name, (1, 2, 7, 8), (3, 2, 4, 3), auto_pad=auto_pad, strides=[stride, stride], why=why)
    conv("notset", (1, 2, 7, 5), (3, 2, 3, 3), auto_pad="NOTSET", pads=[1, 1, 1, 1])
    x, weight = normal(1, 2, 9, 7), normal(2, 2, 3, 2)
    padded = F.pad(torch.from_numpy(x).double(), (1, 2, 2, 2))
    answer = F.conv2d(padded, torch.from_numpy(weight).double(), stride=(2, 1), dilation=(2, 3)).numpy()
    settings = {"auto_pad": "SAME_UPPER", "dilations": [2, 3], "strides": [2, 1], "answer": answer}
    op("conv/same_upper_dilated", "Conv", {"x": x, "w": constant(weight)}, opset=11, **settings)
    conv("asymmetric", (1, 2, 6, 5), (3, 2, 3, 3), pads=[0, 1, 2, 3], strides=[2, 1], why="four different paddings")
    conv("no_kernel_shape", (2, 3, 5, 5), (4, 3, 2, 3), why="the kernel's extent is the weights'")
    conv("kernel_larger_than_input", (1, 2, 2, 3), (3, 2, 5, 5), pads=[2, 2, 2, 2], kernel_shape=[5, 5])
    conv("dilations", (1, 2, 9, 11), (3, 2, 3, 3), dilations=[2, 3], pads=[2, 3, 2, 3])
    conv("groups", (2, 6, 5, 7), (9, 2, 3, 3), group=3, pads=[1, 1, 1, 1])
    conv("depthwise", (1, 5, 7, 6), (5, 1, 3, 3), group=5, pads=[1, 1, 1, 1], strides=[2, 2])
    conv("depthwise_multiplier", (1, 3, 5, 5), (6, 1, 3, 3), group=3, why="two output channels of each input channel")
    conv("channels_past_a_block", (1, 17, 5, 6), (19, 17, 3, 3), bias=False, pads=[1, 1, 1, 1])
    conv("pointwise_one_pixel", (3, 5, 1, 1), (7, 5, 1, 1))
    conv("opset1", (1, 2, 5, 5), (3, 2, 3, 3), opset=7, pads=[1, 1, 1, 1], why="Conv-1, the version of opsets 7 to 10")
    conv("opset22", (1, 2, 5, 5), (3, 2, 3, 3), opset=22, pads=[1, 0, 1, 0])
    conv("one_dimension", (2, 3, 11), (4, 3, 3), strides=[2], pads=[1, 2])
    conv("one_dimension_same_lower", (1, 2, 8), (2, 2, 4), auto_pad="SAME_LOWER", strides=[3])
    conv("three_dimensions", (1, 2, 4, 5, 3), (3, 2, 2, 3, 2), pads=[1, 1, 0, 0, 1, 1], strides=[1, 2, 1])
    weights_fed = {"x": normal(1, 2, 5, 5), "w": normal(3, 2, 3, 3), "b": normal(3)}
    op("conv/weights_fed", "Conv", weights_fed, opset=13, why="weights are not known when the file is loaded")
    exported("conv/torch", nn.Conv2d(3, 4, 3, padding=1, stride=2), normal(2, 3, 7, 9))
    exported("conv/torch_groups", nn.Conv2d(4, 6, (1, 3), groups=2, dilation=(1, 2), bias=False), normal(1, 4, 3, 9))
    exported("conv/torch_1d", nn.Conv1d(2, 3, 5, padding=2), normal(1, 2, 9), opset=9)
    uneven = nn.Sequential(nn.ZeroPad2d((1, 0, 1, 2)), nn.Conv2d(2, 3, (4, 3)))
    exported("conv/torch_padded", uneven, normal(1, 2, 6, 6), why="an uneven Pad, which the convolution can take in")
    exported(
        "conv/torch_reflect",
        nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"),
        normal(1, 2, 5, 4),
        why="a Pad of another mode, which no convolution can take in",
    )


def _transposed():
    def transposed(name, x, weight, opset=11, bias=True, why=None, **attributes):
        inputs = {"x": normal(*x), "w": constant(normal(*weight))}
        if bias:
            inputs["b"] = constant(normal(weight[1] * attributes.get("group", 1)))
        op(f"convtranspose/{name}", "ConvTranspose", inputs, opset=opset, why=why, **attributes)

    transposed("plain", (1, 2, 4, 5), (2, 3, 3, 3))
    transposed("stride", (1, 2, 3, 4), (2, 3, 3, 2), strides=[2, 3], bias=False)
    transposed("pads", (1, 2, 4, 4), (2, 3, 4, 4), strides=[2, 2], pads=[0, 1, 2, 1], why="four-sided")
    transposed("output_padding", (1, 2, 3, 3), (2, 2, 3, 3), strides=[2, 3], pads=[1, 1, 1, 1], output_padding=[1, 2])
    transposed("output_shape", (1, 2, 3, 3), (2, 2, 3, 3), strides=[3, 2], output_shape=[8, 6], why="pads follow from it")
    why = "more than the kernel reaches, so that the rest is bias"
    transposed("output_shape_beyond", (1, 2, 3, 3), (2, 2, 3, 3), strides=[3, 2], output_shape=[10, 8], why=why)
    for auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        name = auto_pad.lower()
        transposed(name, (1, 2, 3, 4), (2, 2, 3, 4), strides=[2, 3], auto_pad=auto_pad)
        transposed(f"{name}_small_kernel", (1, 2, 3, 4), (2, 2, 3, 2), strides=[2, 3], auto_pad=auto_pad)
        transposed(f"{name}_output_shape", (1, 1, 3, 3), (1, 2, 4, 4), strides=[2, 2], auto_pad=auto_pad, output_shape=[7, 7])
    transposed("valid", (1, 2, 3, 4), (2, 2, 3, 2), strides=[2, 3], auto_pad="VALID")
    transposed("groups", (1, 4, 3, 3), (4, 3, 3, 3), group=2, strides=[2, 2], pads=[1, 1, 1, 1])
    transposed("depthwise", (1, 3, 4, 3), (3, 1, 2, 2), group=3, strides=[2, 2])
    transposed("dilations", (1, 2, 4, 3), (2, 2, 3, 2), dilations=[2, 3], strides=[2, 1])
    transposed("one_dimension", (2, 2, 5), (2, 3, 3), strides=[2], pads=[1, 0])
    transposed("opset1", (1, 2, 3, 3), (2, 2, 2, 2), opset=8, strides=[2, 2])
    transposed("opset22", (1, 2, 3, 3), (2, 2, 2, 2), opset=22, strides=[2, 2])
    layer = nn.ConvTranspose2d(3, 2, 3, stride=2, padding=1, output_padding=1)
    exported("convtranspose/torch", layer, normal(1, 3, 4, 3))
    layer = nn.ConvTranspose2d(4, 4, (2, 3), stride=(1, 2), groups=2, dilation=(2, 1), bias=False)
    exported("convtranspose/torch_groups", layer, normal(2, 4, 3, 3), opset=9)


def _max_pools():
    def max_pool(name, x=(1, 2, 7, 8), opset=12, out="float32", why=None, **attributes):
        attributes = {"kernel_shape": [3, 2], **attributes}
        op(f"maxpool/{name}", "MaxPool", {"x": normal(*x)}, opset=opset, out=out, why=why, exact=True, **attributes)

    for auto_pad in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        max_pool(auto_pad.lower(), auto_pad=auto_pad, strides=[2, 3])
    max_pool("defaults", why="stride 1, no padding")
    max_pool("asymmetric", pads=[1, 0, 2, 1], strides=[2, 2])
    max_pool("ceil_mode", strides=[2, 3], ceil_mode=1)
    max_pool("ceil_mode_padded", (1, 1, 6, 6), kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1], ceil_mode=1)
    max_pool("dilations", (1, 2, 9, 9), dilations=[2, 3], strides=[1, 2])
    max_pool("indices", out="float32 int64", strides=[2, 2], why="positions count over the whole tensor")
    max_pool("indices_padded", (2, 2, 5, 5), kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2], out="float32 int64")
    max_pool("indices_column_major", out="float32 int64", storage_order=1, strides=[2, 2])
    max_pool("opset1", opset=7, strides=[2, 2])
    max_pool("opset8", opset=8, strides=[2, 2], out="float32 int64")
    max_pool("opset10", opset=10, strides=[2, 2], ceil_mode=1, dilations=[1, 2])
    max_pool("opset22", opset=22, strides=[2, 2])
    max_pool("one_dimension", (2, 3, 9), kernel_shape=[3], strides=[2], pads=[1, 1])
    max_pool("three_dimensions", (1, 2, 5, 4, 6), kernel_shape=[2, 3, 2], strides=[2, 1, 2])
    ties = grid(1, 2, 6, 6)
    op(
        "maxpool/ties",
        "MaxPool",
        {"x": ties},
        opset=12,
        out="float32 int64",
        kernel_shape=[2, 2],
        why="of equal elements the first counts",
        exact=True,
    )
    lowest = np.full((1, 1, 4, 4), -np.inf, np.float32)
    settings = {"opset": 12, "kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "answer": lowest}
    # onnxruntime gives the lowest finite number
    op("maxpool/all_infinite", "MaxPool", {"x": lowest}, exact=True, **settings)
    exported("maxpool/torch", nn.MaxPool2d(3, 2, 1, ceil_mode=True), normal(2, 3, 8, 7), exact=True)
    bottom = nn.MaxPool2d(2, return_indices=True)
    exported("maxpool/torch_indices", bottom, normal(1, 2, 4, 6), exact=True, why="made per channel by further nodes")


def _average_pools():
    def average_pool(name, x=(1, 2, 7, 8), opset=11, why=None, **attributes):
        attributes = {"kernel_shape": [3, 2], **attributes}
        op(f"averagepool/{name}", "AveragePool", {"x": normal(*x)}, opset=opset, why=why, **attributes)

    for include in (0, 1):
        for auto_pad in ("SAME_UPPER", "SAME_LOWER", "VALID"):
            name = f"{auto_pad.lower()}{'_include' if include else ''}"
            average_pool(name, auto_pad=auto_pad, strides=[2, 3], count_include_pad=include)
        suffix = "_include" if include else ""
        average_pool(f"asymmetric{suffix}", pads=[1, 0, 2, 1], strides=[2, 2], count_include_pad=include)
        average_pool(f"ceil_mode{suffix}", strides=[2, 3], ceil_mode=1, count_include_pad=include)
    average_pool("defaults")
    average_pool("opset1", opset=7, pads=[1, 1, 1, 1], count_include_pad=1, why="AveragePool-7")
    average_pool("opset10", opset=10, ceil_mode=1, strides=[2, 3])
    average_pool("opset22", opset=22, pads=[1, 1, 1, 1])
    average_pool("dilations", (1, 2, 9, 9), opset=19, dilations=[2, 3], pads=[1, 1, 2, 1])
    average_pool("dilations_include", (1, 1, 9, 9), opset=19, dilations=[2, 2], pads=[1, 0, 2, 1], count_include_pad=1)
    average_pool("one_dimension", (2, 3, 9), kernel_shape=[3], strides=[2], pads=[1, 1])
    average_pool("three_dimensions", (1, 2, 5, 4, 6), kernel_shape=[2, 3, 2], strides=[2, 1, 2])
    exported("averagepool/torch", nn.AvgPool2d(3, 2, 1), normal(2, 3, 7, 8))
    exported("averagepool/torch_exclude", nn.AvgPool2d(3, 2, 1, count_include_pad=False), normal(1, 3, 7, 8))
    exported("averagepool/torch_adaptive", nn.AdaptiveAvgPool2d((2, 3)), normal(1, 3, 6, 9))


def _global_pools():
    for name, operator in [("average", "GlobalAveragePool"), ("max", "GlobalMaxPool")]:
        exact = name == "max"
        op(f"globalpool/{name}", operator, {"x": normal(2, 3, 5, 7)}, opset=7, exact=exact)
        op(f"globalpool/{name}_opset22", operator, {"x": normal(1, 17, 3, 3)}, opset=22, exact=exact)
        op(f"globalpool/{name}_one_dimension", operator, {"x": normal(2, 3, 7)}, exact=exact)
        op(f"globalpool/{name}_three_dimensions", operator, {"x": normal(1, 2, 3, 2, 3)}, exact=exact)
    exported("globalpool/torch", nn.AdaptiveAvgPool2d(1), normal(2, 3, 5, 4))
    exported("globalpool/torch_max", nn.AdaptiveMaxPool2d(1), normal(2, 3, 5, 4), exact=True)
    mean = lambda x: x.mean((2, 3))  # noqa: E731
    exported("globalpool/torch_mean", mean, normal(2, 3, 5, 4), why="ReduceMean, as newer exporters write it")
