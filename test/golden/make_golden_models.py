#!/usr/bin/env python3
"""Writes models.json beside this script: torchvision's answers for lib/models, for test/models.test.ts to compare with.

Weights follow from the names of the state dict by a formula that the test has too, so none are stored. Networks compute in
float64; how far float32 strays says what rounding errors are to be expected. LeNet-5 and U-Net, which torchvision does not
have, are written out here.

Usage: python3 make_golden_models.py        (needs torch and torchvision)
"""

import hashlib
import json
import math
import os
import zlib

import numpy
import torch
import torch.nn.functional as F
import torchvision.models as tv
from torch import nn

FOLDER = os.path.dirname(os.path.abspath(__file__))


def noise(name, size):
    """Multiples of 2^-24 in [-0.5, 0.5) that follow from a name."""
    with numpy.errstate(over="ignore"):
        x = numpy.arange(size, dtype=numpy.uint32) * numpy.uint32(2654435761) + numpy.uint32(zlib.crc32(name.encode()))
        x = (x ^ (x >> numpy.uint32(15))) * numpy.uint32(2246822519)
        x = (x ^ (x >> numpy.uint32(13))) * numpy.uint32(3266489917)
    return (x >> numpy.uint32(8)).astype(numpy.float64) / 2**24 - 0.5


def filled(name, shape):
    u = noise(name, math.prod(shape)).reshape(shape)
    if len(shape) > 1:
        values = u * math.sqrt(24 / math.prod(shape[1:]))
    elif name.endswith("running_var") or name.endswith("weight"):
        values = 1 + u * 0.5
    else:
        values = u * 0.25
    return torch.from_numpy(values.astype(numpy.float32))


def fill(net):
    state = net.state_dict()
    for name, tensor in state.items():
        tensor.copy_(torch.tensor(3) if name.endswith("num_batches_tracked") else filled(name, tuple(tensor.shape)))
    return net


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


class DoubleConv(nn.Module):
    def __init__(self, inputs, outputs, batch_norm):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=not batch_norm)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=not batch_norm)
        self.bn1, self.bn2 = (nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)) if batch_norm else (nn.Identity(), nn.Identity())

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


