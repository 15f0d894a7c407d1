"""Elementwise arithmetic, comparisons, casts, reductions and matrix products."""

import numpy as np
import torch
import torch.nn as nn
from golden_onnx import booleans, constant, exported, grid, integers, ints, normal, op, positive
from onnx import TensorProto


def write_cases():
    _binary()
    _unary()
    _several()
    _comparisons()
    _casts()
    _reductions()
    _positions()
    _products()


def _nonzero(*shape):
    values = integers(*shape)
    values[values == 0] = 3
    return values


def _binary():
    for operator in ("Add", "Sub", "Mul", "Div"):
        key = operator.lower()
        op(f"binary/{key}", operator, {"a": normal(2, 3, 4), "b": positive(2, 3, 4)}, opset=7)
        op(f"binary/{key}_both_ways", operator, {"a": normal(2, 1, 4), "b": positive(3, 1)}, opset=14)
        op(f"binary/{key}_int64", operator, {"a": integers(3, 5), "b": _nonzero(5)}, out="int64", why="rounds towards zero")
    op("binary/add_constant", "Add", {"a": normal(2, 3), "b": constant(normal(3, 1, 3))})
    op("binary/add_empty", "Add", {"a": normal(0, 3), "b": normal(1, 3)}, exact=True, why="no element at all")
    op("binary/mul_scalars", "Mul", {"a": normal(), "b": normal()})
    op("binary/div_by_zero", "Div", {"a": np.array([1, -1, 0, 2], np.float32), "b": np.zeros(4, np.float32)}, exact=True)
    op("binary/sub_int32", "Sub", {"a": integers(4, dtype=np.int32), "b": integers(1, dtype=np.int32)}, out="int32")
    op("binary/pow", "Pow", {"a": positive(2, 5), "b": normal(2, 5)}, opset=7)
    squares = {"a": normal(3, 4), "b": constant(2, np.float32)}
    op("binary/pow_square", "Pow", squares, why="a negative base with a whole exponent")
    op("binary/pow_int64", "Pow", {"a": normal(3, 4), "b": constant([0, 1, 2, 3], np.int64)}, opset=12)
    op("binary/pow_half", "Pow", {"a": positive(7), "b": constant(0.5, np.float32)}, opset=15)
    signed = {"a": integers(4, 6, low=-9, high=10), "b": _nonzero(6)}
    op("binary/mod", "Mod", signed, out="int64", why="takes the divisor's sign")
    op("binary/mod_fmod_int64", "Mod", signed, out="int64", fmod=1, why="takes the dividend's sign")
    op("binary/mod_fmod", "Mod", {"a": normal(3, 4, scale=5), "b": grid(4) + 3}, fmod=1, exact=True)


def _unary():
    for operator, opsets in {
        "Abs": (7, 13),
        "Neg": (7, 13),
        "Floor": (7, 13),
        "Ceil": (7, 13),
        "Exp": (7, 13),
        "Reciprocal": (7, 13),
    }.items():
        exact = operator in ("Abs", "Neg", "Floor", "Ceil")
        for opset in opsets:
            x = normal(3, 5, scale=2)
            x[x == 0] = 1
            op(f"unary/{operator.lower()}_opset{opset}", operator, {"x": x}, opset=opset, exact=exact)
    op("unary/sqrt", "Sqrt", {"x": positive(3, 5)}, opset=7)
    op("unary/sqrt_special", "Sqrt", {"x": np.array([-1, -0.0, 0, np.inf, np.nan], np.float32)}, exact=True)
    op("unary/log", "Log", {"x": positive(3, 5)})
    op("unary/log_special", "Log", {"x": np.array([-1, 0, 1, np.inf, np.nan], np.float32)}, exact=True)
    halves = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4999, 1e9], np.float32)
    op("unary/round", "Round", {"x": halves}, opset=11, exact=True, why="halves go to the even neighbour")
    op("unary/abs_int64", "Abs", {"x": integers(7)}, out="int64")
    op("unary/neg_int64", "Neg", {"x": integers(7)}, out="int64")
    special = np.array([np.nan, np.inf, -np.inf, -0.0, 0, 2.5, -2.5], np.float32)
    op("unary/sign", "Sign", {"x": special[1:]}, opset=9, exact=True)
    op("unary/is_nan", "IsNaN", {"x": special}, opset=9, out="bool")
    op("unary/is_infinite", "IsInf", {"x": special}, opset=10, out="bool")
    op("unary/is_infinite_below", "IsInf", {"x": special}, opset=20, out="bool", detect_positive=0)
    op("unary/not", "Not", {"x": booleans(3, 5)}, opset=7, out="bool")
    op("unary/identity", "Identity", {"x": normal(2, 3)}, exact=True)
    op("unary/identity_int64", "Identity", {"x": integers(2, 3)}, out="int64")


