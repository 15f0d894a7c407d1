"""PyTorch as a contender of bench/: torch.conv2d on plain tensors, and its gradients.

Speaks the protocol described in onednn.cc.
"""

import sys

import numpy
import torch

from measuring import Calibration, fill, timed


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
    calibration = Calibration()
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
                before = calibration.run_warm()
                ms, share = timed(run, int(fields[0]))
                after = calibration.run_warm()
                print(ms, max(before, after), calibration.best, share, flush=True)


main()
