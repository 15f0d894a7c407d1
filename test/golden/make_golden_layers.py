#!/usr/bin/env python3
"""More golden files, of what networks have between and behind their convolutions; as make_golden.py, which see.

Usage: python3 make_golden_layers.py
"""

import json

import torch
import torch.nn.functional as F
from make_golden import answer, encode, normal, write


def named(name, options):
    return name + (f" {json.dumps(options)}" if options else "")


def resize_cases():
    def case(x, **options):
        given = {
            "size": options.get("size"),
            "scale_factor": options.get("scaleFactor"),
            "mode": options.get("mode", "nearest"),
            "align_corners": options.get("alignCorners", False) if "mode" in options else None,
            "antialias": options.get("antialias", False),
        }
        function = lambda x: F.interpolate(x, **given)
        return answer(function, named(f"{list(x)}", options), "interpolate", {"x": normal(*x)}, options)

    # but for 'nearest', positions are exact in float32, in which they are computed for all dtypes
    return [
        case((2, 3, 4, 5), scaleFactor=2),
        case((1, 2, 6, 7), size=[3, 11]),
        case((1, 2, 5, 4), scaleFactor=[1.5, 0.75]),
        case((2, 2, 4, 5), scaleFactor=2, mode="bilinear"),
        case((1, 2, 6, 7), size=[3, 28], mode="bilinear"),
        case((1, 1, 4, 4), size=[7, 1], mode="bilinear", alignCorners=True),
        case((1, 2, 3, 5), size=[5, 17], mode="bilinear", alignCorners=True),
        case((1, 2, 4, 5), scaleFactor=2, mode="bicubic"),
        case((1, 1, 8, 6), size=[4, 12], mode="bicubic"),
        case((1, 1, 5, 4), size=[9, 7], mode="bicubic", alignCorners=True),
        case((1, 2, 9, 12), size=[3, 3], mode="bilinear", antialias=True),
        case((1, 1, 12, 8), size=[6, 16], mode="bicubic", antialias=True),
    ]


def transposed_cases():
    def case(why, x, weight, bias=True, **options):
        given = {"output_padding" if key == "outputPadding" else key: value for key, value in options.items()}
        groups = options.get("groups", 1)
        inputs = {"x": normal(*x), "weight": normal(*weight)}
        if bias:
            inputs["bias"] = normal(weight[1] * groups)
        return answer(lambda **t: F.conv_transpose2d(t["x"], t["weight"], t.get("bias"), **given), why, "convTranspose2d", inputs, options)

    def shuffle(op, function, x, factor):
        return answer(lambda x: function(x, factor), f"{list(x)} by {factor}", op, {"x": normal(*x)}, {"factor": factor})

    return [
        case("plain", (2, 3, 4, 5), (3, 2, 3, 2)),
        case("stride 2 and padding, as decoders have it", (1, 4, 5, 4), (4, 3, 4, 4), stride=2, padding=1),
        case("output padding", (1, 2, 4, 3), (2, 3, 3, 3), stride=2, padding=1, outputPadding=1),
        case("stride, padding and output padding by axis", (1, 2, 3, 4), (2, 2, 2, 3), stride=[3, 2], padding=[0, 1], outputPadding=[2, 0]),
        case("dilation", (1, 2, 4, 4), (2, 2, 3, 2), dilation=[2, 3], stride=[1, 2]),
        case("groups", (2, 4, 3, 3), (4, 3, 2, 2), groups=2, stride=2),
        case("depthwise, no bias", (1, 3, 4, 4), (3, 1, 3, 3), bias=False, groups=3, stride=2),
        case("stride above the kernel", (1, 2, 3, 3), (2, 1, 1, 2), stride=3),
        shuffle("pixelShuffle", F.pixel_shuffle, (2, 8, 3, 2), 2),
        shuffle("pixelShuffle", F.pixel_shuffle, (1, 9, 2, 3), 3),
        shuffle("pixelUnshuffle", F.pixel_unshuffle, (2, 2, 4, 6), 2),
    ]