def _several():
    three = {"a": normal(2, 3, 4), "b": normal(3, 1), "c": normal(1)}
    for operator in ("Min", "Max", "Sum"):
        key = operator.lower()
        exact = operator != "Sum"
        op(f"several/{key}", operator, three, opset=8, exact=exact, why="broadcasting, from opset 8")
        op(f"several/{key}_two", operator, {"a": grid(3, 5), "b": grid(3, 5)}, opset=7, exact=exact)
        op(f"several/{key}_one", operator, {"a": normal(3, 5)}, opset=13, exact=exact)
    op("several/max_int64", "Max", {"a": integers(3, 4), "b": integers(4)}, opset=12, out="int64")
    op("several/min_int32", "Min", {"a": integers(3, dtype=np.int32), "b": integers(1, dtype=np.int32)}, out="int32")
    op("several/mean", "Mean", three, opset=13)


def _comparisons():
    for operator, first in {
        "Equal": 11,
        "Greater": 9,
        "Less": 9,
        "GreaterOrEqual": 12,
        "LessOrEqual": 12,
    }.items():
        key = operator.lower()
        op(f"compare/{key}", operator, {"a": grid(3, 5), "b": grid(5)}, opset=max(first, 7), out="bool")
        op(f"compare/{key}_int64", operator, {"a": integers(3, 1), "b": integers(4)}, opset=16, out="bool")
    nan = np.array([np.nan, 1, np.nan, -0.0], np.float32)
    op("compare/equal_nan", "Equal", {"a": nan, "b": np.array([np.nan, 1, 2, 0], np.float32)}, out="bool")
    op("compare/equal_bool", "Equal", {"a": booleans(6), "b": booleans(6)}, out="bool")
    op("compare/greater_opset7", "Greater", {"a": grid(7), "b": grid(7)}, opset=7, out="bool")
    for operator in ("And", "Or", "Xor"):
        op(f"compare/{operator.lower()}", operator, {"a": booleans(3, 4), "b": booleans(4)}, opset=7, out="bool")
    choice = {"condition": booleans(2, 1, 3), "a": normal(4, 1), "b": normal(1)}
    op("compare/where", "Where", choice, opset=9, exact=True)
    whole = {"condition": booleans(3, 4), "a": integers(4), "b": integers(3, 1)}
    op("compare/where_int64", "Where", whole, opset=16, out="int64")


