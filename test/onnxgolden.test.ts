import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BackendName, backendInfo, setBackend, Tensor } from '../lib/index.js';
import { evaluate, readModel } from '../lib/onnx/index.js';
import { differences, modelPath, type OnnxCase, onnxCases, REFUSED, type StoredTensor } from './golden/onnxcases.js';

/**
 * Of the largest output: sums of up to a few hundred products in float32, in another order than the reference's. Where
 * nothing is rounded the cases themselves demand equality.
 */
const TOLERANCE = 2e-6;

/** Types as they are inside: int64 in 32 bits, all floating point in float32. */
const INSIDE = {
  float32: 'float32',
  float64: 'float32',
  float16: 'float32',
  int64: 'int32',
  int32: 'int32',
  uint8: 'uint8',
  bool: 'bool',
} as const;

const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array, bool: Uint8Array };

const inside = ({ type, dims, data }: StoredTensor) =>
  new Tensor(INSIDE[type], new ARRAYS[INSIDE[type]](data.map(Number)), dims);

/** Outputs of a model, its nodes computed one by one, in the types that the file declares. */
function evaluated(path: string, { inputs, outputs }: OnnxCase): Record<string, StoredTensor> {
  const model = readModel(path);
  try {
    const feeds = new Map(Object.entries(inputs).map(([name, stored]) => [name, inside(stored)]));
    const results = [...evaluate(model, feeds)].map(([name, { dtype, shape, data }]) => {
      const declared = outputs[name]?.type;
      const type = declared && INSIDE[declared] === dtype ? declared : (dtype as StoredTensor['type']);
      return [name, { type, dims: [...shape], data: Array.from(data, Number) }];
    });
    return Object.fromEntries(results);
  } finally {
    model.close();
  }
}

const before = backendInfo().backend;
const missingNative = ((): string | undefined => {
  try {
    setBackend('native');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    setBackend(before);
  }
})();

const RUNS: { backend: BackendName; skipped?: string }[] = [
  { backend: 'typescript' },
  { backend: 'native', skipped: missingNative },
];

describe('golden ONNX models', () => {
  it('are many, of many operators and opsets', () => {
    const cases = [...onnxCases.values()].flat();
    expect(cases.length).toBeGreaterThan(600);
    expect(new Set(cases.flatMap(({ operators }) => operators)).size).toBeGreaterThan(90);
    expect(new Set(cases.map(({ opset }) => opset)).size).toBeGreaterThan(15);
  });
});

for (const { backend, skipped } of RUNS) {
  const title = `node by node on ${backend}${skipped ? ` (skipped: ${skipped})` : ''}`;
  describe.skipIf(skipped)(title, () => {
    beforeAll(() => setBackend(backend));
    afterAll(() => setBackend(before));

    describe.each([...onnxCases])('%s', (group, cases) => {
      it.each(cases)('$name, opset $opset, as $reference', (each) => {
        const refusal = REFUSED.get(`${group}/${each.name}`);
        if (refusal) return expect(() => evaluated(modelPath(group, each), each)).toThrow(refusal);
        expect(differences(each, evaluated(modelPath(group, each), each), TOLERANCE).join('; ')).toBe('');
      });
    });
  });
}
