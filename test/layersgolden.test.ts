import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BackendName, backendInfo, type FloatDType, nn, setBackend, type Tensor, tensor } from '../lib/index.js';
import { noNative } from './conformance/backends.js';
import { readGolden, restore, restoreAll, type Stored, type StoredTensors, type Tensors } from './golden/cases.js';
import { mismatches, strayBound } from './golden/compare.js';

/** What make_golden_nn.py says of one call: output, d… for gradients, buffers by their names in the state dict. */
interface Answers {
  why: string;
  x: Stored;
  dy: Stored;
  expected: StoredTensors;
  float32Strays: Record<string, number>;
}

interface LayerCase extends Answers {
  layer: string;
  args: unknown[];
  training: boolean;
  state: StoredTensors;
}

interface LossCase extends Answers {
  loss: string;
  options: Record<string, unknown>;
  tensors: StoredTensors;
  target: Stored;
  targetType: 'float32' | 'int32';
}

const LAYERS = readGolden<LayerCase>('layer');
const LOSSES = readGolden<LossCase>('lossmodule');

type Constructor = new (...args: unknown[]) => nn.Module;
const constructorOf = (name: string) => nn[name as keyof typeof nn] as unknown as Constructor;

function build({ layer, args }: LayerCase): nn.Module {
  if (layer !== 'Residual') return new (constructorOf(layer))(...args);
  return new nn.Residual(new nn.Conv2d(4, 3, 3, { stride: 2, padding: 1 }), {
    shortcut: new nn.Conv2d(4, 3, 1, { stride: 2, bias: false }),
    activation: new nn.ReLU(),
  });
}

function problemsOf(module: nn.Module, c: Answers, x: Tensor, y: Tensor, dtype: FloatDType): string[] {
  y.backward(restore(c.dy, dtype));
  const gradients = [['x', x], ...module.namedParameters()] as [string, Tensor][];
  const actual: Record<string, Tensor | null> = { output: y, ...module.stateDict() };
  for (const [name, { grad }] of gradients) actual[`d${name}`] = grad;
  const given = gradients.map(([name]) => `d${name}`);
  expect(
    Object.keys(c.expected)
      .filter((name) => name.startsWith('d'))
      .sort(),
  ).toEqual(given.sort());
  return mismatches(actual, c.expected, (name) => strayBound(c.expected[name], c.float32Strays[name], dtype));
}

const before = backendInfo().backend;

const RUNS: { name: string; backend: BackendName; dtype: FloatDType; skipped?: string }[] = [
  { name: 'float64', backend: 'typescript', dtype: 'float64' },
  { name: 'float32 on TypeScript', backend: 'typescript', dtype: 'float32' },
  { name: 'float32 on native', backend: 'native', dtype: 'float32', skipped: noNative },
];

for (const { name, backend, dtype, skipped } of RUNS) {
  describe.skipIf(skipped)(`${name}${skipped ? ` (skipped: ${skipped})` : ''} agrees with PyTorch in`, () => {
    beforeAll(() => setBackend(backend));
    afterAll(() => setBackend(before));

    it.each(LAYERS.map((c, i) => [`${c.layer}${c.why && `, ${c.why}`} (${i})`, c] as const))('%s', (_, c) => {
      const layer = build(c);
      const { num_batches_tracked: tracked, ...state } = restoreAll(c.state, 'float32');
      layer.loadStateDict(tracked ? { ...state, num_batches_tracked: tracked.to('int64') } : state);
      layer.to(dtype).train(c.training);
      const x = restore(c.x, dtype, true);
      expect(problemsOf(layer, c, x, layer.forward(x), dtype)).toEqual([]);
    });

    it.each(LOSSES.map((c, i) => [`${c.loss}, ${c.why} (${i})`, c] as const))('%s', (_, c) => {
      const tensors: Tensors = restoreAll(c.tensors, 'float32');
      const loss = new (constructorOf(c.loss))({ ...c.options, ...tensors }).to(dtype);
      const x = restore(c.x, dtype, true);
      const target =
        c.targetType === 'int32' ? tensor(Int32Array.from(c.target.data), c.target.shape) : restore(c.target, dtype);
      expect(problemsOf(loss, c, x, loss.forward(x, target), dtype)).toEqual([]);
    });
  });
}

describe('the golden cases', () => {
  it('hold every layer and every loss', () => {
    const isModule = (each: unknown) => typeof each === 'function' && each.prototype instanceof nn.Module;
    const tried = new Set([...LAYERS.map(({ layer }) => layer), ...LOSSES.map(({ loss }) => loss)]);
    const names = Object.entries(nn).flatMap(([name, each]) => (isModule(each) && !tried.has(name) ? [name] : []));
    // Dropout is random in training and nothing in inference; Sequential computes nothing itself.
    expect(names.sort()).toEqual(['Dropout', 'Dropout2d', 'Sequential']);
  });
});