def _casts():
    def cast(name, x, to, **rest):
        op(f"cast/{name}", "Cast", {"x": x}, to=getattr(TensorProto, to.upper()), **rest)

    fractions = np.array([-2.7, -1.5, -0.5, 0, 0.5, 1.5, 2.7], np.float32)
    cast("float_to_int64", fractions, "int64", out="int64", why="towards zero")
    cast("float_to_int32", fractions, "int32", out="int32")
    cast("float_to_bool", np.array([0, -0.0, 0.1, -3, np.nan], np.float32), "bool", out="bool")
    cast("int64_to_float", integers(7), "float", opset=7)
    cast("int64_to_int32", integers(7), "int32", out="int32")
    cast("int64_to_bool", integers(7, low=-1, high=2), "bool", out="bool")
    cast("bool_to_float", booleans(7), "float", opset=9)
    cast("bool_to_int64", booleans(7), "int64", out="int64")
    cast("float_to_uint8", np.array([0, 0.9, 1.5, 254.6], np.float32), "uint8", out="uint8")
    cast("uint8_to_float", np.array([0, 1, 128, 255], np.uint8), "float")
    cast("float_to_double", normal(5), "double", out="float64", why="computed in float32, exact here")
    like = {"x": fractions, "like": constant([1], np.int64)}
    op("cast/like", "CastLike", like, opset=15, out="int64")
    cast("double_to_float", normal(5).astype(np.float64), "float", opset=19)


def _reductions():
    def reduction(name, operator, x, axes, opset, axes_input, out="float32", why=None, fed=False, **attributes):
        inputs = {"x": x}
        if axes is not None and axes_input:
            inputs["axes"] = np.asarray(axes, np.int64) if fed else ints(*axes)
        elif axes is not None:
            attributes["axes"] = axes
        exact = operator in ("ReduceMax", "ReduceMin")
        op(f"reduce/{name}", operator, inputs, opset=opset, out=out, why=why, exact=exact, **attributes)

    for operator, changed in {"ReduceMean": 18, "ReduceSum": 13, "ReduceMax": 18, "ReduceMin": 18}.items():
        key = operator[6:].lower()
        reduction(f"{key}_attribute", operator, normal(2, 3, 4), [1, 2], 11, False, keepdims=0)
        reduction(f"{key}_attribute_keep", operator, normal(2, 3, 4), [-1], changed - 1, False)
        reduction(f"{key}_input", operator, normal(2, 3, 4), [0, -1], changed, True, keepdims=0)
        reduction(f"{key}_all", operator, normal(2, 3, 4), None, changed, True)
        reduction(f"{key}_all_scalar", operator, normal(2, 3), None, 7, False, keepdims=0)
        reduction(f"{key}_noop", operator, normal(2, 3), None, changed, True, noop_with_empty_axes=1)
    for operator in ("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceProd", "ReduceSumSquare"):
        key = operator[6:].lower()
        reduction(f"{key}_attribute", operator, positive(2, 3, 4), [1], 13, False)
        reduction(f"{key}_input", operator, positive(2, 3, 4), [0, 2], 18, True, keepdims=0)
    reduction("logsumexp_far", "ReduceLogSumExp", normal(3, 4, scale=90), [1], 18, True)
    reduction("prod_int64", "ReduceProd", integers(3, 4), [1], 13, False, out="int64")
    reduction("mean_middle", "ReduceMean", normal(2, 17, 3), [1], 18, True)
    reduction("sum_int64", "ReduceSum", integers(3, 4), [1], 13, True, out="int64", keepdims=0)
    reduction("max_int64", "ReduceMax", integers(3, 4), [0], 13, False, out="int64", keepdims=0)
    reduction("min_int32", "ReduceMin", integers(3, 4, dtype=np.int32), [0], 18, True, out="int32")
    reduction("sum_axes_fed", "ReduceSum", normal(2, 3, 4), [1], 13, True, fed=True, why="the shape depends on a fed value")
    exported("reduce/torch_mean", lambda x: x.mean(1, keepdim=True), normal(2, 3, 4))
    exported("reduce/torch_sum", lambda x: x.sum((0, 2)), normal(2, 3, 4), opset=11)
    exported("reduce/torch_max", lambda x: x.amax((1, 2)), normal(2, 3, 4), exact=True)


