import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  adaptiveMaxPool2dWithIndices,
  argmax,
  compile,
  indexSelect,
  nn,
  rand,
  randn,
  scatter,
  type Tensor,
  tensor,
  version,
  zeros,
} from '../../lib/index.js';
import { evaluate, exportOnnx, readModel } from '../../lib/onnx/index.js';
import * as ops from '../../lib/ops/index.js';
import { root } from '../compiled.js';
import { type ExportCase, exportCases } from './exportcases.js';

interface OnnxRuntime {
  InferenceSession: { create(model: Uint8Array): Promise<{ run(feeds: object): Promise<Record<string, Result>> }> };
  Tensor: new (type: string, data: unknown, dims: readonly number[]) => unknown;
}

interface Result {
  data: ArrayLike<number | bigint>;
  dims: number[];
  type: string;
}

/** onnxruntime, which the bench installs; undefined where it is not. */
function onnxRuntime(): OnnxRuntime | undefined {
  try {
    return createRequire(join(root, 'bench/contenders/'))('onnxruntime-node') as OnnxRuntime;
  } catch {
    return undefined;
  }
}

const runtime = onnxRuntime();
/** Sums in another order, and functions composed of others: a few units of rounding of the largest element. */
const TOLERANCE = 4e-6;

function expectClose(actual: ArrayLike<number | bigint>, expected: Tensor): void {
  const [have, want] = [Array.from(actual, Number), Array.from(expected.data as ArrayLike<number>, Number)];
  expect(have.length).toBe(want.length);
  const largest = want.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const worst = have.reduce((most, value, i) => Math.max(most, Math.abs(value - want[i])), 0);
  expect(worst).toBeLessThanOrEqual(TOLERANCE * largest);
}

describe.each(exportCases())('exportOnnx: $name', ({ model, shapes, opset, positive }) => {
  const inputs = (batch: number) =>
    shapes.map(([, ...rest]) => (positive ? rand([batch, ...rest]).add(0.1) : randn([batch, ...rest])));
  const names = shapes.length === 1 ? ['input'] : ['input0', 'input1'];
  const bytes = () => exportOnnx(model, inputs(2), { opset });

  it.each([2, 5])('is read back and gives the same answers for a batch of %i', (batch) => {
    const feeds = inputs(batch);
    const expected = model.eval().forward(...feeds);
    const read = readModel(bytes());
    const result = evaluate(read, new Map(names.map((name, i) => [name, feeds[i]]))).get('output') as Tensor;
    expect(result.shape).toEqual(expected.shape);
    expect(result.dtype).toBe(expected.dtype);
    expectClose(result.data, expected);
  });

  it.skipIf(!runtime)('gives the same answers in onnxruntime (which bench/contenders installs)', async () => {
    const { InferenceSession, Tensor: Fed } = runtime as OnnxRuntime;
    const session = await InferenceSession.create(bytes());
    for (const batch of [2, 3]) {
      const feeds = inputs(batch);
      const fed = feeds.map((x) => new Fed('float32', x.data, x.shape));
      const { output } = await session.run(Object.fromEntries(names.map((name, i) => [name, fed[i]])));
      const expected = model.eval().forward(...feeds);
      expect(output.dims).toEqual(expected.shape);
      expect(output.type).toBe(expected.dtype);
      expectClose(output.data, expected);
    }
  });
});

