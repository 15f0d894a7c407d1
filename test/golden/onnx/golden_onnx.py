"""What the case files share: building small ONNX models, exporting PyTorch's, and writing both with their data.

A case is a model `<group>/<name>.onnx` and an entry of `<group>.json`: why it exists, its inputs, its outputs, and who
computed them. Where PyTorch exports the model, that is PyTorch in float64; otherwise onnxruntime, whose answers
expect_onnx.mjs writes into the entries that have none yet. What onnxruntime refuses is computed here, in float64.
"""

import copy
import io
import json
import math
import os
import warnings
import zlib

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

FOLDER = os.path.dirname(os.path.abspath(__file__))

warnings.filterwarnings("ignore")

TYPES = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "float16": TensorProto.FLOAT16,
    "int64": TensorProto.INT64,
    "int32": TensorProto.INT32,
    "int8": TensorProto.INT8,
    "uint8": TensorProto.UINT8,
    "bool": TensorProto.BOOL,
}

groups = {}
_random = np.random.RandomState(0)


def _reseed(name):
    """Numbers of a case depend only on the case before it: a new one changes no others but the next."""
    global _random
    _random = np.random.RandomState(zlib.crc32(name.encode()))


def normal(*shape, scale=1.0):
    """Normally distributed numbers with two decimals, which keeps the files small."""
    return np.asarray(_random.randn(*shape) * scale).round(2).astype(np.float32)


def positive(*shape):
    return (np.abs(normal(*shape)) + np.float32(0.25)).astype(np.float32)


def grid(*shape):
    """Multiples of 1/4 in [-2, 2]: many equal elements and zeros, so that ties and kinks take part."""
    return (_random.randint(-8, 9, shape) / 4).astype(np.float32)


def integers(*shape, low=-5, high=6, dtype=np.int64):
    return _random.randint(low, high, shape).astype(dtype)


def booleans(*shape):
    return _random.randint(0, 2, shape).astype(bool)


def count(*shape, dtype=np.float32):
    """0, 1, 2, …: says at a glance which element went where."""
    return np.arange(int(np.prod(shape)), dtype=dtype).reshape(shape)


class Constant:
    """An input that is an initializer of the model."""

    def __init__(self, value):
        self.value = np.asarray(value)


def constant(value, dtype=None):
    return Constant(np.asarray(value, dtype=dtype))


def ints(*values):
    """An initializer of int64, as shapes, axes and pads are."""
    return constant(list(values), np.int64)


def scalar(value, dtype=np.int64):
    return constant(value, dtype)


def tensor_type(name, value):
    return helper.make_tensor_value_info(name, TYPES[str(value.dtype)], value.shape)


