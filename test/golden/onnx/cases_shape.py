"""Operators that rearrange elements: concatenation, slices, shapes, padding."""

import numpy as np
import torch
import torch.nn.functional as F
from golden_onnx import constant, count, exported, graph_case, integers, ints, normal, op
from onnx import TensorProto, helper

FAR = 2**63 - 1


def write_cases():
    _joining()
    _slices()
    _shapes()
    _made_of_shapes()
    _layouts()
    _pads()


def _move(path, operator, inputs, **settings):
    """An operator that only moves elements, so that every bit must be the same."""
    op(path, operator, inputs, exact=True, **settings)


def _joining():
    three = {"a": count(2, 3), "b": count(2, 1) + 10, "c": constant(count(2, 2) + 20)}
    _move("concat/columns", "Concat", three, opset=7, axis=1)
    _move("concat/negative", "Concat", {"a": count(2, 3, 4), "b": -count(2, 2, 4)}, opset=11, axis=-2)
    _move("concat/one", "Concat", {"a": normal(3)}, axis=0)
    _move("concat/int64", "Concat", {"a": integers(2), "b": integers(3)}, axis=0, out="int64")
    _move("concat/with_empty", "Concat", {"a": normal(2, 0), "b": normal(2, 3)}, axis=1)
    _move("concat/channels", "Concat", {"a": normal(2, 5, 3, 3), "b": normal(2, 17, 3, 3)}, axis=1)
    exported("concat/torch_stack", lambda a, b: torch.stack([a, b], 1), normal(2, 3), normal(2, 3), exact=True)

    x = {"x": count(2, 6, 2)}
    _move("split/opset2", "Split", x, opset=7, axis=1, split=[1, 2, 3], out="float32 float32 float32")
    _move("split/opset2_equal", "Split", x, opset=7, axis=1, out="float32 float32")
    _move("split/opset11", "Split", x, opset=11, axis=-2, split=[4, 2], out="float32 float32")
    _move("split/opset13", "Split", {**x, "split": ints(1, 5)}, axis=1, out="float32 float32")
    _move("split/opset13_equal", "Split", x, axis=-2, out="float32 float32 float32")
    uneven = {"x": count(7, 2)}
    why = "the last part is smaller"
    _move("split/opset18", "Split", uneven, opset=18, num_outputs=3, out="float32 float32 float32", why=why)
    _move("split/opset18_sizes", "Split", {**uneven, "split": ints(0, 7)}, opset=18, out="float32 float32")
    _move("split/fed", "Split", {"x": count(5), "split": np.array([2, 3], np.int64)}, out="float32 float32")
    exported("split/torch_chunk", lambda v: v.chunk(3, 1), count(2, 7, 2), exact=True)


def _slices():
    x = count(3, 5, 4)
    _move("slice/opset1", "Slice", {"x": x}, opset=7, starts=[1, 0], ends=[3, -1], axes=[1, 2])
    _move("slice/opset1_no_axes", "Slice", {"x": x}, opset=9, starts=[0, 1, -2], ends=[2, 1000, FAR])

    def piece(name, starts, ends, axes=None, steps=None, opset=13, why=None, fed=False, x=x, out="float32"):
        make = (lambda values: np.asarray(values, np.int64)) if fed else (lambda values: ints(*values))
        inputs = {"x": x, "starts": make(starts), "ends": make(ends)}
        if axes is not None or steps is not None:
            inputs["axes"] = make(axes) if axes is not None else None
        if steps is not None:
            inputs["steps"] = make(steps)
        _move(f"slice/{name}", "Slice", inputs, opset=opset, why=why, out=out)

    piece("opset10", [1], [4], [1], opset=10)
    piece("opset11_negative_axes", [-3, 1], [-1, 3], [-2, -1], opset=11)
    piece("no_axes", [1, 2], [3, FAR])
    piece("steps", [0, 1], [5, 4], [1, 2], [2, 3])
    piece("backwards", [-1], [-FAR - 1], [1], [-1], why="reversed up to the first element")
    piece("backwards_by_two", [4, 3], [0, -FAR], [1, 2], [-2, -3])
    piece("steps_without_axes", [0, 4, 3], [2, 0, 0], None, [1, -1, -2])
    piece("past_the_end", [-100, 2], [100, 100], [0, 1])
    piece("nothing", [3], [1], [1], why="an empty result")
    piece("fed", [1], [4], [1], [2], fed=True, why="the shape depends on fed values")
    piece("int64", [0], [6], [0], [3], x=integers(7), out="int64")
    exported("slice/torch_flip", lambda v: v.flip(2), x, exact=True)
    exported("slice/torch_roll", lambda v: v.roll(2, 1), x, exact=True)
    focus = lambda v: torch.cat([v[..., i::2, j::2] for j in (0, 1) for i in (0, 1)], 1)  # noqa: E731
    exported("slice/torch_focus", focus, normal(1, 3, 4, 6), opset=11, exact=True, why="the first layer of some detectors")