def norm_cases():
    def layer(x, shape, affine=True, eps=1e-5):
        inputs = {"x": normal(*x)} | ({"weight": normal(*shape), "bias": normal(*shape)} if affine else {})
        function = lambda x, weight=None, bias=None: F.layer_norm(x, shape, weight, bias, eps)
        options = {"normalizedShape": shape, "eps": eps}
        return answer(function, named(str(list(x)), options) + ("" if affine else ", plain"), "layerNorm", inputs, options)

    def group(x, groups, affine=True, eps=1e-5):
        inputs = {"x": normal(*x)} | ({"weight": normal(x[1]), "bias": normal(x[1])} if affine else {})
        function = lambda x, weight=None, bias=None: F.group_norm(x, groups, weight, bias, eps)
        options = {"groups": groups, "eps": eps}
        return answer(function, named(str(list(x)), options) + ("" if affine else ", plain"), "groupNorm", inputs, options)

    def instance(x):
        inputs = {"x": normal(*x), "weight": normal(x[1]), "bias": normal(x[1])}
        function = lambda x, weight, bias: F.instance_norm(x, None, None, weight, bias, True, 0.1, 1e-5)
        return answer(function, str(list(x)), "instanceNorm", inputs, {})

    def response(x, size, **options):
        function = lambda x: F.local_response_norm(x, size, **options)
        given = {"size": size} | options
        return answer(function, named(str(list(x)), given), "localResponseNorm", {"x": normal(*x)}, given)

    return [
        layer((4, 6), [6]),
        layer((2, 3, 4), [3, 4], eps=0.1),
        layer((3, 5), [5], affine=False),
        group((2, 6, 3, 2), 3),
        group((2, 4, 5), 1, eps=0.01),
        group((3, 4), 2, affine=False),
        instance((2, 3, 4, 3)),
        instance((1, 2, 7)),
        response((2, 5, 3, 2), 3),
        response((1, 6, 4), 4, alpha=0.5, beta=0.6, k=2.0),
        response((2, 3, 2, 2), 5, alpha=1.0),
    ]


def function_cases():
    points = torch.cat([torch.tensor([0.0, -0.5, 0.5, 3.0, -3.0, 12.5, -12.5, 25.0, -30.0]), torch.randn(30) * 2]).double()

    def case(op, function, options=None, points=points):
        return answer(lambda x: function(x), named(op, options), op, {"x": points}, options or {})

    def reduced(op, function, x, axis):
        return answer(lambda x: function(x, axis), f"{list(x)} along {axis}", op, {"x": normal(*x)}, {"axis": axis})

    # at ±3 PyTorch's gradients of the hard functions are those of the outer parts; the kinks have a test of their own
    smooth = points[points.abs() != 3]
    zeros = torch.tensor([[1.5, -2.0, 0.0, 3.0], [0.0, 2.0, 0.0, 1.0], [1.0, -1.5, 2.0, 0.5]]).double()
    return [
        # PyTorch's own hardsigmoid has a gradient of 1/6 rounded to float32
        case("hardSigmoid", lambda x: torch.clamp(x / 6 + 0.5, 0, 1), points=smooth),
        case("hardSwish", F.hardswish, points=smooth),
        case("mish", F.mish),
        case("selu", F.selu, points=points[points != 0]),
        case("softsign", F.softsign),
        answer(lambda x, slope: F.prelu(x, slope), "a slope a channel", "prelu", {"x": normal(2, 3, 2, 2), "slope": normal(3)}, {}),
        answer(lambda a, b: torch.remainder(a, b), "mod", "mod", {"a": normal(20, scale=5), "b": normal(20)}, {}),
        answer(lambda a, b: torch.fmod(a, b), "fmod", "fmod", {"a": normal(20, scale=5), "b": normal(20)}, {}),
        reduced("logSumExp", torch.logsumexp, (3, 5), 1),
        reduced("logSumExp", torch.logsumexp, (2, 3, 4), 1),
        reduced("prod", torch.prod, (3, 4), 1),
        answer(lambda x: torch.prod(x, 1), "with zeros", "prod", {"x": zeros}, {"axis": 1}),
        reduced("cumSum", torch.cumsum, (3, 6), 1),
        reduced("cumSum", torch.cumsum, (4, 2, 3), 0),
        reduced("norm", lambda x, axis: torch.linalg.vector_norm(x, 2, axis), (3, 5), 1),
    ]


