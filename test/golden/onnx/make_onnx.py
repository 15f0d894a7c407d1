#!/usr/bin/env python3
"""Writes small ONNX models for every operator that is supported, with inputs and, where PyTorch exports them, answers.

Usage: python3 make_onnx.py && node expect_onnx.mjs

The first needs torch 1.13 and onnx 1.12; the second fills in the answers that are onnxruntime's, needs what
`npm ci` installs in bench/contenders, and checks that PyTorch and onnxruntime agree on the rest.
"""

import os
import shutil

import cases_arithmetic
import cases_convolution
import cases_exporters
import cases_files
import cases_indexing
import cases_normalisation
import cases_resize
import cases_shape
from golden_onnx import FOLDER, groups, write_groups

for module in [
    cases_convolution,
    cases_normalisation,
    cases_arithmetic,
    cases_shape,
    cases_indexing,
    cases_resize,
    cases_exporters,
    cases_files,
]:
    module.write_cases()
write_groups()

# models of cases that are no more
for group, cases in groups.items():
    kept = {f"{case['name']}.onnx" for case in cases} | {"external.bin"}
    for name in set(os.listdir(os.path.join(FOLDER, group))) - kept:
        os.remove(os.path.join(FOLDER, group, name))
for entry in os.scandir(FOLDER):
    if entry.is_dir() and entry.name not in groups:
        shutil.rmtree(entry.path)

print(sum(map(len, groups.values())), "cases in", len(groups), "groups")
