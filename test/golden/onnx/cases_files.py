"""What a file may look like: versions, where tensors are kept, odd but lawful graphs."""

import numpy as np
import torch
import torch.nn.functional as F
from golden_onnx import encode_answer, graph_case, normal, op, record, tensor_type
from onnx import TensorProto, helper, numpy_helper

node = helper.make_node


def write_cases():
    _versions()
    _storage()
    _graphs()


def _small_net(kernel=(3, 2, 3, 3)):
    nodes = [node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]), node("Relu", ["c"], ["y"])]
    return nodes, {"x": normal(1, 2, 4, 5)}, {"w": normal(*kernel), "b": normal(kernel[0])}


def _model(nodes, inputs, initializers, opset=13, ir=8, listed=(), outputs=(("y", TensorProto.FLOAT),)):
    values = [tensor_type(name, value) for name, value in [*inputs.items(), *listed]]
    results = [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs]
    model = helper.make_model(
        helper.make_graph(nodes, "graph", values, results, initializers), opset_imports=[helper.make_opsetid("", opset)]
    )
    model.ir_version = ir
    return model


def _record(name, model, inputs, why, opset=13, **rest):
    operators = sorted({each.op_type for each in model.graph.node})
    record(f"file/{name}", model, inputs, operators=operators, opset=opset, why=why, **rest)


def _versions():
    nodes, inputs, weights = _small_net()
    stored = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    model = _model(nodes, inputs, stored, opset=8, ir=3, listed=list(weights.items()))
    _record("ir3", model, inputs, "every initializer is an input too, which need not be fed", opset=8)
    model = _model(nodes, inputs, stored, ir=8, listed=list(weights.items()))
    own = {**inputs, "b": normal(3)}
    # onnxruntime-node takes no feed for it
    wide = [torch.from_numpy(value).double() for value in (own["x"], weights["w"], own["b"])]
    answers = {"reference": "script", "answers": {"y": encode_answer(F.conv2d(*wide, padding=1).relu().numpy())}}
    _record("initializer_fed", model, own, "an initializer that is an input may be fed", **answers)
    for ir in range(4, 14):
        opset = min(max(ir + 5, 9), 22)
        nodes, inputs, weights = _small_net((2, 2, 1, 1))
        settings = {"constants": weights, "opset": opset, "ir": ir}
        graph_case(f"file/ir{ir}", nodes, inputs, {"y": None}, **settings)


def _storage():
    nodes, inputs, weights = _small_net()

    def typed(name, value, kind):
        return helper.make_tensor(name, kind, value.shape, value.reshape(-1).tolist())

    stored = [typed(name, value, TensorProto.FLOAT) for name, value in weights.items()]
    _record("float_data", _model(nodes, inputs, stored), inputs, "numbers in the typed field, not as bytes")

    halves = {name: value.astype(np.float16) for name, value in weights.items()}
    casts = [node("Cast", [f"{name}16"], [name], to=TensorProto.FLOAT) for name in halves]
    bytes16 = [numpy_helper.from_array(value, f"{name}16") for name, value in halves.items()]
    _record("float16_weights", _model(casts + nodes, inputs, bytes16), inputs, "weights of 16 bits, cast")
    typed16 = [typed(f"{name}16", value, TensorProto.FLOAT16) for name, value in halves.items()]
    _record("float16_int32_data", _model(casts + nodes, inputs, typed16), inputs, "their bits in int32_data")
    doubles = [numpy_helper.from_array(value.astype(np.float64), f"{name}16") for name, value in weights.items()]
    _record("float64_weights", _model(casts + nodes, inputs, doubles), inputs, "weights of 64 bits, cast")

    inputs16 = {"x": inputs["x"].astype(np.float16)}
    all16 = [numpy_helper.from_array(value, name) for name, value in halves.items()]
    model = _model(nodes, inputs16, all16, outputs=[("y", TensorProto.FLOAT16)])
    # onnxruntime rounds its output to 11 bits
    _record("float16", model, inputs16, "16 bits from input to output", tolerance=1e-3)

    content = b"".join(value.tobytes() for value in weights.values())
    offset, external = 0, []
    for name, value in weights.items():
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=value.shape, data_location=TensorProto.EXTERNAL)
        for key, text in (("location", "external.bin"), ("offset", str(offset)), ("length", str(value.nbytes))):
            tensor.external_data.add(key=key, value=text)
        offset += value.nbytes
        external.append(tensor)
    files = [("external.bin", content)]
    _record("external", _model(nodes, inputs, external), inputs, "weights in a file beside", files=files)

    shape = [typed("shape", np.array([2, -1], np.int64), TensorProto.INT64)]
    reshape = [node("Reshape", ["x", "shape"], ["y"])]
    _record("int64_data", _model(reshape, inputs, shape), inputs, "a shape in int64_data", exact=True)
    small = [
        typed("i", np.array([1, -2], np.int32), TensorProto.INT32),
        typed("u", np.array([3, 255], np.uint8), TensorProto.UINT8),
        typed("t", np.array([True, False]), TensorProto.BOOL),
    ]
    casts = [node("Cast", [name], [f"{name}f"], to=TensorProto.FLOAT) for name in "iut"]
    added = [*casts, node("Sum", ["x", "if", "uf", "tf"], ["y"])]
    fed = {"x": normal(3, 2)}
    _record("int32_data", _model(added, fed, small), fed, "int32, uint8 and bool in int32_data", exact=True)