describe('exportOnnx', () => {
  const opTypes = (name: string) => {
    const { model, shapes, opset } = exportCases().find((each) => each.name === name) as ExportCase;
    const read = readModel(
      exportOnnx(
        model,
        shapes.map((shape) => randn(shape)),
        { opset },
      ),
    );
    return read.nodes.map(({ opType }) => opType);
  };

  it('is tried with every layer and every function of the package', () => {
    const used = new Set<unknown>(
      exportCases().flatMap(({ model }) => model.modules().map(([, each]) => each.constructor)),
    );
    const isLayer = (each: unknown) =>
      typeof each === 'function' && each.prototype instanceof nn.Module && !each.name.endsWith('Loss');
    expect(Object.values(nn).filter((each) => isLayer(each) && !used.has(each))).toEqual([]);
    const cases = readFileSync(join(root, 'test/onnx/exportcases.ts'), 'utf8');
    // what layers above call
    const inLayers = [
      'adaptiveAvgPool2d',
      'adaptiveMaxPool2d',
      'avgPool1d',
      'avgPool2d',
      'batchNorm',
      'conv1d',
      'conv2d',
      'dropout',
      'dropout2d',
      'flatten',
      'hardTanh',
      'linear',
      'maxPool1d',
      'maxPool2d',
      'relu6',
      'unflatten',
    ];
    const notExported = [
      'bce', // losses with bounds of their own or labels, no part of inference
      'crossEntropy',
      'nll',
      'nonMaxSuppression', // how many boxes there are is only known when the model runs
      'nonZero', // so is how many elements
      'zerosLike', // a constant
    ];
    const tried = (name: string) => new RegExp(`\\b${name}\\b`).test(cases) || inLayers.includes(name);
    expect(Object.keys(ops).filter((name) => !tried(name))).toEqual(notExported);
  });

  it('writes layers as the operators they are', () => {
    expect(opTypes('a network')).toEqual([
      ...['Conv', 'BatchNormalization', 'Relu', 'MaxPool', 'Conv', 'Relu', 'Reshape', 'Gemm'],
    ]);
    expect(opTypes('a residual')).toEqual(['Conv', 'Add', 'Relu']);
    expect(opTypes('interpolate, nearest').filter((type) => type === 'Resize')).toHaveLength(2);
    expect(opTypes('interpolate, bilinear')).toContain('Resize');
    expect(opTypes('interpolate, bicubic')).toContain('Resize');
    expect(opTypes('interpolate, smoothed, opset 18')).toContain('Resize');
    expect(opTypes('interpolate, smoothed')).not.toContain('Resize');
  });

  it('keeps the names of the state dict, and weights that are shared once', () => {
    const shared = new nn.Linear(4, 4);
    const net = new nn.Sequential(shared, new nn.ReLU(), shared);
    const read = readModel(exportOnnx(net, zeros([1, 4])));
    expect([...read.initializers.keys()]).toEqual(['0.weight', '0.bias']);
    expect(read.constant('0.weight').toArray()).toEqual(shared.weight.toArray());
  });

  it('exports inference, and leaves the module as it was', () => {
    const net = new nn.Sequential(new nn.Dropout(0.5), new nn.BatchNorm2d(2));
    const read = readModel(exportOnnx(net, zeros([2, 2, 3, 3])));
    expect(read.nodes.map(({ opType }) => opType)).toEqual(['BatchNormalization']);
    expect(net.modules().every(([, module]) => module.training)).toBe(true);
  });

  it('takes names, strings to store, and what was compiled', () => {
    const net = new nn.Linear(3, 2);
    const options = { inputNames: ['x'], outputNames: ['scores'], metadata: { classes: 'cat,dog' } };
    const read = readModel(exportOnnx(compile(net, zeros([1, 3]), options), zeros([1, 3]), options));
    expect(read.inputs).toEqual([{ name: 'x', type: 'float32', shape: ['batch', 3] }]);
    expect(read.outputs).toEqual([{ name: 'scores', type: 'float32', shape: ['batch', 2] }]);
    expect(read.metadata).toEqual({ classes: 'cat,dog' });
    expect(read.producer).toBe(`convforge ${version}`);
  });

  it('fixes the batch when asked to', () => {
    const read = readModel(exportOnnx(new nn.Linear(3, 2), zeros([4, 3]), { dynamicBatch: false }));
    expect(read.inputs[0].shape).toEqual([4, 3]);
    expect(read.outputs[0].shape).toEqual([4, 2]);
  });

  it('takes integers as inputs', () => {
    const net = new Embedding();
    const read = readModel(exportOnnx(net, tensor(Int32Array.of(1, 0))));
    expect(read.inputs[0].type).toBe('int32');
    const feeds = new Map([['input', tensor(Int32Array.of(2, 2, 1))]]);
    expect(evaluate(read, feeds).get('output')?.toArray()).toEqual([
      [4, 5],
      [4, 5],
      [2, 3],
    ]);
  });

  it.each([
    [
      'an opset',
      new nn.ReLU(),
      { opset: 16 },
      'ERR_ARGUMENT',
      'exportOnnx: opset must be an integer from 17 to 21, got 16',
    ],
    [
      'a batch that does not work',
      new (class extends nn.Module {
        forward(x: Tensor) {
          return x.reshape([1, 6]);
        }
      })(),
      {},
      'ERR_ARGUMENT',
      'exportOnnx: the model does not run with a batch of 2; export with { dynamicBatch: false }: reshape: ',
    ],
    [
      'control flow that depends on the batch',
      new (class extends nn.Module {
        forward(x: Tensor) {
          return x.shape[0] % 2 ? x.neg() : x.abs();
        }
      })(),
      {},
      'ERR_ARGUMENT',
      'exportOnnx: the model does different things with different batches; export with { dynamicBatch: false }',
    ],
    [
      'scattered maxima before opset 18',
      new (class extends nn.Module {
        forward(x: Tensor) {
          return scatter(x, 1, argmax(x, 1, { keepDims: true }), x.slice([null, [0, 1]]), { reduction: 'max' });
        }
      })(),
      {},
      'ERR_UNSUPPORTED_OP',
      "exportOnnx: scatter with reduction 'max' needs opset 18",
    ],
    [
      'positions of uneven maxima',
      new (class extends nn.Module {
        forward(x: Tensor) {
          return adaptiveMaxPool2dWithIndices(x.reshape([-1, 1, 2, 3]), [1, 2])[1];
        }
      })(),
      {},
      'ERR_UNSUPPORTED_OP',
      'exportOnnx: ONNX has no adaptive max pooling that tells positions',
    ],
  ])('refuses %s', (_, model, options, code, message) => {
    expect(() => exportOnnx(model, zeros([1, 6]), options)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });
});

class Embedding extends nn.Module {
  readonly weight = nn.parameter(
    tensor([
      [0, 1],
      [2, 3],
      [4, 5],
    ]),
  );

  forward(indices: Tensor): Tensor {
    return indexSelect(this.weight, 0, indices);
  }
}
