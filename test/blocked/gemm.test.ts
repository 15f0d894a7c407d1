import { describe, expect, it } from 'vitest';
import { type BlockedKernels, packedColumns } from '../../lib/backend/blocked.js';
import { encode, GEMM_FIELDS } from '../../lib/geometry.js';
import { addon, backends, noNative, withReason } from '../conformance/backends.js';
import { ulpOf } from '../conformance/conform.js';
import { integers, normals } from '../conformance/data.js';

interface Layer {
  m: number;
  n: number;
  k: number;
  transA?: boolean;
  transB?: boolean;
  bias?: boolean;
}

/** ActivationKind of native/kernels/operations.h, with alpha 0.25 and beta 4; those marked use exp or erf. */
const ALPHA = 0.25;
const BETA = 4;
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const hardSigmoid = (x: number, alpha: number, beta: number) => Math.min(1, Math.max(0, alpha * x + beta));
const ACTIVATIONS: readonly { name: string; code: number; value: (x: number) => number; ulps?: number }[] = [
  { name: 'identity', code: 0, value: (x) => x },
  { name: 'relu', code: 1, value: (x) => Math.max(0, x) },
  { name: 'clip', code: 2, value: (x) => Math.min(BETA, Math.max(ALPHA, x)) },
  { name: 'leakyRelu', code: 3, value: (x) => (x > 0 ? x : x * ALPHA) },
  { name: 'hardSigmoid', code: 5, value: (x) => hardSigmoid(x, ALPHA, BETA) },
  { name: 'hardSwish', code: 6, value: (x) => x * hardSigmoid(x, 1 / 6, 0.5), ulps: 4 },
  { name: 'sigmoid', code: 7, value: sigmoid, ulps: 8 },
  { name: 'tanh', code: 8, value: Math.tanh, ulps: 8 },
  { name: 'silu', code: 9, value: (x) => x * sigmoid(x), ulps: 8 },
];

function layer({ m, n, k, transA = false, transB = false, bias = true }: Layer, fill: typeof integers) {
  const flags = { transA: Number(transA), transB: Number(transB), strideA: 0, strideB: 0 };
  return {
    a: fill(m * k, 1),
    b: fill(k * n, 2),
    bias: bias ? fill(n, 3) : null,
    packed: new Float32Array(packedColumns(n) * k).fill(Number.NaN),
    c: new Float32Array(m * n).fill(Number.NaN),
    g: encode(GEMM_FIELDS, { batch: 1, m, n, k, ...flags }),
  };
}

/** Sums in double, and the sums of the absolute terms. */
function sums({ m, n, k, transA, transB }: Layer, { a, b, bias }: ReturnType<typeof layer>) {
  const values = new Float64Array(m * n);
  const magnitudes = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const terms = Array.from(
        { length: k },
        (_, l) => a[transA ? l * m + i : i * k + l] * b[transB ? j * k + l : l * n + j],
      );
      if (bias) terms.push(bias[j]);
      values[i * n + j] = terms.reduce((sum, term) => sum + term, 0);
      magnitudes[i * n + j] = terms.reduce((sum, term) => sum + Math.abs(term), 0);
    }
  }
  return { values, magnitudes };
}

// biome-ignore format: one case a line
const LAYERS: readonly (Layer & { why: string })[] = [
  { why: 'the smallest there is', m: 1, n: 1, k: 1 },
  { why: 'one image through a small classifier', m: 1, n: 10, k: 128, transB: true },
  { why: 'no bias', m: 5, n: 33, k: 20, bias: false },
  { why: 'every remainder of a tile', m: 30, n: 95, k: 17 },
  { why: 'more columns than the last panel holds on any instruction set', m: 15, n: 65, k: 7, transB: true },
  { why: 'rows that share cache sets are packed', m: 16, n: 70, k: 1024 },
  { why: 'a transposed', m: 29, n: 40, k: 600, transA: true },
  { why: 'several blocks of k', m: 9, n: 50, k: 2100, transA: true, transB: true },
  { why: 'nothing to sum: the bias is left', m: 4, n: 20, k: 0 },
  { why: 'large enough for threads to share', m: 100, n: 130, k: 200 },
  { why: 'no rows', m: 0, n: 5, k: 3 },
];

