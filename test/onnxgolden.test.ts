import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  availableIsas,
  type BackendName,
  backendInfo,
  InferenceSession,
  type Precision,
  setBackend,
  setIsa,
  Tensor,
} from '../lib/index.js';
import { evaluate, readModel } from '../lib/onnx/index.js';
import { OPERATORS } from '../lib/onnx/operators/index.js';
import { noNative } from './conformance/backends.js';
import {
  declaredType,
  differences,
  inside,
  modelPath,
  type OnnxCase,
  onnxCases,
  REFUSED,
  SESSIONS_REFUSE,
  type StoredTensor,
  stored,
} from './golden/onnxcases.js';

/**
 * Of the largest output: sums of up to a few hundred products in float32, in another order than the reference's. Where
 * nothing is rounded the cases themselves demand equality.
 */
const TOLERANCE = 2e-6;
/** With Winograd's algorithm, which rounds three times as much. */
const FAST_TOLERANCE = 6e-6;

/** Outputs of a model, its nodes computed one by one, in the types that the file declares. */
function evaluated(path: string, { inputs, outputs }: OnnxCase): Record<string, StoredTensor> {
  const model = readModel(path);
  try {
    const feeds = new Map(Object.entries(inputs).map(([name, tensor]) => [name, inside(tensor)]));
    const results = [...evaluate(model, feeds)].map(([name, tensor]) => [
      name,
      stored(tensor, declaredType(outputs[name], tensor.dtype)),
    ]);
    return Object.fromEntries(results);
  } finally {
    model.close();
  }
}

/** A tensor as a user feeds it: int64 as such, half precision as float32, which Node 20 has an array for. */
function fed(tensor: StoredTensor): Tensor {
  const { type, dims, data } = tensor;
  if (type === 'int64') return new Tensor('int64', BigInt64Array.from(data, BigInt), dims);
  if (type === 'float64') return new Tensor('float64', Float64Array.from(data, Number), dims);
  return inside(tensor);
}

/** Outputs of a session for the model, whose second run has to be the first's equal, in memory that was used before. */
async function ran(
  path: string,
  { inputs, outputs }: OnnxCase,
  precision: Precision,
): Promise<Record<string, StoredTensor>> {
  const session = await InferenceSession.create(path, { precision });
  try {
    const feeds = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, fed(tensor)]));
    const [first, second] = [await session.run(feeds), await session.run(feeds)];
    const results = Object.entries(first).map(([name, tensor]) => {
      expect(stored(second[name])).toEqual(stored(tensor));
      const declared = outputs[name]?.type;
      // half and double precision come out in float32
      const isWidened = declared === 'float16' || declared === 'float64';
      return [name, stored(tensor, isWidened && tensor.dtype === 'float32' ? declared : tensor.dtype)];
    });
    return Object.fromEntries(results);
  } finally {
    await session.release();
  }
}

const before = backendInfo().backend;

describe('golden ONNX models', () => {
  it('are many, of many operators and opsets', () => {
    const cases = [...onnxCases.values()].flat();
    expect(cases.length).toBeGreaterThan(600);
    expect(new Set(cases.flatMap(({ operators }) => operators)).size).toBeGreaterThan(90);
    expect(new Set(cases.map(({ opset }) => opset)).size).toBeGreaterThan(15);
  });

  it('are of every operator that is supported', () => {
    const covered = new Set([...onnxCases.values()].flatMap((cases) => cases.flatMap(({ operators }) => operators)));
    expect([...OPERATORS.keys()].filter((operator) => !covered.has(operator))).toEqual([]);
  });
});

interface Run {
  name: string;
  backend: BackendName;
  isa?: ReturnType<typeof availableIsas>[number];
  tolerance: number;
  outputs: (path: string, each: OnnxCase) => Promise<Record<string, StoredTensor>>;
}

const session =
  (precision: Precision): Run['outputs'] =>
  (path, each) =>
    ran(path, each, precision);

const RUNS: Run[] = [
  {
    name: 'node by node',
    backend: 'typescript',
    tolerance: TOLERANCE,
    outputs: async (...given) => evaluated(...given),
  },
  {
    name: 'node by node',
    backend: 'native',
    tolerance: FAST_TOLERANCE,
    outputs: async (...given) => evaluated(...given),
  },
  { name: 'as sessions', backend: 'typescript', tolerance: TOLERANCE, outputs: session('fast') },
  { name: 'as exact sessions', backend: 'native', tolerance: TOLERANCE, outputs: session('exact') },
  ...(noNative ? [] : availableIsas()).map((isa) => ({
    ...{ name: 'as sessions', backend: 'native' as const, isa, tolerance: FAST_TOLERANCE, outputs: session('fast') },
  })),
];

for (const { name, backend, isa, tolerance, outputs } of RUNS) {
  const isSession = name.includes('session');
  const skipped = backend === 'native' ? noNative : undefined;
  const title = `${name} on ${backend}${isa ? ` ${isa}` : ''}${skipped ? ` (skipped: ${skipped})` : ''}`;
  describe.skipIf(skipped)(title, () => {
    const usual = backendInfo().isa;
    beforeAll(() => {
      setBackend(backend);
      if (isa) setIsa(isa);
    });
    afterAll(() => {
      if (isa && usual) setIsa(usual);
      setBackend(before);
    });

    describe.each([...onnxCases])('%s', (group, cases) => {
      it.each(cases)('$name, opset $opset, as $reference', async (each) => {
        const run = outputs(modelPath(group, each), each);
        const path = `${group}/${each.name}`;
        const refusal = REFUSED.get(path) ?? (isSession ? SESSIONS_REFUSE.get(path) : undefined);
        if (refusal) await expect(run).rejects.toThrow(refusal);
        else expect(differences(each, await run, tolerance).join('; ')).toBe('');
      });
    });
  });
}