def _graphs():
    x = {"x": normal(2, 3)}
    w = {"w": normal(2, 3)}
    graph_case("file/constant_output", [node("Relu", ["x"], ["y"])], x, {"y": None, "w": None}, constants=w, exact=True)
    unused = {**x, "z": normal(4)}
    graph_case("file/unused_input", [node("Neg", ["x"], ["y"])], unused, {"y": None}, exact=True)
    twice = [node("Relu", ["x"], ["y"]), node("Neg", ["y"], ["z"])]
    why = "an output that a node reads"
    graph_case("file/intermediate_output", twice, x, {"y": None, "z": None}, why=why, exact=True)
    same = [node("Add", ["x", "x"], ["y"])]
    graph_case("file/one_tensor_twice", same, x, {"y": None}, exact=True)
    dead = [node("Exp", ["x"], ["unread"]), node("Abs", ["x"], ["y"])]
    graph_case("file/dead_node", dead, x, {"y": None}, exact=True)
    constants = [
        node("Constant", [], ["c"], value=numpy_helper.from_array(normal(3), "c")),
        node("Mul", ["x", "c"], ["y"], name=""),
    ]
    graph_case("file/constant_node", constants, x, {"y": None}, why="no node has a name")
    optional = [
        node("Constant", [], ["low"], value_float=-0.5),
        node("Clip", ["x", "low", ""], ["y"]),
    ]
    graph_case("file/trailing_empty_input", optional, x, {"y": None}, exact=True)
    dropped = [node("Dropout", ["x"], ["d", ""]), node("Abs", ["d"], ["y"])]
    graph_case("file/empty_output_name", dropped, x, {"y": None}, exact=True)
    op("file/scalar", "Abs", {"x": np.float32(-2.5).reshape(())}, exact=True, why="a tensor without axes")
    op("file/empty_batch", "Relu", {"x": normal(0, 3, 2, 2)}, exact=True)
    odd = [node("Abs", ["in put/ü"], ["y:0"], name="näme/№1")]
    graph_case("file/odd_names", odd, {"in put/ü": normal(3)}, {"y:0": None}, exact=True)
    nodes, inputs, weights = _small_net()
    model = _model(nodes, inputs, [numpy_helper.from_array(value, name) for name, value in weights.items()])
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 2))
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    model.doc_string = "documentation"
    model.metadata_props.add(key="author", value="nobody")
    _record("more_domains", model, inputs, "opsets of domains that no node is of, documentation, metadata")
    explicit = _model(nodes, inputs, [numpy_helper.from_array(value, name) for name, value in weights.items()])
    explicit.opset_import[0].domain = "ai.onnx"
    for each in explicit.graph.node:
        each.domain = "ai.onnx"
    _record("domain_spelled_out", explicit, inputs, "ai.onnx is the default domain's name")