def _shapes():
    x = count(2, 3, 4)

    def reshape(name, shape, opset=13, x=x, why=None, fed=False, **attributes):
        inputs = {"x": x, "shape": np.asarray(shape, np.int64) if fed else ints(*shape)}
        out = "int64" if x.dtype == np.int64 else "float32"
        _move(f"reshape/{name}", "Reshape", inputs, opset=opset, why=why, out=out, **attributes)

    reshape("opset5", [0, -1], opset=7, why="0 keeps an extent, -1 is what is left")
    reshape("opset14", [4, 0, -1], opset=14)
    reshape("scalar", [], x=count(1, 1))
    reshape("from_scalar", [1, 1], x=count())
    reshape("allow_zero", [3, 0], opset=14, x=normal(0, 5), allowzero=1, why="0 means 0")
    reshape("fed", [6, -1], fed=True)
    reshape("int64", [-1], x=integers(2, 3))

    for axis in (0, 1, 2, 3):
        _move(f"reshape/flatten{axis}", "Flatten", {"x": x}, opset=9, axis=axis)
    _move("reshape/flatten_negative", "Flatten", {"x": x}, opset=11, axis=-1)
    _move("reshape/flatten_default", "Flatten", {"x": count(2, 3, 2, 2)}, opset=7)

    ones = count(1, 3, 1, 2)
    _move("reshape/squeeze_opset1", "Squeeze", {"x": ones}, opset=7, axes=[0, 2])
    _move("reshape/squeeze_opset11", "Squeeze", {"x": ones}, opset=11, axes=[-2])
    _move("reshape/squeeze_opset13", "Squeeze", {"x": ones, "axes": ints(0)})
    _move("reshape/squeeze_all", "Squeeze", {"x": ones})
    _move("reshape/unsqueeze_opset1", "Unsqueeze", {"x": x}, opset=7, axes=[0, 4])
    _move("reshape/unsqueeze_opset11", "Unsqueeze", {"x": x}, opset=11, axes=[-1, 1])
    _move("reshape/unsqueeze_opset13", "Unsqueeze", {"x": x, "axes": ints(2, -1)})
    exported("reshape/torch_flatten", lambda v: v.flatten(1), normal(2, 3, 4, 2), dynamic=[0], exact=True)


def _made_of_shapes():
    x = normal(2, 3, 4)
    _move("shape/opset1", "Shape", {"x": x}, opset=7, out="int64")
    _move("shape/start_end", "Shape", {"x": x}, opset=15, out="int64", start=1, end=-1)
    _move("shape/start_negative", "Shape", {"x": x}, opset=19, out="int64", start=-2)
    _move("shape/nothing_left", "Shape", {"x": x}, opset=15, out="int64", start=2, end=1)
    _move("shape/of_scalar", "Shape", {"x": normal()}, out="int64", why="an empty list")
    _move("shape/size", "Size", {"x": x}, out="int64")

    def filled(name, shape, value, out, fed=False):
        attributes = {} if value is None else {"value": helper.make_tensor("value", *value)}
        inputs = {"shape": np.asarray(shape, np.int64) if fed else ints(*shape)}
        _move(f"shape/constant_of_shape{name}", "ConstantOfShape", inputs, opset=9, out=out, **attributes)

    filled("", [2, 3], None, "float32", fed=True)
    filled("_int64", [3], (TensorProto.INT64, [1], [7]), "int64", fed=True)
    filled("_known", [2, 1], (TensorProto.FLOAT, [1], [0.5]), "float32")
    filled("_scalar", [], (TensorProto.BOOL, [1], [True]), "bool")

    for name, attributes, out in [
        ("value", {"value": helper.make_tensor("v", TensorProto.FLOAT, [2, 2], [1, -2, 3.5, 0])}, "float32"),
        ("value_int", {"value_int": -3}, "int64"),
        ("value_ints", {"value_ints": [3, 1, 2]}, "int64"),
        ("value_float", {"value_float": 0.25}, "float32"),
        ("value_floats", {"value_floats": [0.5, -1.5]}, "float32"),
    ]:
        node = helper.make_node("Constant", [], ["y"], **attributes)
        graph_case(f"shape/{name}", [node], {}, {"y": out}, opset=13, exact=True, why="a model without inputs")

    _move("shape/expand", "Expand", {"x": count(3, 1), "shape": ints(2, 1, 4)}, opset=8, why="both sides broadcast")
    _move("shape/expand_fed", "Expand", {"x": count(1, 3), "shape": np.array([2, 1], np.int64)})
    _move("shape/expand_int64", "Expand", {"x": integers(1), "shape": ints(3)}, out="int64")
    _move("shape/tile", "Tile", {"x": count(2, 3), "repeats": ints(2, 2)}, opset=7)
    _move("shape/tile_nothing", "Tile", {"x": count(2, 3), "repeats": ints(1, 0)})
    _move("shape/tile_fed", "Tile", {"x": count(3), "repeats": np.array([3], np.int64)})

    def sequence(name, start, limit, delta, dtype, known):
        make = constant if known else np.asarray
        names = ("start", "limit", "delta")
        inputs = {key: make(value, dtype=dtype) for key, value in zip(names, (start, limit, delta))}
        _move(f"shape/range_{name}", "Range", inputs, opset=11, out=str(np.dtype(dtype)))

    sequence("float", 0.5, 3, 0.5, np.float32, False)
    sequence("int64", 2, 11, 3, np.int64, False)
    sequence("backwards", 5, -2, -2, np.int64, True)
    sequence("nothing", 3, 1, 1, np.int32, True)


