#!/usr/bin/env python3
"""Exports networks of torchvision to ONNX, with pictures and PyTorch's answers: export.py FOLDER NETWORK...

Weights are random, seeded by the network's name; batch norms have statistics that are not the identity. Answers are
computed in float64, for BATCH pictures of which the first few may be used alone.
"""

import copy
import os
import sys
import warnings
import zlib

import torch
import torch.nn as nn
import torchvision.models as models

BATCH = 8


class LeNet(nn.Sequential):
    def __init__(self):
        super().__init__(
            *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
            *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
        )


def make(name):
    if name == "lenet":
        return LeNet(), (1, 28, 28)
    net = getattr(models, name)(weights=None)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.7, 1.2)
            nn.init.normal_(module.bias, 0, 0.1)
    return net, (3, 224, 224)


def export(folder, name):
    torch.manual_seed(zlib.crc32(name.encode()))
    net, shape = make(name)
    net.eval()
    pictures = torch.randn(BATCH, *shape)
    with torch.no_grad():
        wide = copy.deepcopy(net).double()
        answers = torch.cat([wide(picture[None].double()) for picture in pictures])
    path = os.path.join(folder, name)
    axes = {"input": {0: "batch"}, "output": {0: "batch"}}
    settings = {"opset_version": 13, "input_names": ["input"], "output_names": ["output"], "dynamic_axes": axes}
    torch.onnx.export(net, pictures[:1], f"{path}.onnx.part", **settings)
    pictures.numpy().tofile(f"{path}.input.f32")
    answers.float().numpy().tofile(f"{path}.output.f32")
    os.replace(f"{path}.onnx.part", f"{path}.onnx")  # last: where the model is, the rest is


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    os.makedirs(sys.argv[1], exist_ok=True)
    for network in sys.argv[2:]:
        export(sys.argv[1], network)
