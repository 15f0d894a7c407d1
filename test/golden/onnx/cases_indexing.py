"""Operators whose inputs say where elements are: gather, scatter, selections; and If, Dropout, CumSum, Trilu."""

import numpy as np
import torch
from golden_onnx import booleans, constant, count, exported, graph_case, grid, integers, ints, normal, op, positive, scalar
from onnx import TensorProto, helper


def write_cases():
    _gathers()
    _scatters()
    _lists()
    _suppression()
    _inference()


def _gathers():
    x = count(3, 4, 2)

    def gather(name, operator, indices, x=x, opset=13, fed=False, dtype=np.int64, out="float32", why=None, **attributes):
        indices = np.asarray(indices, dtype)
        inputs = {"x": x, "indices": indices if fed else constant(indices)}
        op(f"gather/{name}", operator, inputs, opset=opset, out=out, exact=True, why=why, **attributes)

    gather("opset1", "Gather", [2, 0], opset=7)
    gather("axis", "Gather", [[3, 0, 1], [1, 1, 2]], opset=11, axis=1, fed=True)
    gather("negative", "Gather", [-1, 0, -4], axis=1, why="counted from the end")
    gather("scalar", "Gather", 1, axis=-1, why="the axis disappears")
    gather("int32", "Gather", [1, 1], dtype=np.int32, axis=2, fed=True)
    gather("nothing", "Gather", np.zeros((0,)), axis=1)
    gather("of_int64", "Gather", [2, 0], x=integers(5), out="int64")
    gather("of_bool", "Gather", [1, 2], x=booleans(4), out="bool")
    gather("elements", "GatherElements", [[0, 1], [1, 0]], x=count(2, 2), opset=11, axis=1)
    gather("elements_smaller", "GatherElements", [[[2], [-3]]], axis=0, why="fewer indices than elements")
    gather("elements_fed", "GatherElements", [[1, 2, 0], [2, 0, 0]], x=count(3, 3), fed=True)
    gather("nd", "GatherND", [[0, 1], [2, -1]], opset=11)
    gather("nd_elements", "GatherND", [[[0, 1, 0]], [[2, 3, 1]]])
    gather("nd_batch", "GatherND", [[1], [3], [-2]], batch_dims=1, opset=12)
    gather("nd_batch_two", "GatherND", integers(3, 4, 1, low=0, high=2), batch_dims=2, fed=True)
    exported("gather/torch_index", lambda v, i: v[:, i], x, np.array([1, 3, 1]), exact=True)
    exported("gather/torch_gather", lambda v, i: v.gather(1, i), x, integers(3, 2, 2, low=0, high=4), exact=True)
    embedding = lambda v, i: torch.nn.functional.embedding(i, v)  # noqa: E731
    exported("gather/torch_embedding", embedding, normal(5, 3), integers(2, 3, low=0, high=5), exact=True)