describe.skipIf(noNative)(withReason('matrix product with packed weights'), () => {
  const kernels = addon?.kernels as unknown as BlockedKernels;
  const natives = backends.filter(({ name }) => name.startsWith('native'));
  const run = (data: ReturnType<typeof layer>, code = 0) => {
    kernels.gemmPackB(data.b, data.packed, data.g);
    kernels.gemmPacked(data.a, data.packed, data.bias, data.c, data.g, code, ALPHA, BETA);
    return data.c;
  };

  for (const { why, ...entry } of LAYERS) {
    it(why, () => {
      const exact = sums(entry, layer(entry, integers)).values;
      const { values, magnitudes } = sums(entry, layer(entry, normals));
      for (const backend of natives) {
        backend.activate();
        expect(Array.from(run(layer(entry, integers))), backend.name).toEqual(Array.from(exact));
        run(layer(entry, normals)).forEach((actual, i) => {
          const bound = 2 ** -24 * magnitudes[i] * (4 + Math.sqrt(entry.k + 1));
          expect(Math.abs(actual - values[i]), `${backend.name} [${i}]`).toBeLessThanOrEqual(bound);
        });
      }
    });
  }

  for (const { name, code, value, ulps = 0 } of ACTIVATIONS) {
    it(`followed by ${name}`, () => {
      for (const entry of [LAYERS[3], LAYERS[7]]) {
        const expected = sums(entry, layer(entry, integers)).values.map(value);
        for (const backend of natives) {
          backend.activate();
          run(layer(entry, integers), code).forEach((actual, i) => {
            const allowed = ulps * ulpOf(expected[i]) + 2 ** -126;
            expect(Math.abs(actual - expected[i]), `${backend.name} [${i}] is ${actual}`).toBeLessThanOrEqual(allowed);
          });
        }
      }
    });
  }

  it('passes NaN on through every activation, to its row only', () => {
    const entry = { m: 3, n: 40, k: 20 };
    for (const backend of natives) {
      backend.activate();
      for (const { code } of ACTIVATIONS) {
        const data = layer(entry, integers);
        data.a[25] = Number.NaN;
        const nan = Array.from(run(data, code), Number.isNaN);
        expect(nan, backend.name).toEqual(Array.from({ length: 120 }, (_, i) => i >= 40 && i < 80));
      }
    }
  });

  it('refuses what does not fit', () => {
    const { a, b, bias, packed, c, g } = layer({ m: 3, n: 40, k: 20 }, integers);
    const pack = (...values: Parameters<BlockedKernels['gemmPackB']>) => kernels.gemmPackB(...values);
    const multiply = (
      x: Float32Array,
      w: Float32Array,
      d: Float32Array | null,
      y: Float32Array,
      geometry = g,
      code = 0,
    ) => kernels.gemmPacked(x, w, d, y, geometry, code, 0, 0);
    const short = (array: Float32Array) => array.subarray(1);
    const changed = (fields: object) =>
      encode(GEMM_FIELDS, { batch: 1, m: 3, n: 40, k: 20, transA: 0, transB: 0, strideA: 0, strideB: 0, ...fields });
    expect(() => pack(short(b), packed, g)).toThrow('gemmPackB: b is shorter than its shape');
    expect(() => pack(b, short(packed), g)).toThrow('gemmPackB: packed is too short');
    expect(() => pack(b, packed, changed({ n: -1 }))).toThrow('gemmPackB: the sizes are not valid');
    expect(() => multiply(short(a), packed, bias, c)).toThrow('gemmPacked: a is shorter than its shape');
    expect(() => multiply(a, short(packed), bias, c)).toThrow('gemmPacked: packed is too short');
    expect(() => multiply(a, packed, short(bias as Float32Array), c)).toThrow('gemmPacked: bias is shorter');
    expect(() => multiply(a, packed, bias, short(c))).toThrow('gemmPacked: c is shorter than its shape');
    expect(() => multiply(a, packed, bias, c, changed({ batch: 2 }))).toThrow('gemmPacked: the sizes are not valid');
    for (const code of [-1, 4, 11])
      expect(() => multiply(a, packed, bias, c, g, code)).toThrow('the activation is not');
  });
});