def _layouts():
    _move("transpose/reverse", "Transpose", {"x": count(2, 3, 4)}, opset=7, why="without perm the axes are reversed")
    _move("transpose/nhwc", "Transpose", {"x": count(2, 3, 4, 5)}, perm=[0, 2, 3, 1])
    _move("transpose/five", "Transpose", {"x": count(2, 3, 2, 2, 3)}, perm=[3, 0, 4, 2, 1])
    _move("transpose/int64", "Transpose", {"x": integers(3, 2)}, perm=[1, 0], out="int64")
    shuffled = lambda v: v.view(2, 3, 4, 3, 2).transpose(1, 2).reshape(2, 12, 3, 2)  # noqa: E731
    exported("transpose/torch_shuffle", shuffled, count(2, 12, 3, 2), exact=True, why="ShuffleNet's exchange of channels")

    x = count(1, 8, 2, 3)
    _move("depth/to_space_opset1", "DepthToSpace", {"x": x}, opset=7, blocksize=2)
    _move("depth/to_space_dcr", "DepthToSpace", {"x": x}, opset=11, blocksize=2, mode="DCR")
    _move("depth/to_space_crd", "DepthToSpace", {"x": x}, opset=13, blocksize=2, mode="CRD")
    _move("depth/to_depth", "SpaceToDepth", {"x": count(2, 1, 4, 6)}, opset=13, blocksize=2)
    _move("depth/to_depth_three", "SpaceToDepth", {"x": count(1, 2, 3, 6)}, opset=7, blocksize=3)
    exported("depth/torch_pixel_shuffle", torch.nn.PixelShuffle(2), x, opset=11, exact=True)
    exported("depth/torch_pixel_unshuffle", torch.nn.PixelUnshuffle(2), count(1, 2, 4, 2), opset=11, exact=True)


def _pads():
    x = normal(1, 2, 4, 3)
    around = [0, 0, 1, 2, 0, 0, 2, 1]
    for mode in ("constant", "reflect", "edge"):
        _move(f"pad/{mode}_opset2", "Pad", {"x": x}, opset=7, mode=mode, pads=around)
        _move(f"pad/{mode}", "Pad", {"x": x, "pads": ints(*around)}, opset=11, mode=mode)
    _move("pad/value_opset2", "Pad", {"x": x}, opset=10, pads=around, value=1.5)
    valued = {"x": x, "pads": ints(*around), "value": constant(-0.5, np.float32)}
    _move("pad/value", "Pad", valued)
    _move("pad/negative", "Pad", {"x": x, "pads": ints(0, 0, -1, 1, 0, 0, 0, -2)}, why="crops at some sides")
    _move("pad/channels", "Pad", {"x": x, "pads": ints(1, 1, 0, 0, 0, 2, 0, 0)})
    _move("pad/nothing", "Pad", {"x": x, "pads": ints(*[0] * 8)})
    axes = {"x": x, "pads": ints(1, 2, 0, 1), "value": None, "axes": ints(-1, 1)}
    _move("pad/axes", "Pad", axes, opset=18)
    _move("pad/wrap", "Pad", {"x": x, "pads": ints(0, 0, 2, 1, 0, 0, 3, 2)}, opset=19, mode="wrap")
    _move("pad/fed", "Pad", {"x": x, "pads": np.array(around, np.int64)}, why="the shape depends on fed values")
    _move("pad/int64", "Pad", {"x": integers(3), "pads": ints(1, 2), "value": constant(9, np.int64)}, out="int64")
    _move("pad/vector_reflect", "Pad", {"x": normal(5), "pads": ints(4, 3)}, mode="reflect", why="as far as it goes")
    exported("pad/torch", lambda v: F.pad(v, (1, 2, 0, 1), value=0.5), x, exact=True)
    exported("pad/torch_reflect", lambda v: F.pad(v, (2, 1, 1, 0), mode="reflect"), x, dynamic=[2, 3], exact=True)
    exported("pad/torch_replicate", lambda v: F.pad(v, (2, 1, 1, 3), mode="replicate"), x, exact=True)