class BilinearUp(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels // 2, 1)

    def forward(self, x, output_size):
        return self.conv(F.interpolate(x, size=output_size, mode="bilinear"))


class UNet(nn.Module):
    def __init__(self, inputs=3, classes=1, base=64, depth=4, batch_norm=True, bilinear=False):
        super().__init__()
        widths = [base * 2**i for i in range(depth + 1)]
        up = widths[:0:-1]
        self.encoder = nn.ModuleList(DoubleConv(a, b, batch_norm) for a, b in zip([inputs] + widths, widths))
        self.upsample = nn.ModuleList(BilinearUp(w) if bilinear else nn.ConvTranspose2d(w, w // 2, 2, stride=2) for w in up)
        self.decoder = nn.ModuleList(DoubleConv(w, w // 2, batch_norm) for w in up)
        self.head = nn.Conv2d(base, classes, 1)

    def forward(self, x):
        skips = [self.encoder[0](x)]
        for block in self.encoder[1:]:
            skips.append(block(F.max_pool2d(skips[-1], 2)))
        y = skips.pop()
        for upsample, block in zip(self.upsample, self.decoder):
            skip = skips.pop()
            y = block(torch.cat([skip, upsample(y, output_size=skip.shape[-2:])], 1))
        return self.head(y)


def cifar(net):
    """The variant for small images: torchvision's, with another stem."""
    net.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    net.maxpool = nn.Identity()
    return net


def signature(net):
    """The names, shapes and dtypes of a state dict, and how many parameters there are."""
    lines = [f"{name} {str(t.dtype).split('.')[1]} {list(t.shape)}" for name, t in sorted(net.state_dict().items())]
    text = "\n".join(lines).replace(" ", "")
    return {"tensors": len(lines), "parameters": sum(p.numel() for p in net.parameters()), "sha256": hashlib.sha256(text.encode()).hexdigest()}


def digits(values, count=9):
    return [float(f"{v:.{count}g}") for v in values.detach().double().reshape(-1).tolist()]


def answers(make, shape, watched):
    x = torch.from_numpy((4 * noise("input", math.prod(shape))).astype(numpy.float32)).reshape(shape)

    def run(dtype):
        net = fill(make()).to(dtype)
        evaluated = net.eval()(x.to(dtype))
        trained = net.train()(x.to(dtype))
        weights = torch.from_numpy(noise("loss", trained.numel())).reshape(trained.shape).to(dtype)
        (trained * weights).sum().backward()
        parameters = dict(net.named_parameters())
        norms = torch.stack([parameters[name].grad.norm() for name in watched])
        buffers = [t for name, t in net.state_dict().items() if name.endswith("running_mean") or name.endswith("running_var")]
        statistics = torch.stack([buffers[-2].norm(), buffers[-1].norm()]) if buffers else torch.zeros(0)
        return {"eval": evaluated, "train": trained, "gradientNorms": norms, "statistics": statistics}

    exact, rounded = run(torch.float64), run(torch.float32)
    # Of a U-Net every 7th number will do.
    thin = lambda t: t.reshape(-1)[::7] if t.dim() == 4 else t
    result = {"input": list(shape), "watched": watched}
    for key, value in exact.items():
        if not value.numel():
            continue
        strays = (rounded[key].double() - value).abs()
        # Outputs are of one size; norms and statistics are not, so theirs are relative.
        largest = (strays if key in ("eval", "train") else strays / value).max().item()
        result[key] = {"shape": list(value.shape), "data": digits(thin(value)), "float32Strays": float(f"{largest:.3g}")}
    return result


def case(name, make, shape=None, watched=(), options=None):
    made = {"name": name, "options": options or {}, **signature(make())}
    return made | (answers(make, shape, list(watched)) if shape else {})


RESNET = ["conv1.weight", "layer1.0.bn1.weight", "layer3.0.downsample.0.weight", "layer4.1.conv2.weight", "fc.weight", "fc.bias"]
VGG = ["features.0.weight", "classifier.0.weight", "classifier.6.bias"]
MOBILE = ["features.0.0.weight", "features.1.conv.0.0.weight", "features.5.conv.1.1.bias", "features.18.0.weight", "classifier.1.weight"]
SQUEEZE = ["features.0.weight", "features.4.squeeze.bias", "features.7.expand3x3.weight", "classifier.1.weight"]
UNET = ["encoder.0.conv1.weight", "encoder.2.conv2.weight", "upsample.0.weight", "decoder.1.conv1.weight", "head.bias"]


def vgg(layers, batch_norm, dropout=0.5, classes=1000):
    make = {(11, False): tv.vgg11, (11, True): tv.vgg11_bn, (16, False): tv.vgg16, (16, True): tv.vgg16_bn}[layers, batch_norm]
    return lambda: make(num_classes=classes, dropout=dropout, init_weights=False)


CASES = [
    case("lenet5", LeNet5, (3, 1, 28, 28), ["conv1.weight", "conv2.bias", "fc1.weight", "fc3.bias"]),
    case("resnet18", tv.resnet18),
    case("resnet18", lambda: tv.resnet18(num_classes=10), (2, 3, 64, 64), RESNET, {"numClasses": 10}),
    case("resnet34", tv.resnet34),
    case("resnet34", lambda: tv.resnet34(num_classes=7), (2, 3, 64, 64), RESNET, {"numClasses": 7}),
    case("resnet50", tv.resnet50),
    case("resnet50", lambda: tv.resnet50(num_classes=10), (3, 3, 64, 64), RESNET, {"numClasses": 10}),
    case("resnet50", tv.resnext50_32x4d, options={"groups": 32, "widthPerGroup": 4}),
    case("resnet50", tv.wide_resnet50_2, options={"widthPerGroup": 128}),
    case("cifarResnet18", lambda: cifar(tv.resnet18(num_classes=10)), (2, 3, 32, 32), RESNET),
    case("cifarResnet34", lambda: cifar(tv.resnet34(num_classes=10))),
    case("cifarResnet50", lambda: cifar(tv.resnet50(num_classes=100)), options={"numClasses": 100}),
    case("vgg11", vgg(11, False)),
    case("vgg11Bn", vgg(11, True)),
    case("vgg11Bn", vgg(11, True, 0, 10), (2, 3, 64, 64), [*VGG, "features.1.bias"], {"numClasses": 10, "dropout": 0}),
    case("vgg16", vgg(16, False)),
    case("vgg16", vgg(16, False, 0, 5), (1, 3, 45, 70), [*VGG, "features.0.bias"], {"numClasses": 5, "dropout": 0}),
    case("vgg16Bn", vgg(16, True)),
    case("mobilenetV2", tv.mobilenet_v2),
    case("mobilenetV2", lambda: tv.mobilenet_v2(num_classes=10, dropout=0), (3, 3, 96, 80), MOBILE, {"numClasses": 10, "dropout": 0}),
    case("mobilenetV2", lambda: tv.mobilenet_v2(width_mult=0.35), options={"widthMult": 0.35}),
    case("mobilenetV2", lambda: tv.mobilenet_v2(width_mult=1.4), options={"widthMult": 1.4}),
    case("squeezenet", tv.squeezenet1_1),
    case("squeezenet", lambda: tv.squeezenet1_1(num_classes=10, dropout=0), (2, 3, 77, 64), SQUEEZE, {"numClasses": 10, "dropout": 0}),
    case("squeezenet", lambda: tv.squeezenet1_0(num_classes=6, dropout=0), (2, 3, 64, 65), SQUEEZE, {"version": "1.0", "numClasses": 6, "dropout": 0}),
    case("unet", UNet),
    case("unet", lambda: UNet(2, 3, 6, 3), (2, 2, 27, 34), UNET, {"inChannels": 2, "numClasses": 3, "baseChannels": 6, "depth": 3}),
    case(
        "unet",
        lambda: UNet(1, 2, 4, 2, batch_norm=False, bilinear=True),
        (2, 1, 18, 21),
        ["encoder.0.conv1.bias", "encoder.2.conv2.weight", "upsample.0.conv.weight", "head.weight"],
        {"inChannels": 1, "numClasses": 2, "baseChannels": 4, "depth": 2, "batchNorm": False, "upsampling": "bilinear"},
    ),
]


def deviations(make):
    """How a fresh network's parameters spread: standard deviation and mean of each."""
    torch.manual_seed(0)
    return {name: [float(f"{v:.4g}") for v in (p.std(unbiased=False).item(), p.mean().item())] for name, p in make().named_parameters()}


STARTS = [
    {"name": "resnet18", "options": {}, "starts": deviations(tv.resnet18)},
    {"name": "resnet50", "options": {"zeroInitResidual": True}, "starts": deviations(lambda: tv.resnet50(zero_init_residual=True))},
    {"name": "mobilenetV2", "options": {}, "starts": deviations(tv.mobilenet_v2)},
    {"name": "squeezenet", "options": {"version": "1.0"}, "starts": deviations(tv.squeezenet1_0)},
    {"name": "lenet5", "options": {}, "starts": deviations(LeNet5)},
]

if __name__ == "__main__":
    lines = ",\n".join(json.dumps(each, separators=(",", ":")) for each in CASES)
    starts = ",\n".join(json.dumps(each, separators=(",", ":")) for each in STARTS)
    with open(os.path.join(FOLDER, "models.json"), "w") as file:
        file.write(f'{{"torch":"{torch.__version__}","cases":[\n{lines}\n],"starts":[\n{starts}\n]}}\n')
