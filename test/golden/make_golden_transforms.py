#!/usr/bin/env python3
"""Golden answers of torchvision's functional image transforms: test/golden/transforms.json.

Usage: python3 make_golden_transforms.py

Pixels are bytes divided by 255, so that they are written short; answers are float32 rounded to seven digits.
"""

import json
from pathlib import Path

import torch
import torchvision
import torchvision.transforms.functional as F
from torchvision.transforms import InterpolationMode

torch.manual_seed(1)
IMAGES = {
    "color": torch.randint(0, 256, (3, 6, 7), dtype=torch.uint8),
    "gray": torch.randint(0, 256, (1, 5, 4), dtype=torch.uint8),
    "wide": torch.randint(0, 256, (2, 4, 9), dtype=torch.uint8),
}
# hues have cases of their own: black, white, gray, pure colours, ties
IMAGES["hues"] = torch.tensor(
    [[0, 255, 90, 255, 0, 0, 255, 255, 0, 10, 200, 77], [0, 255, 90, 0, 255, 0, 255, 0, 255, 20, 100, 78], [0, 255, 90, 0, 0, 255, 0, 255, 255, 30, 200, 76]],
    dtype=torch.uint8,
).reshape(3, 3, 4)
MODES = {"nearest": InterpolationMode.NEAREST, "bilinear": InterpolationMode.BILINEAR, "bicubic": InterpolationMode.BICUBIC}

cases = []


def case(name, image, arguments, function):
    y = function(IMAGES[image].float() / 255)
    values = [float(f"{v:.7g}") for v in y.flatten().tolist()]
    cases.append({"function": name, "image": image, "arguments": arguments, "shape": list(y.shape), "values": values})


def torch_names(options):
    names = {"interpolation": lambda v: ("interpolation", MODES[v]), "mode": lambda v: ("padding_mode", v), "maxSize": lambda v: ("max_size", v)}
    return dict(names[key](value) if key in names else (key, value) for key, value in options.items())


for image, place in [("color", (1, 2, 3, 4)), ("color", (-1, -2, 4, 5)), ("gray", (3, 2, 6, 3))]:
    case("crop", image, place, lambda x: F.crop(x, *place))
for image, size in [("color", 3), ("color", [4, 2]), ("color", [3, 4]), ("gray", [8, 3]), ("gray", 7), ("wide", [5, 4])]:
    case("centerCrop", image, [size], lambda x: F.center_crop(x, size))
for image, padding, options in [
    ("color", 2, {}),
    ("color", [1, 2], {"fill": 0.5}),
    ("gray", [1, 0, 2, 3], {"fill": 1}),
    ("gray", [1, 0, 2, 3], {"mode": "edge"}),
    ("color", [2, 1, 3, 4], {"mode": "reflect"}),
    ("color", [2, 1, 3, 4], {"mode": "symmetric"}),
    ("gray", [4, 5], {"mode": "symmetric"}),
]:
    case("pad", image, [padding, options], lambda x: F.pad(x, padding, **torch_names(options)))
for name, function in [("hflip", F.hflip), ("vflip", F.vflip)]:
    for image in ["color", "gray", "wide"]:
        case(name, image, [], function)
case("normalize", "color", [[0.5, 0.4, 0.3], [0.2, 0.3, 0.4]], lambda x: F.normalize(x, [0.5, 0.4, 0.3], [0.2, 0.3, 0.4]))
case("normalize", "gray", [[0.1307], [0.3081]], lambda x: F.normalize(x, [0.1307], [0.3081]))
case("erase", "color", [1, 2, 3, 4, 0.25], lambda x: F.erase(x, 1, 2, 3, 4, torch.tensor(0.25)))
for image, size, options in [
    ("color", 4, {}),
    ("color", 4, {"antialias": False}),
    ("color", [3, 11], {"antialias": False}),
    ("color", [3, 11], {}),
    ("color", [13, 2], {"interpolation": "bicubic"}),
    ("color", [13, 2], {"interpolation": "bicubic", "antialias": False}),
    ("color", [4, 10], {"interpolation": "nearest"}),
    ("wide", 3, {"maxSize": 5}),
    ("wide", 6, {}),
    ("gray", 2, {}),
    ("gray", [1, 1], {}),
]:
    given = {"antialias": True, **torch_names(options)}
    if options.get("interpolation") == "nearest":
        del given["antialias"]
    case("resize", image, [size, options], lambda x: F.resize(x, size, **given))
case("resizedCrop", "color", [1, 2, 4, 3, [5, 2]], lambda x: F.resized_crop(x, 1, 2, 4, 3, [5, 2], antialias=True))
for image, angle, options in [
    ("color", 20, {}),
    ("color", -35.5, {"interpolation": "bilinear"}),
    ("gray", 180, {"interpolation": "bilinear"}),
    ("color", 33, {"expand": True, "fill": 0.5}),
    ("wide", 72, {"expand": True, "interpolation": "bilinear", "fill": [0.25, 1]}),
    ("gray", -60, {"expand": True}),
    ("color", 50, {"center": [1, 2], "interpolation": "bilinear"}),
]:
    case("rotate", image, [angle, options], lambda x: F.rotate(x, angle, **torch_names(options)))
for image, geometry, options in [
    ("color", {"angle": 15}, {}),
    ("color", {"translate": [2, -1]}, {}),
    ("color", {"scale": 1.7, "angle": -40}, {"interpolation": "bilinear"}),
    ("color", {"shear": [20, 0]}, {"interpolation": "bilinear", "fill": 0.75}),
    ("gray", {"shear": [-10, 25], "angle": 5, "scale": 0.6, "translate": [1, 1]}, {"interpolation": "bilinear"}),
    ("wide", {"shear": [15, -30], "angle": 100, "scale": 0.9}, {"center": [2, 1], "fill": [0.1, 0.9]}),
]:
    full = {"angle": 0, "translate": [0, 0], "scale": 1, "shear": [0, 0], **geometry}
    case("affine", image, [geometry, options], lambda x: F.affine(x, full["angle"], full["translate"], full["scale"], full["shear"], **torch_names(options)))
for name, function, factors in [
    ("adjustBrightness", F.adjust_brightness, [0, 0.6, 1.7]),
    ("adjustContrast", F.adjust_contrast, [0, 0.6, 1.7]),
    ("adjustSaturation", F.adjust_saturation, [0, 0.6, 1.7]),
    ("adjustHue", F.adjust_hue, [-0.5, -0.17, 0, 0.3]),
]:
    for factor in factors:
        for image in ["color", "gray", "hues"]:
            case(name, image, [factor], lambda x: function(x, factor))
case("rgbToGrayscale", "color", [1], lambda x: F.rgb_to_grayscale(x, 1))
case("rgbToGrayscale", "color", [3], lambda x: F.rgb_to_grayscale(x, 3))

images = {name: {"shape": list(image.shape), "bytes": image.flatten().tolist()} for name, image in IMAGES.items()}
head = {"source": f"torchvision {torchvision.__version__}, torch {torch.__version__}"}
lines = ",\n".join("    " + json.dumps(each, separators=(",", ":")) for each in cases)
text = json.dumps({**head, "images": images}, separators=(",", ":"))[:-1]
(Path(__file__).parent / "transforms.json").write_text(f'{text},"cases":[\n{lines}\n]}}\n')