def _positions():
    for operator in ("ArgMax", "ArgMin"):
        key = operator.lower()
        ties = grid(3, 4, 5)
        op(f"position/{key}", operator, {"x": ties}, opset=7, out="int64", axis=1, why="the first of equal elements")
        op(f"position/{key}_last", operator, {"x": ties}, out="int64", axis=-1, select_last_index=1, keepdims=0)
        op(f"position/{key}_defaults", operator, {"x": normal(3, 4)}, opset=11, out="int64")
    exported("position/torch_argmax", lambda x: x.argmax(1), normal(2, 5, 3))

    def top(name, x, k, opset=11, why=None, **attributes):
        inputs = {"x": x, **({"k": ints(k)} if opset >= 10 else {})}
        attributes |= {} if opset >= 10 else {"k": k}
        op(f"position/top_{name}", "TopK", inputs, opset=opset, out="float32 int64", why=why, exact=True, **attributes)

    top("opset1", normal(3, 7), 3, opset=7, axis=1)
    top("opset10", normal(3, 7), 2, opset=10)
    top("largest", normal(2, 7, 3), 4, axis=1)
    top("smallest", normal(3, 7), 3, largest=0)
    top("all", normal(5), 5, axis=0)
    top("ties", grid(4, 9), 6, why="of equal elements the lower index comes first")
    top("none", normal(3, 4), 0)
    op("position/top_fed", "TopK", {"x": normal(2, 6), "k": np.array([2], np.int64)}, opset=11, out="float32 int64", exact=True)
    op("position/top_int64", "TopK", {"x": integers(2, 6, low=0, high=50), "k": ints(2)}, opset=24, out="int64 int64")
    exported("position/torch_top", lambda x: x.topk(3, dim=1), normal(2, 6), exact=True)


def _products():
    def gemm(name, a, b, c, opset=13, why=None, fed=False, **attributes):
        inputs = {"a": normal(*a), "b": normal(*b) if fed else constant(normal(*b))}
        if c is not None:
            inputs["c"] = constant(normal(*c))
        op(f"product/gemm_{name}", "Gemm", inputs, opset=opset, why=why, **attributes)

    gemm("plain", (3, 5), (5, 4), (4,), opset=7)
    gemm("transposed_b", (3, 5), (4, 5), (4,), opset=9, transB=1)
    gemm("transposed_a", (5, 3), (5, 4), (3, 4), transA=1, alpha=0.5, beta=2.0)
    gemm("transposed_both", (5, 3), (4, 5), (3, 1), opset=11, transA=1, transB=1, why="one number for each row")
    gemm("no_bias", (3, 5), (5, 4), None, opset=11, alpha=1.5)
    gemm("scalar_bias", (3, 5), (5, 4), (), opset=11, beta=0.5)
    gemm("one_row", (1, 17), (17, 3), (1, 3))
    gemm("fed", (2, 3), (3, 2), (1, 1), fed=True)
    op("product/matmul", "MatMul", {"a": normal(3, 5), "b": normal(5, 2)}, opset=7)
    op("product/matmul_batches", "MatMul", {"a": normal(2, 1, 3, 4), "b": normal(3, 4, 2)}, why="batches broadcast")
    op("product/matmul_weights", "MatMul", {"a": normal(2, 3, 4), "b": constant(normal(4, 5))})
    op("product/matmul_vector_right", "MatMul", {"a": normal(2, 3, 4), "b": normal(4)}, opset=9)
    op("product/matmul_vector_left", "MatMul", {"a": normal(4), "b": normal(2, 4, 3)})
    op("product/matmul_vectors", "MatMul", {"a": normal(7), "b": normal(7)}, why="a scalar")
    exported("product/torch_linear", nn.Linear(5, 3), normal(4, 5))
    exported("product/torch_linear_3d", nn.Linear(5, 3), normal(2, 4, 5), dynamic=[0, 1], why="MatMul and Add")
    exported("product/torch_bmm", torch.matmul, normal(2, 3, 4), normal(2, 4, 5), opset=9)
