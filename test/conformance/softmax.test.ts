import { describe, expect, it } from 'vitest';
import type { Kernels } from '../../lib/backend/typescript.js';
import { AXIS_FIELDS, encode } from '../../lib/geometry.js';
import type { AxisCase } from '../cases/reduce.js';
import { SOFTMAX_CASES } from '../cases/softmax.js';
import { reportNative } from './backends.js';
import { type Argument, type Call, input, oracle, output } from './call.js';
import { type Bound, conform, SMALLEST_NORMAL, U } from './conform.js';
import { integers, normals } from './data.js';

const flat = ({ outer, size, inner }: AxisCase) => encode(AXIS_FIELDS, { outer, size, inner });
const sizeOf = ({ outer, size, inner }: AxisCase) => outer * size * inner;

/** Two inputs [outer, size, inner] to one output like them. */
function call(kernel: keyof Kernels, entry: AxisCase, ...inputs: Float32Array[]): Call {
  return {
    kernel,
    arguments: [...inputs.map((values): Argument => input(values)), output(sizeOf(entry)), flat(entry)],
  };
}

/** For each element the sum of `term` over the line along the middle axis that it lies in. */
function lineSums({ outer, size, inner }: AxisCase, term: (index: number) => number): Float64Array {
  const sums = new Float64Array(outer * size * inner);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const line = Array.from({ length: size }, (_, s) => (o * size + s) * inner + i);
      const total = line.reduce((sum, index) => sum + term(index), 0);
      for (const index of line) sums[index] = total;
    }
  }
  return sums;
}

/**
 * The rounding of x − max by U·|x − max| becomes a relative error of that size in e^(x − max), and so does that of every
 * term of the sum below it; `range` is the largest |x − max|.
 */
const relativeError = (size: number, range: number) => U * (8 + Math.sqrt(size) + 2 * range);

function checkForward(entry: AxisCase, x: Float32Array, range: number): void {
  const relative = relativeError(entry.size, range);
  conform(call('softmaxForward', entry, x), [(y) => relative * Math.abs(y) + SMALLEST_NORMAL], entry.why);
  // The logarithm turns a relative error into an absolute one, to which the rounding of the result is added.
  conform(call('logSoftmaxForward', entry, x), [(y) => relative + 2 * U * Math.abs(y)], entry.why);
}

function checkBackward(entry: AxisCase): void {
  const dy = normals(sizeOf(entry), 2);
  const y = Float32Array.from(oracle(call('softmaxForward', entry, normals(sizeOf(entry), 1)))[0] as Float64Array);
  const logY = y.map(Math.log);
  const k = 8 + Math.sqrt(entry.size);
  const products = lineSums(entry, (i) => Math.abs(dy[i] * y[i]));
  const ofSoftmax: Bound = (_, i) => U * k * y[i] * (Math.abs(dy[i]) + products[i]) + SMALLEST_NORMAL;
  conform(call('softmaxBackward', entry, dy, y), [ofSoftmax], entry.why);
  const sums = lineSums(entry, (i) => Math.abs(dy[i]));
  const ofLog: Bound = (_, i) => U * (Math.abs(dy[i]) + (k + 2 * Math.abs(logY[i])) * y[i] * sums[i]) + SMALLEST_NORMAL;
  conform(call('logSoftmaxBackward', entry, dy, logY), [ofLog], entry.why);
}

function labelsFor({ outer, size, inner }: AxisCase): Int32Array {
  const wild = [-1, size, -100, 2 ** 31 - 1];
  const count = outer * inner;
  return Int32Array.from({ length: count }, (_, i) => (i % 5 === 3 ? wild[(i >> 2) % wild.length] : (i * 7) % size));
}

function checkCrossEntropy(entry: AxisCase): void {
  const logits = normals(sizeOf(entry), 3);
  const labels = labelsFor(entry);
  const results = entry.outer * entry.inner;
  const relative = relativeError(entry.size, 10);
  const bound: Bound = (expected) => relative + 2 * U * Math.abs(expected);
  const forward: Call = {
    kernel: 'crossEntropyForward',
    arguments: [input(logits), input(labels), output(results), output(sizeOf(entry)), flat(entry)],
  };
  conform(forward, [bound, bound], entry.why);

  const logProbabilities = Float32Array.from(oracle(forward)[1] as Float64Array);
  const dlosses = normals(results, 4);
  const arguments_ = [input(dlosses), input(logProbabilities), input(labels), output(sizeOf(entry)), flat(entry)];
  const spread = (i: number) => dlosses[Math.floor(i / (entry.size * entry.inner)) * entry.inner + (i % entry.inner)];
  // (e^p − 1)·dloss with both terms at most 1
  conform(
    { kernel: 'crossEntropyBackward', arguments: arguments_ },
    [(_, i) => 8 * U * Math.abs(spread(i)) + SMALLEST_NORMAL],
    entry.why,
  );
}

describe('softmax and cross-entropy', () => {
  reportNative();

  for (const entry of SOFTMAX_CASES) {
    it(`forward: ${entry.why}`, () => {
      checkForward(entry, normals(sizeOf(entry), 1), 10);
      checkForward(entry, integers(sizeOf(entry), 1), 6);
    });
    it(`backward: ${entry.why}`, () => checkBackward(entry));
    it(`cross-entropy, some labels ignored: ${entry.why}`, () => checkCrossEntropy(entry));
  }

  it('every number of classes up to a few vectors, along and across rows', () => {
    for (let size = 1; size <= 70; size++) {
      for (const inner of [1, 3, 17]) {
        const entry: AxisCase = { why: `[2, ${size}, ${inner}]`, outer: 2, size, inner };
        checkForward(entry, normals(sizeOf(entry), size), 10);
        checkBackward(entry);
        checkCrossEntropy(entry);
      }
    }
  });

  it('large numbers neither overflow nor vanish together', () => {
    for (const inner of [1, 3]) {
      const entry: AxisCase = { why: '', outer: 2, size: 21, inner };
      for (const scale of [100, 1e4, 1e30]) {
        const x = integers(sizeOf(entry), 5).map((v) => v * scale);
        checkForward(entry, x, 6 * scale);
        expect(lineSums(entry, (i) => oracle(call('softmaxForward', entry, x))[0][i] as number)[0]).toBeCloseTo(1);
      }
    }
  });

  it('infinities and NaN as the definition has them', () => {
    for (const inner of [1, 3]) {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        const entry: AxisCase = { why: `${value}`, outer: 3, size: 19, inner };
        const one = normals(sizeOf(entry), 1).map((v, i) => (i === 11 * inner ? value : v));
        checkForward(entry, one, 10);
        checkForward(entry, new Float32Array(sizeOf(entry)).fill(value), 10);
      }
    }
  });
});