def _scatters():
    x = count(3, 4)

    def elements(name, indices, updates, opset=18, fed=False, why=None, **attributes):
        indices = np.asarray(indices, np.int64)
        inputs = {"x": x, "indices": indices if fed else constant(indices), "updates": updates}
        op(f"scatter/elements_{name}", "ScatterElements", inputs, opset=opset, exact=True, why=why, **attributes)

    elements("opset11", [[0, 1, 2, 0], [1, 2, 0, 2]], -count(2, 4), opset=11)
    scattered = {"x": x, "indices": constant([[0, 2, 1, 0]], np.int64), "updates": -count(1, 4)}
    op("scatter/opset9", "Scatter", scattered, opset=9, exact=True, why="what ScatterElements was called before opset 11")
    elements("axis", [[1], [3], [-1]], grid(3, 1), axis=1, fed=True, opset=13)
    repeated = [[0, 0, 3], [1, 1, 1]]
    for reduction in ("add", "mul", "max", "min"):
        opset = 16 if reduction in ("add", "mul") else 18
        why = "one place several times"
        elements(reduction, repeated, grid(2, 3) * 4, opset=opset, axis=1, reduction=reduction, fed=True, why=why)

    def nd(name, indices, updates, opset=18, x=x, **attributes):
        inputs = {"x": x, "indices": np.asarray(indices, np.int64), "updates": updates}
        op(f"scatter/nd_{name}", "ScatterND", inputs, opset=opset, exact=True, **attributes)

    nd("rows", [[2], [0]], -count(2, 4), opset=11)
    nd("elements", [[[0, 1], [2, -1]]], grid(1, 2), opset=13)
    for reduction in ("add", "mul", "max", "min"):
        nd(reduction, [[1], [1], [0]], grid(3, 4), opset=16 if reduction in ("add", "mul") else 18, reduction=reduction)
    nd("deep", [[1, 0], [0, 2]], grid(2, 2), x=count(2, 3, 2))

    def assign(v, w):
        v = v.clone()
        v[:, 1:3] = w
        return v

    exported("scatter/torch_assign", assign, x, grid(3, 2), opset=11, exact=True, why="as slices are assigned to")
    scattered = lambda v, i, w: v.scatter(1, i, w)  # noqa: E731
    exported("scatter/torch", scattered, x, np.array([[3, 0], [1, 2], [0, 1]]), grid(3, 2), exact=True)


def _lists():
    x = grid(2, 3, 4)
    op("list/cumsum", "CumSum", {"x": x, "axis": scalar(1)}, opset=11)
    op("list/cumsum_exclusive", "CumSum", {"x": x, "axis": scalar(-1)}, opset=14, exclusive=1)
    op("list/cumsum_reverse", "CumSum", {"x": x, "axis": scalar(0)}, opset=14, reverse=1)
    op("list/cumsum_both", "CumSum", {"x": x, "axis": scalar(2, np.int32)}, opset=14, reverse=1, exclusive=1)
    op("list/cumsum_int64", "CumSum", {"x": integers(7), "axis": scalar(0)}, opset=14, out="int64")

    def one_hot(name, indices, depth, values, opset=11, out="float32", fed=False, **attributes):
        depth = np.asarray(depth, np.int64)
        inputs = {"indices": indices, "depth": depth if fed else constant(depth), "values": values}
        op(f"list/one_hot{name}", "OneHot", inputs, opset=opset, out=out, exact=True, **attributes)

    switch = constant([0, 1], np.float32)
    one_hot("", integers(2, 3, low=0, high=4), 4, switch, opset=9)
    one_hot("_axis", np.array([[1, -1], [-3, 7]]), 3, constant([-0.5, 2], np.float32), axis=1)
    one_hot("_first", integers(4, low=0, high=3), 3, constant([5, 7], np.int64), axis=0, out="int64")
    one_hot("_fed", integers(3, low=0, high=2), [2], np.array([0, 1], np.float32), fed=True)

    op("list/nonzero", "NonZero", {"x": grid(3, 4) * booleans(3, 4)}, opset=9, out="int64", why="as many columns as there are")
    op("list/nonzero_bool", "NonZero", {"x": booleans(7)}, out="int64")
    op("list/nonzero_none", "NonZero", {"x": np.zeros((2, 3), np.float32)}, out="int64")
    counted = [helper.make_node("NonZero", ["x"], ["at"]), helper.make_node("Transpose", ["at"], ["y"])]
    why = "a shape that only the values give, and nodes behind it"
    graph_case("list/nonzero_then", counted, {"x": grid(3, 4)}, {"y": "int64"}, why=why)

    square = count(2, 3, 4) + 1
    op("list/trilu_upper", "Trilu", {"x": square}, opset=14, exact=True)
    op("list/trilu_lower", "Trilu", {"x": square}, opset=14, exact=True, upper=0)
    op("list/trilu_upper_k", "Trilu", {"x": square, "k": scalar(1)}, opset=14, exact=True)
    op("list/trilu_lower_k", "Trilu", {"x": square, "k": scalar(-2)}, opset=14, exact=True, upper=0)
    op("list/trilu_int64", "Trilu", {"x": integers(3, 3), "k": scalar(9)}, opset=14, out="int64")


