"""PyTorch as a contender of `bench -- train`: whole training steps of four networks, torch_train.py THREADS.

Reads tasks from stdin, a line of JSON each, {"task": NAME, "options": {...}}, and answers each with a line: {"value": ...}
or {"error": WHY}. What the tasks are, training/child.mjs says.
"""

import json
import math
import re
import resource
import sys
import time

import numpy
import torch
import torch.nn as nn
import torch.nn.functional as F

from measuring import Calibration, fill, milliseconds, timed

PAUSE = 0.05
SAMPLE_MS, LONG_MS, WARMUP_MS = 40, 500, 300
MEMORY_FORMATS = {"nchw": torch.contiguous_format, "nhwc": torch.channels_last}


def conv3(ic, oc, stride=1):
    return nn.Conv2d(ic, oc, 3, stride=stride, padding=1, bias=False)


def normalised(ic, oc):
    return conv3(ic, oc), nn.BatchNorm2d(oc), nn.ReLU()


class BasicBlock(nn.Module):
    """He et al. 2016, the block of two 3×3."""

    def __init__(self, ic, oc, stride):
        super().__init__()
        self.conv1, self.bn1 = conv3(ic, oc, stride), nn.BatchNorm2d(oc)
        self.conv2, self.bn2 = conv3(oc, oc), nn.BatchNorm2d(oc)
        self.downsample = None
        if stride > 1 or ic != oc:
            self.downsample = nn.Sequential(nn.Conv2d(ic, oc, 1, stride=stride, bias=False), nn.BatchNorm2d(oc))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(self.bn2(self.conv2(y)) + shortcut)


def lenet(classes):
    yield from (nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2))
    yield from (nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    yield from (nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes))


def mnist_cnn(classes):
    yield from (nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    yield from (nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, classes))


def vgg_cifar(classes):
    for ic, oc in ((3, 32), (32, 64), (64, 128)):
        yield from (*normalised(ic, oc), *normalised(oc, oc), nn.MaxPool2d(2))
    yield from (nn.Flatten(), nn.Linear(2048, classes))


def resnet18_cifar(classes):
    yield from normalised(3, 64)
    for ic, oc, stride in ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)):
        yield from (BasicBlock(ic, oc, stride), BasicBlock(oc, oc, 1))
    yield from (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


NETWORKS = {make.__name__: make for make in (lenet, mnist_cnn, vgg_cifar, resnet18_cifar)}


def first_values(name, shape, index):
    """The same numbers as firstValues() of bench/training/networks.mjs."""
    is_weight = len(shape) > 1
    scale = math.sqrt(6 / math.prod(shape[1:])) if is_weight else 0.1
    offset = 1.0 if not is_weight and name.endswith("weight") else 0.0
    return (fill(math.prod(shape), index + 1) * float(numpy.float32(scale)) + offset).reshape(shape)


def batch_of(shape, classes):
    """The same batch as batchOf() of bench/training/networks.mjs."""
    x = (fill(math.prod(shape), 0) * float(numpy.float32(math.sqrt(3)))).reshape(shape)
    return x, (7 * torch.arange(shape[0]) + 3) % classes


def open_step(options):
    """A training step as a function that makes one and returns its loss."""
    memory_format = MEMORY_FORMATS[options["layout"]]
    model = nn.Sequential(*NETWORKS[options["network"]](options["classes"]))
    with torch.no_grad():
        for index, (name, parameter) in enumerate(model.named_parameters()):
            parameter.copy_(first_values(name, parameter.shape, index))
    x, labels = batch_of((options["batch"], *options["image"]), options["classes"])
    model, x = model.to(memory_format=memory_format), x.contiguous(memory_format=memory_format)
    optimizer = torch.optim.SGD(model.parameters(), options["learningRate"], momentum=options["momentum"])

    def step():
        optimizer.zero_grad(set_to_none=True)  # faster than filling with zeros
        loss = F.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


class Tasks:
    """What is measured stays between `prepare` and the end of the process."""

    def product(self, _):
        """GFLOP/s of a matrix product, and which file the BLAS is, where the system tells."""
        a, b, c = torch.ones(512, 512), torch.ones(512, 512), torch.empty(512, 512)
        ms = min(milliseconds(lambda: torch.mm(a, b, out=c)) for _ in range(20))
        return {"gflops": 2 * 512**3 / ms / 1e6, "library": blas_library()}

    def prepare(self, options):
        self.step = open_step(options)
        losses = [self.step() for _ in range(options["checkedSteps"])]
        spent = 0
        while spent < WARMUP_MS:
            self.about_ms = milliseconds(self.step)
            spent += self.about_ms
        self.calibration = Calibration()
        return {"losses": losses}

    def sample(self, _):
        time.sleep(PAUSE)
        before = self.calibration.run_warm()
        repeats = 1
        if self.about_ms < LONG_MS:
            repeats = max(1, round(SAMPLE_MS / milliseconds(self.step)))
        ms, share = timed(self.step, repeats)
        time.sleep(PAUSE)
        calibration_ms = max(before, self.calibration.run_warm())
        return {"ms": ms, "calibrationMs": calibration_ms, "bestCalibrationMs": self.calibration.best, "share": share}

    def footprint(self, options):
        step = open_step(options)
        end = time.perf_counter() + options["seconds"]
        done = 0
        while done < options["steps"] or time.perf_counter() < end:
            step()
            done += 1
        return peak_resident()


def blas_library():
    try:
        with open("/proc/self/maps") as maps:
            text = maps.read()
    except OSError:
        return None
    # what the linker found under the common name comes before what that or others load
    found = re.search(r"/\S*/libblas\.so\S*", text) or re.search(r"/\S*/lib(?:\w+blas|mkl_rt|blis)\S*", text)
    return found and found.group()


def peak_resident():
    """In MiB, as bench/resident.mjs has it."""
    try:
        with open("/proc/self/status") as status:
            return int(re.search(r"^VmHWM:\s*(\d+) kB$", status.read(), re.MULTILINE).group(1)) / 1024
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1024 / (1024 if sys.platform == "darwin" else 1)


def main():
    torch.set_num_threads(int(sys.argv[1]))
    tasks = Tasks()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"value": getattr(tasks, request["task"])(request.get("options"))}
        except Exception as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


main()
