import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BackendName, backendInfo, type FloatDType, nn, setBackend, type Tensor, tensor } from '../lib/index.js';
import { noNative } from './conformance/backends.js';
import { restore } from './golden/cases.js';
import { mismatches, strayBound } from './golden/compare.js';
import { type Answers, buildLayer, buildLoss, LAYERS, LOSSES } from './golden/modules.js';

function problemsOf(module: nn.Module, c: Answers, x: Tensor, y: Tensor, dtype: FloatDType): string[] {
  y.backward(restore(c.dy, dtype));
  const gradients = [['x', x], ...module.namedParameters()] as [string, Tensor][];
  const actual: Record<string, Tensor | null> = { output: y, ...module.stateDict() };
  for (const [name, { grad }] of gradients) actual[`d${name}`] = grad;
  const expected = Object.keys(c.expected).filter((name) => name.startsWith('d'));
  expect(expected.sort()).toEqual(gradients.map(([name]) => `d${name}`).sort());
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
      const layer = buildLayer(c).to(dtype).train(c.training);
      const x = restore(c.x, dtype, true);
      expect(problemsOf(layer, c, x, layer.forward(x), dtype)).toEqual([]);
    });

    it.each(LOSSES.map((c, i) => [`${c.loss}, ${c.why} (${i})`, c] as const))('%s', (_, c) => {
      const loss = buildLoss(c).to(dtype);
      const x = restore(c.x, dtype, true);
      const { data, shape } = c.target;
      const target = c.targetType === 'int32' ? tensor(Int32Array.from(data), shape) : restore(c.target, dtype);
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
