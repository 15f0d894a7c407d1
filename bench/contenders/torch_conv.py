"""PyTorch as a contender of bench/: torch.conv2d on plain tensors, and its gradients.

Speaks the protocol described in onednn.cc. Calibrations are small matrix products, whose best time is the measure.
"""

import sys
import time

import numpy
import torch


def fill(count, seed):
    """The same numbers as fill() of bench/buffers.mjs, by the closed form of n steps of the generator."""
    a, c = 1664525, 1013904223
    states = numpy.empty(count, dtype=numpy.uint32)
    first = (seed * a + c) & 0xFFFFFFFF
    states[:1] = first
    done, scale, offset = 1, a, c
    while done < count:  # `scale` and `offset` make `done` steps at once
        step = min(done, count - done)
        states[done : done + step] = states[:step] * numpy.uint32(scale) + numpy.uint32(offset)
        scale, offset = (scale * scale) & 0xFFFFFFFF, (scale * offset + offset) & 0xFFFFFFFF
        done *= 2
    return torch.from_numpy((states.view(numpy.int32) >> 7).astype(numpy.float32) / 2.0**24)


def milliseconds(run, repeats=1):
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - start) * 1000 / repeats


def convolution(fields):
    """What to time, as a function that returns the result."""
    names = "n ic h w oc kh kw oh ow sh sw dh dw pt pl pb pr groups".split()
    g = dict(zip(names, map(int, fields[1:19])))
    if g["pt"] != g["pb"] or g["pl"] != g["pr"]:
        raise ValueError("padding differs between sides")
    shapes = {
        "x": (g["n"], g["ic"], g["h"], g["w"]),
        "weight": (g["oc"], g["ic"] // g["groups"], g["kh"], g["kw"]),
        "y": (g["n"], g["oc"], g["oh"], g["ow"]),
    }
    made = lambda name, seed: fill(int(numpy.prod(shapes[name])), seed).reshape(shapes[name])
    stride, padding, dilation = [g["sh"], g["sw"]], [g["pt"], g["pl"]], [g["dh"], g["dw"]]
    if fields[0] == "forward":
        x, weight = made("x", 1), made("weight", 2)
        return lambda: torch.conv2d(x, weight, None, stride, padding, dilation, g["groups"])
    backward = torch.ops.aten.convolution_backward
    of_input = fields[0] == "gradInput"
    x = torch.empty(shapes["x"]) if of_input else made("x", 1)
    weight = made("weight", 2) if of_input else torch.empty(shapes["weight"])
    dy = made("y", 3)
    rest = (stride, padding, dilation, False, [0, 0], g["groups"], [of_input, not of_input, False])
    return lambda: backward(dy, x, weight, None, *rest)[0 if of_input else 1]


def main():
    torch.set_num_threads(int(sys.argv[1]))
    square = torch.ones(96, 96)
    product = torch.empty(96, 96)
    calibrate = lambda: milliseconds(lambda: torch.mm(square, square, out=product))
    best = min(calibrate() for _ in range(500))
    run = None
    with torch.no_grad():
        for line in sys.stdin:
            command, *fields = line.split()
            if command == "prepare":
                try:
                    run = convolution(fields)
                    run().contiguous().numpy().tofile(fields[19])
                    print("ready", flush=True)
                except (RuntimeError, ValueError) as error:
                    print("unsupported", str(error).replace("\n", " "), flush=True)
            else:
                calibrate()
                before = calibrate()
                cpu, start = time.process_time(), time.perf_counter()
                ms = milliseconds(run, int(fields[0]))
                share = (time.process_time() - cpu) / (time.perf_counter() - start)
                calibrate()  # fetches code that the convolution has displaced
                after = calibrate()
                best = min(best, before, after)
                print(ms, max(before, after), best, share, flush=True)


main()