def indexing_cases():
    def case(why, op, function, inputs, options, indices):
        indices = torch.tensor(indices)
        given = answer(lambda **t: function(indices, **t), why, op, inputs, options)
        return given | {"positions": encode(indices)}

    gather = lambda axis: lambda indices, x: torch.gather(x, axis, indices)
    put = lambda axis: lambda indices, x, updates: torch.scatter(x, axis, indices, updates)
    add = lambda axis: lambda indices, x, updates: torch.scatter_add(x, axis, indices, updates)
    best = lambda k, axis, largest: lambda x: torch.topk(x, k, axis, largest)[0]
    return [
        case("rows", "indexSelect", lambda indices, x: x[indices], {"x": normal(4, 3)}, {"axis": 0}, [[2, 0], [2, 3]]),
        case("columns", "indexSelect", lambda indices, x: x[:, indices], {"x": normal(3, 4, 2)}, {"axis": 1}, [1, 1, 3]),
        case("along 1", "gather", gather(1), {"x": normal(3, 4)}, {"axis": 1}, [[0, 3, 3], [1, 2, 0]]),
        case("along 0", "gather", gather(0), {"x": normal(3, 4)}, {"axis": 0}, [[0, 2], [2, 2], [1, 0], [0, 0]]),
        case("none", "scatter", put(1), {"x": normal(2, 4), "updates": normal(2, 3)}, {"axis": 1}, [[3, 0, 1], [2, 1, 0]]),
        case("add", "scatter", add(0), {"x": normal(3, 2), "updates": normal(4, 2)}, {"axis": 0, "reduction": "add"}, [[0, 2], [0, 2], [1, 0], [0, 2]]),
        case("pairs", "gatherNd", lambda i, x: x[i[:, 0], i[:, 1]], {"x": normal(3, 4, 2)}, {}, [[0, 3], [2, 1], [0, 3]]),
        case("pairs", "scatterNd", lambda i, x, updates: x.index_put((i[:, 0], i[:, 1]), updates), {"x": normal(3, 4), "updates": normal(2)}, {}, [[0, 3], [2, 1]]),
        case("pairs, added", "scatterNd", lambda i, x, updates: x.index_put((i[:, 0], i[:, 1]), updates, accumulate=True), {"x": normal(3, 4), "updates": normal(3)}, {"reduction": "add"}, [[0, 3], [2, 1], [0, 3]]),
        answer(best(3, 1, True), "largest", "topK", {"x": normal(4, 7)}, {"k": 3, "axis": 1}),
        answer(best(2, 0, False), "smallest", "topK", {"x": normal(5, 3)}, {"k": 2, "axis": 0, "largest": False}),
        answer(lambda x: torch.flip(x, [0, 2]), "axes 0 and 2", "flip", {"x": normal(2, 3, 4)}, {"axes": [0, 2]}),
        answer(lambda x: x.repeat(2, 1, 3), "2, 1, 3", "tile", {"x": normal(2, 3, 2)}, {"repeats": [2, 1, 3]}),
        answer(lambda x: torch.tril(x, 1), "1", "tril", {"x": normal(2, 3, 4)}, {"diagonal": 1}),
        answer(lambda x: torch.triu(x, -1), "-1", "triu", {"x": normal(2, 4, 3)}, {"diagonal": -1}),
    ]


GROUPS = {
    "resize": resize_cases,
    "transposed": transposed_cases,
    "norm": norm_cases,
    "function": function_cases,
    "indexing": indexing_cases,
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    for seed, (name, cases) in enumerate(GROUPS.items()):
        torch.manual_seed(100 + seed)
        write(name, cases())
