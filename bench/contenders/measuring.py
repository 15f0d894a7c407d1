"""What programs in Python share that bench/ compares with: the numbers they compute on, and calibrations."""

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


class Calibration:
    """A small matrix product, whose best time is the measure; bench/calibration.mjs says what it is good for."""

    def __init__(self):
        self._square = torch.ones(96, 96)
        self._product = torch.empty(96, 96)
        self.best = float("inf")
        for _ in range(500):
            self.run()

    def run(self):
        ms = milliseconds(lambda: torch.mm(self._square, self._square, out=self._product))
        self.best = min(self.best, ms)
        return ms

    def run_warm(self):
        """One run that fetches code which the measured program has displaced, and one that counts."""
        self.run()
        return self.run()


def timed(run, repeats):
    """Milliseconds of a run, and for how much of that time this process had a processor."""
    cpu, start = time.process_time(), time.perf_counter()
    ms = milliseconds(run, repeats)
    return ms, (time.process_time() - cpu) / (time.perf_counter() - start)
