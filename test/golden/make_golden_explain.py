#!/usr/bin/env python3
"""Golden answers of saliency and Grad-CAM, computed with PyTorch's autograd; as make_golden.py, which see.

Usage: python3 make_golden_explain.py
"""

import torch
import torch.nn.functional as F
from make_golden import encode, normal, write


def explain_case(name, target):
    inputs = {
        "x": normal(2, 2, 7, 6),
        "weight1": normal(4, 2, 3, 3) * 0.5,
        "bias1": normal(4) * 0.1,
        "weight2": normal(5, 4, 3, 3) * 0.3,
        "bias2": normal(5) * 0.1,
        "weight3": normal(3, 60) * 0.3,
        "bias3": normal(3) * 0.1,
    }
    x = inputs["x"].clone().requires_grad_()
    hidden = F.relu(F.conv2d(x, inputs["weight1"], inputs["bias1"], padding=1))
    maps = F.relu(F.conv2d(hidden, inputs["weight2"], inputs["bias2"], stride=2, padding=1))
    scores = F.linear(maps.flatten(1), inputs["weight3"], inputs["bias3"])
    classes = scores.argmax(1) if target is None else torch.tensor(target)
    score = scores.gather(1, classes[:, None]).sum()
    dx, dmaps = torch.autograd.grad(score, [x, maps])
    evidence = F.relu((maps * dmaps.mean((2, 3), keepdim=True)).sum(1, keepdim=True))
    evidence = F.interpolate(evidence, size=x.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    top = evidence.amax((1, 2), keepdim=True)
    cam = torch.where(top > 0, evidence / torch.where(top > 0, top, torch.ones_like(top)), torch.zeros_like(top))
    return {
        "name": name,
        "target": target,
        "inputs": {key: encode(value) for key, value in inputs.items()},
        "classes": classes.tolist(),
        "saliency": encode(dx.abs().amax(1)),
        "gradCam": encode(cam),
    }


if __name__ == "__main__":
    write("explain", [explain_case("the likeliest class", None), explain_case("a class for each image", [2, 0])])
