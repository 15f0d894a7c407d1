import { describe, expect, it } from 'vitest';
import { readModel } from '../../lib/onnx/index.js';
import { emptyTensor } from '../../lib/onnx/proto/decode.js';
import { encodeModel } from '../../lib/onnx/proto/encode.js';
import type { ModelProto, TensorProto } from '../../lib/onnx/proto/types.js';
import {
  attribute,
  bytesOf,
  FLOAT,
  floats,
  type GraphText,
  graph,
  INT64,
  modelProto,
  node,
  raw,
  STRING,
  value,
} from './models.js';

const x = value('x', [2, 2]);
const y = value('y', null);
const relu = node('Relu', ['x'], ['y'], {}, 'act');
const simple: GraphText = { inputs: [x], outputs: [y], nodes: [relu] };

describe('readModel refuses', () => {
  const withTensor = (given: Partial<TensorProto>): GraphText => ({
    inputs: [x],
    outputs: [y],
    initializers: [{ ...emptyTensor(), name: 'w', ...given }],
    nodes: [node('Add', ['x', 'w'], ['y'])],
  });
  const withNode = (...nodes: GraphText['nodes'] & {}): GraphText => ({ ...simple, nodes });
  const contradictions: [string, GraphText, string][] = [
    ['no outputs', { inputs: [x] }, 'the graph has no outputs'],
    ['an output of nobody', { ...simple, outputs: [value('z', null)] }, "nothing computes the output 'z'"],
    ['an output twice', { ...simple, outputs: [y, y] }, "two outputs have the name 'y'"],
    ['an input twice', { ...simple, inputs: [x, x] }, "two values have the name 'x'"],
    ['an input without a name', { ...simple, inputs: [x, value('', [1])] }, 'an input has no name'],
    [
      'a value that nobody computes',
      withNode(node('Relu', ['q'], ['y'])),
      "nothing computes 'q', which node 'Relu_0' (Relu, opset 13) reads",
    ],
    ['a value twice', withNode(relu, node('Neg', ['x'], ['y'])), "two values have the name 'y'"],
    ['a value that hides an input', withNode(node('Neg', ['x'], ['x'])), "two values have the name 'x'"],
    [
      'a node that needs itself',
      withNode(node('Add', ['x', 'y'], ['y'])),
      "node 'Add_0' (Add, opset 13) needs its own output",
    ],
    [
      'a ring',
      withNode(node('Add', ['x', 'b'], ['a']), node('Neg', ['a'], ['b']), node('Neg', ['b'], ['y'])),
      "node 'Neg_1' (Neg, opset 13) needs its own output",
    ],
    [
      'too few inputs',
      withNode(node('Conv', ['x'], ['y'])),
      "node 'Conv_0' (Conv, opset 13): it has 1 inputs, the operator takes 2 to 3",
    ],
    ['an input left out', withNode(node('Add', ['x', ''], ['y'])), "node 'Add_0' (Add, opset 13): input 1 is missing"],
    [
      'an attribute twice',
      withNode({
        ...relu,
        opType: 'Elu',
        attributes: [attribute('alpha', { float: 1 }), attribute('alpha', { float: 1 })],
      }),
      "node 'act' (Elu, opset 13): attribute 'alpha' stands twice",
    ],
    [
      'an attribute of another type',
      withNode(node('Elu', ['x'], ['y'], { alpha: 1 }, 'act')),
      "node 'act' (Elu, opset 13): attribute 'alpha' is int, float belongs there",
    ],
    [
      'an attribute that refers to a function’s',
      withNode({ ...relu, opType: 'Elu', attributes: [{ ...attribute('alpha', { float: 1 }), refAttrName: 'a' }] }),
      "node 'act' (Elu, opset 13): attribute 'alpha' refers to 'a'",
    ],
    [
      'a graph without outputs',
      withNode(node('If', ['x'], ['y'], { then_branch: graph({}), else_branch: graph({}) }, 'if')),
      "attribute 'then_branch' of node 'if' (If, opset 13): the graph has no outputs",
    ],
    ['an initializer without a name', { ...simple, initializers: [floats('', [0], [])] }, 'an initializer has no name'],
    ['a negative size', withTensor({ dataType: FLOAT, dims: [-1] }), "initializer 'w': its shape [-1] is impossible"],
    [
      'an absurd size',
      withTensor({ dataType: FLOAT, dims: [2 ** 20, 2 ** 20] }),
      "initializer 'w': its shape [1048576, 1048576] is impossible",
    ],
    [
      'an absurd size beside none',
      withTensor({ dataType: FLOAT, dims: [0, 2 ** 40] }),
      "initializer 'w': its shape [0, 1099511627776] is impossible",
    ],
    [
      'too few bytes',
      withTensor({ dataType: FLOAT, dims: [3], raw: raw(new Uint8Array(11)) }),
      "initializer 'w': [3] of float32 takes 12 bytes, its raw data has 11",
    ],
    [
      'too few elements',
      withTensor({ dataType: INT64, dims: [3], int64Data: BigInt64Array.of(1n) }),
      "initializer 'w': [3] of int64 takes 3 elements, it has 1",
    ],
    [
      'elements in the wrong field',
      withTensor({ dataType: FLOAT, dims: [1], int32Data: Int32Array.of(1) }),
      "initializer 'w': [1] of float32 takes 1 elements, it has 0",
    ],
    [
      'bytes and elements',
      withTensor({ dataType: FLOAT, dims: [1], floatData: Float32Array.of(1), raw: raw(new Uint8Array(4)) }),
      "initializer 'w': it has both raw data and typed data",
    ],
    [
      'an element type that is none',
      withTensor({ dataType: 99, dims: [] }),
      "initializer 'w': element type 99 does not exist",
    ],
    [
      'data elsewhere',
      withTensor({ dataType: FLOAT, dims: [1], isExternal: true, externalData: [{ key: 'location', value: 'w.bin' }] }),
      "initializer 'w': its data is in the file w.bin; read the model from its path",
    ],
    [
      'data nowhere',
      withTensor({ dataType: FLOAT, dims: [1], isExternal: true }),
      "initializer 'w': its external data has no location",
    ],
    [
      'a type of an input that is none',
      { ...simple, inputs: [value('x', [1], 77)] },
      "input 'x': element type 77 does not exist",
    ],
    ['no type of an input', { ...simple, inputs: [value('x', [1], 0)] }, "input 'x' has no element type"],
    ['a size of an input below -1', { ...simple, inputs: [value('x', [-2])] }, "input 'x': a size of -2 is impossible"],
  ];

  it.each(contradictions)('%s', (_, text, message) => {
    expect(() => readModel(bytesOf(text))).toThrow(
      expect.objectContaining({ name: 'ModelFormatError', code: 'ERR_MODEL_FORMAT', message: `readModel: ${message}` }),
    );
  });

  const conv3d = { ...simple, inputs: [x], initializers: [floats('w', [1, 1, 1, 1, 1], [1])] };
  const unsupported: [string, GraphText, string, number?][] = [
    [
      'an operator',
      withNode(node('Loop', ['x'], ['y'], {}, 'l')),
      "node 'l' (Loop, opset 13): the operator is not supported",
    ],
    [
      'a domain',
      withNode({ ...relu, domain: 'com.microsoft', opType: 'FusedConv' }),
      "node 'act' (FusedConv, opset 13): operators of the domain com.microsoft are not supported",
    ],
    [
      'an operator before its time',
      withNode(node('Gelu', ['x'], ['y'], {}, 'g')),
      "node 'g' (Gelu, opset 13): the operator exists since opset 20",
    ],
    [
      'an unknown attribute',
      withNode(node('Relu', ['x'], ['y'], { slope: 1 }, 'act')),
      "node 'act' (Relu, opset 13): attribute 'slope' is not known",
    ],
    [
      'an attribute value',
      withNode(node('Pad', ['x', 'x'], ['y'], { mode: 'mirror' }, 'p')),
      "node 'p' (Pad, opset 13): attribute 'mode' is \"mirror\", supported are constant, reflect, edge, wrap",
    ],
    [
      'a flag',
      withNode(node('BatchNormalization', ['x', 'x', 'x', 'x', 'x'], ['y'], { training_mode: 1 }, 'bn')),
      "node 'bn' (BatchNormalization, opset 14): attribute 'training_mode' is 1, supported are 0",
      14,
    ],
    [
      'an output',
      withNode({ ...node('BatchNormalization', ['x', 'x', 'x', 'x', 'x'], ['a', 'y'], {}, 'bn') }),
      "node 'bn' (BatchNormalization, opset 13): its output 1 ('y') is used, only the first is supported",
    ],
    [
      'three spatial axes',
      { ...conv3d, nodes: [node('Conv', ['x', 'w'], ['y'], {}, 'c')] },
      "node 'c' (Conv, opset 13): 3 spatial axes; supported are 1 and 2",
    ],
    [
      'a conversion',
      withNode(node('Cast', ['x'], ['y'], { to: 8 }, 'c')),
      "node 'c' (Cast, opset 13): conversion to string",
    ],
    ['an old opset', simple, 'opset 6, supported are 7 to 25', 6],
    ['a new opset', simple, 'opset 26, supported are 7 to 25', 26],
    ['strings', { ...simple, inputs: [value('x', [1], STRING)] }, "input 'x': its elements are of type string"],
    ['an input that is no tensor', { ...simple, inputs: [{ name: 'x', tensor: null }] }, "input 'x' is no tensor"],
    [
      'initializers of strings',
      withTensor({ dataType: STRING, dims: [1], strings: 1 }),
      "initializer 'w': its elements are of type string",
    ],
    [
      'nine axes',
      withTensor({ dataType: FLOAT, dims: new Array<number>(9).fill(0) }),
      "initializer 'w': it has 9 axes, a tensor has at most 8",
    ],
  ];

  it.each(unsupported)('%s, which it does not support', (_, text, message, opset) => {
    expect(() => readModel(bytesOf(text, opset))).toThrow(
      expect.objectContaining({
        name: 'UnsupportedOpError',
        code: 'ERR_UNSUPPORTED_OP',
        message: `readModel: ${message}`,
      }),
    );
  });

  const models: [string, Partial<ModelProto>, string, string][] = [
    ['an old format', { irVersion: 2 }, 'ERR_UNSUPPORTED_OP', 'IR version 2, supported are 3 to 13'],
    ['a new format', { irVersion: 14 }, 'ERR_UNSUPPORTED_OP', 'IR version 14, supported are 3 to 13'],
    ['no format', { irVersion: 0 }, 'ERR_MODEL_FORMAT', 'no IR version: these bytes are no ONNX model'],
    ['no opset', { opsetImports: [] }, 'ERR_MODEL_FORMAT', 'the model names no opset of the standard operators'],
    [
      'two opsets',
      { opsetImports: [7, 8].map((version) => ({ domain: '', version })) },
      'ERR_MODEL_FORMAT',
      'the model names two opsets of the standard operators',
    ],
    ['no graph', { graph: null }, 'ERR_MODEL_FORMAT', 'the model has no graph'],
    [
      'functions',
      { functions: [{ name: 'Mine', domain: 'local' }] },
      'ERR_UNSUPPORTED_OP',
      'the model defines operators of its own (Mine); inline them when exporting',
    ],
  ];

  it.each(models)('%s', (_, change, code, message) => {
    const bytes = encodeModel({ ...modelProto(simple), ...change });
    expect(() => readModel(bytes)).toThrow(expect.objectContaining({ code, message: `readModel: ${message}` }));
  });

  it('no bytes', () => {
    expect(() => readModel(new Uint8Array())).toThrow('readModel: no IR version: these bytes are no ONNX model');
  });
});
