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
  branchingNet,
  bytesOf,
  FLOAT,
  floats,
  type GraphText,
  modelProto,
  node,
  raw,
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