def _boxes(batches, boxes):
    """Corners of boxes of which many overlap."""
    corners = positive(batches, boxes, 2) * 4
    return np.concatenate([corners, corners + positive(batches, boxes, 2) * 3], 2)


def _suppression():
    def suppress(name, boxes, scores, *limits, opset=11, why=None, fed=False, **attributes):
        make = (lambda value, dtype: np.asarray(value, dtype)) if fed else constant
        kinds = {"most": np.int64, "overlap": np.float32, "least": np.float32}
        given = {
            key: None if value is None else make([value], kind) for (key, kind), value in zip(kinds.items(), limits)
        }
        inputs = {"boxes": boxes, "scores": scores, **given}
        op(f"suppression/{name}", "NonMaxSuppression", inputs, opset=opset, out="int64", why=why, **attributes)

    suppress("corners", _boxes(1, 9), positive(1, 1, 9), 4, 0.4)
    suppress("classes", _boxes(2, 7), positive(2, 3, 7), 2, 0.5, 0.6, why="batches and classes, low scores left out")
    centres = np.concatenate([positive(1, 8, 2) * 3, positive(1, 8, 2) * 4], 2)
    suppress("centres", centres, positive(1, 2, 8), 5, 0.3, center_point_box=1)
    flipped = _boxes(1, 6)[:, :, [2, 1, 0, 3]]
    suppress("flipped_corners", flipped, positive(1, 1, 6), 6, 0.3, why="which corner comes first does not matter")
    suppress("no_limits", _boxes(1, 4), positive(1, 1, 4), why="nothing is selected without a limit")
    suppress("no_overlap_limit", _boxes(1, 5), positive(1, 1, 5), 3, None, 0.5)
    suppress("none_left", _boxes(1, 4), positive(1, 1, 4), 4, 0.5, 100.0)
    suppress("ties", _boxes(1, 8), grid(1, 1, 8), 8, 0.5, why="of equal scores the lower index comes first")
    suppress("opset10", _boxes(1, 6), positive(1, 1, 6), 3, 0.5, 0.0, opset=10)
    suppress("fed", _boxes(1, 6), positive(1, 1, 6), 3, 0.5, 0.3, fed=True)


def _inference():
    x = normal(2, 3)
    op("inference/dropout_opset7", "Dropout", {"x": x}, opset=7, ratio=0.3, exact=True)
    op("inference/dropout_opset10", "Dropout", {"x": x}, opset=10, exact=True)
    op("inference/dropout_opset12", "Dropout", {"x": x, "ratio": constant(0.3, np.float32)}, opset=12, exact=True)
    off = {"x": x, "ratio": constant(0.5, np.float32), "training": constant(False, bool)}
    op("inference/dropout_opset13_mask", "Dropout", off, opset=13, out="float32 bool", exact=True)

    def branch(name, operator):
        node = helper.make_node(operator, ["x"], [f"{name}_y"], name=name)
        value = helper.make_tensor_value_info(f"{name}_y", TensorProto.FLOAT, None)
        return helper.make_graph([node], name, [], [value])

    def choice(name, nodes, inputs, constants, condition, opset=13, why=None):
        node = helper.make_node("If", [condition], ["y"], then_branch=branch("yes", "Neg"), else_branch=branch("no", "Abs"))
        settings = {"constants": constants, "opset": opset, "why": why}
        graph_case(f"inference/if_{name}", [*nodes, node], inputs, {"y": None}, exact=True, **settings)

    for name, value in (("true", True), ("false", False)):
        choice(name, [], {"x": x}, {"which": np.array(value)}, "which", opset=11)
    of_shape = [
        helper.make_node("Shape", ["x"], ["extents"]),
        helper.make_node("Size", ["extents"], ["rank"]),
        helper.make_node("Equal", ["rank", "two"], ["which"]),
    ]
    why = "known as soon as the shape is"
    choice("shape", of_shape, {"x": x}, {"two": np.array(2, np.int64)}, "which", why=why)