def _number(value):
    if isinstance(value, (bool, np.bool_)):
        return int(value)
    value = float(value)
    if math.isnan(value) or math.isinf(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return int(value) if value == int(value) and not (value == 0 and math.copysign(1, value) < 0) else value


def encode(array, digits=None):
    array = np.asarray(array)
    flat = array.reshape(-1)
    if array.dtype == np.float32:
        data = [_number(str(v)) for v in flat]  # the shortest decimals that give the number back
    elif digits:
        data = [_number(f"{v:.{digits}g}") for v in flat]
    else:
        data = [int(v) if array.dtype.kind in "iub" else _number(v) for v in flat]
    return {"type": str(array.dtype), "dims": list(array.shape), "data": data}


def record(path, model, inputs, *, operators, opset, why=None, reference="onnxruntime", answers=None, **rest):
    """Writes the model; `answers`, unless they are onnxruntime's. `path` is group/name."""
    exact, tolerance, files = (rest.get(key) for key in ("exact", "tolerance", "files"))
    group, name = path.split("/")
    cases = groups.setdefault(group, [])
    assert all(case["name"] != name for case in cases), f"{path} is there twice"
    os.makedirs(os.path.join(FOLDER, group), exist_ok=True)
    data = model if isinstance(model, bytes) else model.SerializeToString()
    with open(os.path.join(FOLDER, group, f"{name}.onnx"), "wb") as file:
        file.write(data)
    for file_name, content in files or ():
        with open(os.path.join(FOLDER, group, file_name), "wb") as file:
            file.write(content)
    case = {"name": name, "operators": operators, "opset": opset, "reference": reference}
    case |= {"why": why} if why else {}
    case |= {"tolerance": 0} if exact else {"tolerance": tolerance} if tolerance is not None else {}
    case |= {"inputs": {key: encode(value) for key, value in inputs.items()}}
    case |= {"outputs": answers} if answers else {}
    cases.append(case)
    _reseed(path)


def graph_case(path, nodes, inputs, outputs, *, opset=13, ir=None, constants=None, why=None, **rest):
    """A model of several nodes. `outputs`: names with the name of the type, or with None where it is to be inferred."""
    initializers = [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()]
    graph = helper.make_graph(
        nodes,
        path.split("/")[1],
        [tensor_type(name, value) for name, value in inputs.items()],
        [helper.make_tensor_value_info(name, TYPES[kind or "float32"], None) for name, kind in outputs.items()],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="golden")
    model.ir_version = ir or (8 if opset <= 17 else 9 if opset <= 20 else 10)
    operators = sorted({node.op_type for node in nodes if node.op_type != "Constant" or len(nodes) == 1})
    record(path, model, inputs, operators=operators, opset=opset, why=why, **rest)


def op(path, operator, inputs, *, opset=13, out="float32", why=None, ir=None, exact=False, answer=None, **attributes):
    """
    A model of one node. `inputs` in order: arrays that are fed, Constants, or None for one left out. `out`: types of
    the outputs, separated by spaces. `answer`: in float64, for what onnxruntime does not compute.
    """
    names = [f"y{i}" if i else "y" for i in range(len(out.split()))]
    given = {name: value for name, value in inputs.items() if value is not None}
    node = helper.make_node(
        operator, [name if value is not None else "" for name, value in inputs.items()], names, **attributes
    )
    graph_case(
        path,
        [node],
        {name: value for name, value in given.items() if not isinstance(value, Constant)},
        dict(zip(names, out.split())),
        constants={name: value.value for name, value in given.items() if isinstance(value, Constant)},
        opset=opset,
        ir=ir,
        why=why,
        exact=exact,
        **({} if answer is None else {"reference": "script", "answers": {"y": encode_answer(answer)}}),
    )


def exported(path, module, *inputs, opset=13, why=None, dynamic=None, exact=False, tolerance=None, **settings):
    """
    What PyTorch exports of a module (or function of tensors), with its answers. `dynamic`: axes of the inputs whose
    extent the exporter must not fix.
    """
    module = (module if isinstance(module, torch.nn.Module) else _Function(module)).eval()
    with torch.no_grad():
        for parameter in list(module.parameters()) + list(module.buffers()):
            if parameter.is_floating_point():  # few decimals, and different ones from layer to layer
                value = torch.from_numpy(normal(*parameter.shape, scale=0.5))
                parameter.copy_(value.abs() + 0.5 if _is_variance(module, parameter) else value)
    inputs = [np.asarray(value) for value in inputs]
    arguments = tuple(torch.from_numpy(value) for value in inputs)
    names = ["x", "z", "w"][: len(inputs)]
    wide = copy.deepcopy(module).double()
    with torch.no_grad():
        answer = wide(*(a.double() if a.is_floating_point() else a for a in arguments))
    answers = list(answer) if isinstance(answer, (tuple, list)) else [answer]
    outputs = [f"y{i}" if i else "y" for i in range(len(answers))]
    file = io.BytesIO()
    settings = {"opset_version": opset, "input_names": names, "output_names": outputs, **settings}
    axes = {name: dynamic for name in names} if dynamic else None
    torch.onnx.export(module, arguments, file, dynamic_axes=axes, **settings)
    operators = sorted({node.op_type for node in onnx.load_from_string(file.getvalue()).graph.node} - {"Constant"})
    encoded = {name: encode_answer(value.numpy(), exact) for name, value in zip(outputs, answers)}
    fed = dict(zip(names, inputs))
    rest = {"reference": "torch", "answers": encoded, "exact": exact, "tolerance": tolerance, "why": why}
    record(path, file.getvalue(), fed, operators=operators, opset=opset, **rest)


class _Function(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def _is_variance(module, parameter):
    return any(value is parameter and name.endswith("running_var") for name, value in module.named_buffers())


def encode_answer(value, exact=False):
    """Nine digits of float64, so that differences are the tested code's own; as float32 where all must be equal."""
    if value.dtype != np.float64:
        return encode(value)
    return encode(value.astype(np.float32)) if exact else {**encode(value, digits=9), "type": "float32"}


def write_groups():
    versions = {"torch": torch.__version__, "onnx": onnx.__version__}
    for group, cases in groups.items():
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
        with open(os.path.join(FOLDER, f"{group}.json"), "w") as file:
            file.write(f'{{"made":{json.dumps(versions, separators=(",", ":"))},"cases":[\n{lines}\n]}}\n')
