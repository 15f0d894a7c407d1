import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Tensor, tensor } from '../../lib/index.js';
import { evaluate, type OnnxModel, readModel } from '../../lib/onnx/index.js';
import { emptyTensor } from '../../lib/onnx/proto/decode.js';
import { encodeModel } from '../../lib/onnx/proto/encode.js';
import type { ModelProto, TensorProto } from '../../lib/onnx/proto/types.js';
import { LazyStorage } from '../../lib/storage.js';
import {
  attribute,
  branchingNet,
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
  smallNet,
  value,
} from './models.js';

const run = (model: OnnxModel, feeds: Record<string, Tensor>) =>
  Object.fromEntries([...evaluate(model, new Map(Object.entries(feeds)))].map(([name, y]) => [name, y.toArray()]));

const x = value('x', [2, 2]);
const y = value('y', null);
const relu = node('Relu', ['x'], ['y'], {}, 'act');
const simple: GraphText = { inputs: [x], outputs: [y], nodes: [relu] };

describe('readModel', () => {
  it('tells what the file says', () => {
    const proto: ModelProto = {
      ...modelProto(smallNet()),
      metadata: [{ key: 'author', value: 'someone' }],
      producerName: 'pytorch',
      producerVersion: '2.1',
    };
    const model = readModel(encodeModel(proto));
    expect(model).toMatchObject({
      irVersion: 8,
      opset: 13,
      producer: 'pytorch 2.1',
      metadata: { author: 'someone' },
      inputs: [{ name: 'x', type: 'float32', shape: ['batch', 2, 6, 6] }],
      outputs: [
        { name: 'y', type: 'float32', shape: ['batch', 3] },
        { name: 'best', type: 'int64', shape: null },
      ],
    });
    expect(model.nodes.map(({ name }) => name)).toEqual([
      ...['conv', 'BatchNormalization_1', 'LeakyRelu_2', 'MaxPool_3', 'Reshape_4', 'Gemm_5', 'ArgMax_6'],
    ]);
    expect(model.initializers.get('w')).toMatchObject({ type: 'float32', shape: [4, 2, 3, 3] });
  });

  it('reads weights when they are needed, and converts them', () => {
    const model = readModel(bytesOf(smallNet()));
    const weight = model.constant('w');
    expect(weight.storage).toBeInstanceOf(LazyStorage);
    expect((weight.storage as LazyStorage).source).toHaveLength(72 * 4);
    expect(model.constant('w')).toBe(weight);
    expect(model.constant('shape')).toMatchObject({ dtype: 'int32', shape: [2] });
    expect(model.constant('shape').toArray()).toEqual([0, -1]);
    expect(() => model.constant('nothing')).toThrow("constant: the model has no initializer 'nothing'");
  });

  it('sorts nodes and drops those that no output needs', () => {
    const nodes = [
      node('Neg', ['b'], ['y']),
      node('NoSuchOperator', ['x'], ['unused']),
      node('Exp', ['a'], ['b']),
      node('Abs', ['x'], ['a']),
    ];
    const initializers = [floats('spare', [1], [1])];
    const model = readModel(bytesOf({ inputs: [x], outputs: [y], nodes, initializers }));
    expect(model.nodes.map(({ opType }) => opType)).toEqual(['Abs', 'Exp', 'Neg']);
    expect(model.initializers.size).toBe(0);
  });

  it('takes initializers for inputs as defaults, which a feed replaces', () => {
    const model = readModel(
      bytesOf(
        {
          inputs: [x, value('b', [2])],
          outputs: [y],
          initializers: [floats('b', [2], [10, 20])],
          nodes: [node('Add', ['x', 'b'], ['y'])],
        },
        8,
        3,
      ),
    );
    expect(model.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(model.inputNames).toEqual(['x', 'b']);
    const feeds = { x: tensor([[1, 2]]) };
    expect(run(model, feeds)).toEqual({ y: [[11, 22]] });
    expect(run(model, { ...feeds, b: tensor([1, 1]) })).toEqual({ y: [[2, 3]] });
  });

  it('takes the branch that a condition chooses, and names of the branch from around it', () => {
    const model = readModel(bytesOf(branchingNet(), 11));
    expect(
      run(model, {
        x: tensor([
          [-1, 2],
          [3, -4],
        ]),
      }),
    ).toEqual({
      y: [
        [0, 2],
        [3, 0],
      ],
    });
  });

  it('evaluates in parts', () => {
    const model = readModel(bytesOf(smallNet()));
    const feed = new Map([['x', tensor(Float32Array.from({ length: 72 }, Math.sin), [1, 2, 6, 6])]]);
    const whole = evaluate(model, feed);
    const held = evaluate(model, feed, { until: 4 });
    expect([...held.keys()]).toEqual(['p']);
    const rest = evaluate(model, held, { from: 4 });
    expect(rest.get('y')?.toArray()).toEqual(whole.get('y')?.toArray());
    expect([...rest.keys()]).toEqual(['y', 'best']);
  });

  it('puts the node in front of what goes wrong in it', () => {
    const model = readModel(
      bytesOf({ ...simple, inputs: [x, value('z', null)], nodes: [node('Add', ['x', 'z'], ['y'])] }),
    );
    expect(() => run(model, { x: tensor([1, 2]), z: tensor([1, 2, 3]) })).toThrow(
      "node 'Add_0' (Add, opset 13): add: shapes [2] and [3] do not broadcast: 2 against 3",
    );
    expect(() => run(model, { x: tensor([1]) })).toThrow("evaluate: input 'z' is missing");
  });
});

describe('element types', () => {
  const constantOf = (given: Partial<TensorProto>) => {
    const initializers = [{ ...emptyTensor(), name: 'w', ...given }];
    return readModel(bytesOf({ inputs: [], outputs: [value('w', null)], initializers })).constant('w');
  };
  const cases: [string, Partial<TensorProto>, string, unknown][] = [
    [
      'float16 bytes',
      { dataType: 10, dims: [3], raw: raw(Uint16Array.of(0x3c00, 0xfc00, 1)) },
      'float32',
      [1, -Infinity, 2 ** -24],
    ],
    [
      'float16 in int32_data',
      { dataType: 10, dims: [2], int32Data: Int32Array.of(0x3c00, 0xc000) },
      'float32',
      [1, -2],
    ],
    ['bfloat16', { dataType: 16, dims: [2], raw: raw(Uint16Array.of(0x3f80, 0xc040)) }, 'float32', [1, -3]],
    ['float64', { dataType: 11, dims: [2], doubleData: Float64Array.of(0.5, 1e300) }, 'float32', [0.5, Infinity]],
    ['int8', { dataType: 3, dims: [2], raw: raw(Int8Array.of(-128, 127)) }, 'int32', [-128, 127]],
    ['int8 in int32_data', { dataType: 3, dims: [2], int32Data: Int32Array.of(-128, 127) }, 'int32', [-128, 127]],
    ['uint16', { dataType: 4, dims: [2], raw: raw(Uint16Array.of(0, 65535)) }, 'int32', [0, 65535]],
    [
      'uint32, saturated',
      { dataType: 12, dims: [2], raw: raw(Uint32Array.of(7, 2 ** 32 - 1)) },
      'int32',
      [7, 2 ** 31 - 1],
    ],
    [
      'int64, saturated',
      { dataType: 7, dims: [3], int64Data: BigInt64Array.of(-5n, 2n ** 63n - 1n, -(2n ** 63n)) },
      'int32',
      [-5, 2 ** 31 - 1, -(2 ** 31)],
    ],
    ['uint64', { dataType: 13, dims: [1], uint64Data: BigUint64Array.of(2n ** 64n - 1n) }, 'int32', [2 ** 31 - 1]],
    ['bool', { dataType: 9, dims: [3], raw: raw(Uint8Array.of(0, 1, 255)) }, 'bool', [0, 1, 1]],
    ['uint8 in int32_data', { dataType: 2, dims: [2], int32Data: Int32Array.of(0, 255) }, 'uint8', [0, 255]],
    ['no elements', { dataType: 1, dims: [0, 3] }, 'float32', []],
    ['no axes', { dataType: 1, raw: raw(Float32Array.of(2.5)) }, 'float32', 2.5],
  ];

  it.each(cases)('%s', (_, given, dtype, elements) => {
    const constant = constantOf(given);
    expect(constant.dtype).toBe(dtype);
    expect(constant.toArray()).toEqual(elements);
  });

  it('numbers that lie at an odd byte', () => {
    const bytes = bytesOf({ outputs: [value('w', null)], initializers: [floats('w', [2], [1.5, -2])] });
    for (let shift = 0; shift < 8; shift++) {
      const moved = new Uint8Array(bytes.length + shift);
      moved.set(bytes, shift);
      expect(readModel(moved.subarray(shift)).constant('w').toArray()).toEqual([1.5, -2]);
    }
  });
});

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

describe('files', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'convforge-'));
    writeFileSync(join(folder, 'outside.bin'), new Uint8Array(8));
    mkdirSync(join(folder, 'model', 'weights'), { recursive: true });
    writeFileSync(join(folder, 'model', 'weights', 'w.bin'), Float32Array.of(9, 1, 2, 3));
    symlinkSync(join(folder, 'outside.bin'), join(folder, 'model', 'link.bin'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const saved = (text: GraphText) => {
    const path = join(folder, 'model', 'model.onnx');
    writeFileSync(path, bytesOf(text));
    return path;
  };
  const external = (entries: Record<string, string>): GraphText => ({
    outputs: [value('w', null)],
    initializers: [
      {
        ...emptyTensor(),
        name: 'w',
        dims: [2],
        dataType: FLOAT,
        isExternal: true,
        externalData: Object.entries(entries).map(([key, text]) => ({ key, value: text })),
      },
    ],
  });

  it('are read in pieces, also when weights are longer than one', () => {
    const size = 100_000;
    const big = floats(
      'w',
      [size],
      Array.from({ length: size }, (_, i) => i),
    );
    const path = saved({
      inputs: [value('x', [size])],
      outputs: [y],
      initializers: [big, floats('a', [1], [1])],
      nodes: [node('Mul', ['x', 'w'], ['m']), node('Add', ['m', 'a'], ['y'], {}, 'n'.repeat(70_000))],
    });
    const model = readModel(path);
    expect(model.nodes[1].name).toHaveLength(70_000);
    expect((model.constant('w').storage as LazyStorage).source).toMatchObject({ byteLength: 4 * size });
    const result = evaluate(model, new Map([['x', tensor(new Float32Array(size).fill(2))]])).get('y') as Tensor;
    expect(result.data[size - 1]).toBe(2 * (size - 1) + 1);
    model.close();
  });

  it('cannot be read any more when the model is closed', () => {
    const model = readModel(saved(smallNet()));
    const [read, unread] = [model.constant('w'), model.constant('fc')];
    expect(read.toArray()).toHaveLength(4);
    model.close();
    model.close();
    expect(read.toArray()).toHaveLength(4);
    expect(() => unread.toArray()).toThrow('the file was closed');
  });

  it('may have weights in other files of their folder', () => {
    const entries = { location: 'weights/w.bin', offset: '4', length: '8', checksum: 'not looked at' };
    const model = readModel(saved(external(entries)));
    expect(model.constant('w').toArray()).toEqual([1, 2]);
    model.close();
  });

  it.each([
    [{ location: 'weights/w.bin', offset: '12' }, '[2] of float32 takes 8 bytes, its external data has 4'],
    [
      { location: 'weights/w.bin', offset: '12', length: '8' },
      'its data ends at byte 20 of weights/w.bin, which has 16',
    ],
    [{ location: 'weights/w.bin', offset: '-4', length: '8' }, 'the offset of its external data is "-4"'],
    [{ location: 'weights/w.bin', length: '8e0' }, 'the length of its external data is "8e0"'],
    [{ location: '../outside.bin' }, "its data is outside the model's folder: ../outside.bin"],
    [{ location: 'weights/../../outside.bin' }, "its data is outside the model's folder: weights/../../outside.bin"],
    [{ location: '/etc/hostname' }, "its data is outside the model's folder: /etc/hostname"],
    [{ location: 'link.bin' }, "its data is outside the model's folder: link.bin"],
    [{ location: '.' }, "its data is outside the model's folder: ."],
  ])('%j is refused', (entries, message) => {
    const path = saved(external(entries as Record<string, string>));
    expect(() => readModel(path)).toThrow(
      expect.objectContaining({ code: 'ERR_MODEL_FORMAT', message: `readModel: initializer 'w': ${message}` }),
    );
  });

  it('say why they cannot be opened', () => {
    const missing = join(folder, 'nothing.onnx');
    const refused = (path: string, reason: string) =>
      expect(() => readModel(path)).toThrow(
        expect.objectContaining({ code: 'ERR_FILE_FORMAT', message: `readModel: ${path} cannot be read: ${reason}` }),
      );
    refused(missing, 'there is no such file or folder');
    refused(folder, 'it is a folder');
  });
});
