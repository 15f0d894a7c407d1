"""Resize in its modes, and Upsample."""

import numpy as np
import torch.nn.functional as F
from golden_onnx import constant, exported, graph_case, ints, normal, op
from onnx import helper

PLACES = ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric")
NEAREST = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


def floats(*values):
    return constant(list(values), np.float32)


def write_cases():
    _every_mode()
    _options()
    _upsamples()
    _exported()


def _several(path, variants, x, target, opset, why):
    """One model with a Resize for each variant of attributes."""
    name, values = target
    inputs = ["x", "", "", "target"] if name == "sizes" else ["x", "", "target"]
    nodes = [helper.make_node("Resize", inputs, [f"y{i}"], **variant) for i, variant in enumerate(variants)]
    values = np.asarray(values, np.int64 if name == "sizes" else np.float32)
    outputs = {f"y{i}": None for i in range(len(variants))}
    graph_case(path, nodes, {"x": x}, outputs, opset=opset, constants={"target": values}, why=why)


def _every_mode():
    targets = {
        "up": ("sizes", [1, 2, 7, 11]),
        "down": ("sizes", [1, 2, 3, 2]),
        "scales": ("scales", [1, 1, 1.7, 0.6]),
    }
    for place in PLACES:
        opset = 19 if place == "half_pixel_symmetric" else 13
        for name, target in targets.items():
            variants = [{"mode": "nearest", "nearest_mode": each} for each in NEAREST]
            if place == "half_pixel_symmetric" and name != "up":
                variants = variants[:1]
            variants += [{"mode": "linear"}, {"mode": "cubic"}, {"mode": "cubic", "cubic_coeff_a": -0.5}]
            variants = [{**each, "coordinate_transformation_mode": place} for each in variants]
            why = "nearest in its four modes, linear, cubic with two coefficients"
            _several(f"resize/{place}_{name}", variants, normal(1, 2, 5, 4), target, opset, why)


def _options():
    x = normal(1, 2, 5, 4)

    def resize(name, target, opset=13, x=x, roi=None, fed=False, why=None, **attributes):
        key, values = target
        inputs = {"x": x, "roi": roi}
        if key == "sizes":
            inputs["scales"] = None
        dtype = np.int64 if key == "sizes" else np.float32
        inputs[key] = np.asarray(values, dtype) if fed else constant(values, dtype)
        op(f"resize/{name}", "Resize", inputs, opset=opset, why=why, **attributes)

    up = ("sizes", [1, 2, 8, 9])
    for mode in ("nearest", "linear"):
        doubled = {"x": x, "scales": floats(1, 1, 2, 3)}
        op(f"resize/opset10_{mode}", "Resize", doubled, opset=10, mode=mode, why="asymmetric, rounded down")
        halved = {"x": x, "scales": floats(1, 1, 0.6, 0.5)}
        op(f"resize/opset10_{mode}_down", "Resize", halved, opset=10, mode=mode)
    empty = constant([], np.float32)
    opset11 = {"x": x, "roi": empty, "scales": empty, "sizes": ints(1, 2, 7, 7)}
    op("resize/opset11_sizes", "Resize", opset11, opset=11, mode="linear", why="empty inputs stand for absent ones")
    opset11_scales = {"x": x, "roi": floats(0, 0, 0, 0, 1, 1, 1, 1), "scales": floats(1, 1, 2, 2)}
    op("resize/opset11_scales", "Resize", opset11_scales, opset=11, coordinate_transformation_mode="asymmetric")
    roi = floats(0, 0, 0.1, 0.2, 1, 1, 0.8, 1.3)
    crop = {"coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 5.0}
    resize("crop_linear", ("sizes", [1, 2, 4, 6]), roi=roi, mode="linear", why="reaches past the picture", **crop)
    resize("crop_nearest", ("sizes", [1, 2, 4, 6]), roi=roi, mode="nearest", nearest_mode="floor", **crop)
    resize("cubic_exclude_outside", up, mode="cubic", exclude_outside=1)
    resize("one_pixel", ("sizes", [1, 2, 1, 1]), mode="linear", coordinate_transformation_mode="pytorch_half_pixel")
    resize("from_one_pixel", ("sizes", [1, 2, 3, 2]), x=normal(1, 2, 1, 1), mode="linear")
    resize("same_size", ("scales", [1, 1, 1, 1]), mode="linear")
    resize("one_axis", ("scales", [1, 1, 2, 1]), mode="linear", coordinate_transformation_mode="align_corners")
    resize("fed_sizes", up, fed=True, mode="linear", why="the shape depends on fed values")
    resize("fed_scales", ("scales", [1, 1, 2, 2]), fed=True, mode="nearest")
    resize("batches", ("scales", [1, 1, 2, 2]), x=normal(2, 17, 3, 3), mode="linear")
    resize("one_dimension", ("sizes", [2, 3, 7]), x=normal(2, 3, 4), mode="linear")
    resize("axes", ("sizes", [7, 9]), opset=18, axes=[2, 3], mode="linear", why="sizes of two axes only")
    for policy in ("not_larger", "not_smaller"):
        resize(policy, ("sizes", [8, 6]), opset=18, axes=[2, 3], keep_aspect_ratio_policy=policy)
    large = normal(1, 1, 9, 8)
    for mode in ("linear", "cubic"):
        why = "the filter grows with the step"
        resize(f"antialias_{mode}", ("sizes", [1, 1, 4, 3]), opset=18, x=large, mode=mode, antialias=1, why=why)
        resize(f"antialias_{mode}_up", ("sizes", [1, 1, 11, 12]), opset=18, x=large, mode=mode, antialias=1)
    resize("antialias_exclude", ("sizes", [1, 1, 4, 3]), opset=18, x=large, mode="cubic", antialias=1, exclude_outside=1)


def _upsamples():
    x = normal(1, 2, 3, 4)
    for mode in ("nearest", "linear"):
        op(f"resize/upsample7_{mode}", "Upsample", {"x": x}, opset=7, mode=mode, scales=[1.0, 1.0, 2.0, 3.0])
        op(f"resize/upsample9_{mode}", "Upsample", {"x": x, "scales": floats(1, 1, 2.5, 1.5)}, opset=9, mode=mode)


def _exported():
    x = normal(1, 2, 5, 4)
    for opset in (11, 13):
        for corners in (False, True):
            function = lambda v, c=corners: F.interpolate(v, (8, 9), mode="bilinear", align_corners=c)  # noqa: E731
            exported(f"resize/torch_bilinear{opset}{'_corners' if corners else ''}", function, x, opset=opset)
    exported("resize/torch_nearest", lambda v: F.interpolate(v, scale_factor=2), x, opset=9, exact=True)
    bicubic = lambda v: F.interpolate(v, (7, 7), mode="bicubic")  # noqa: E731
    exported("resize/torch_bicubic", bicubic, x)
    like = lambda v, w: F.interpolate(v, w.shape[2:])  # noqa: E731
    sizes = {"dynamic": [2, 3], "why": "sizes taken from another tensor's shape"}
    exported("resize/torch_like", like, x, normal(1, 3, 10, 8), opset=13, exact=True, **sizes)
