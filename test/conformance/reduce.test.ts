import { describe, it } from 'vitest';
import { AXIS_FIELDS, encode } from '../../lib/geometry.js';
import { ARG_REDUCE_OPERATIONS, REDUCE_OPERATIONS } from '../../lib/kernels/operations.js';
import { AXIS_CASES, type AxisCase, EMPTY_AXIS } from '../cases/reduce.js';
import { reportNative } from './backends.js';
import { type Call, input, oracle, output } from './call.js';
import { conform, sumBound, ulpBound } from './conform.js';
import { type Fill, integers, normals, positives, wide } from './data.js';

const flat = ({ outer, size, inner }: AxisCase) => encode(AXIS_FIELDS, { outer, size, inner });

function reduceCall(operation: (typeof REDUCE_OPERATIONS)[number], entry: AxisCase, x: Float32Array): Call {
  const results = entry.outer * entry.inner;
  return {
    kernel: 'reduce',
    arguments: [REDUCE_OPERATIONS.indexOf(operation), input(x), output(results), flat(entry)],
  };
}

function checkSums(entry: AxisCase, fill: Fill): void {
  const x = fill(entry.outer * entry.size * entry.inner, 1);
  for (const operation of ['sum', 'mean'] as const) {
    const call = reduceCall(operation, entry, x);
    conform(call, [sumBound(oracle(call, Math.abs)[0], entry.size)], `${operation} of ${fill.name}`);
  }
}

function checkExtremes(entry: AxisCase, x: Float32Array): void {
  for (const operation of ['max', 'min'] as const) conform(reduceCall(operation, entry, x), ['exact'], operation);
}

function checkPositions(entry: AxisCase, x: Float32Array): void {
  for (const [code, operation] of ARG_REDUCE_OPERATIONS.entries()) {
    const result = output(entry.outer * entry.inner, 'int32');
    conform({ kernel: 'argReduce', arguments: [code, input(x), result, flat(entry)] }, ['exact'], operation);
  }
}

describe('reductions', () => {
  reportNative();

  for (const entry of AXIS_CASES) {
    const length = entry.outer * entry.size * entry.inner;

    it(`sum and mean: ${entry.why}`, () => {
      conform(reduceCall('sum', entry, integers(length, 1)), ['exact']);
      for (const fill of [normals, positives, wide]) checkSums(entry, fill);
    });

    it(`product: ${entry.why}`, () => {
      // factors near 1, so that long products neither overflow nor vanish; each is rounded once more than in float64
      const x = normals(length, 1).map((v) => 1 + v / 4096);
      conform(reduceCall('prod', entry, x), [ulpBound(1)]);
      conform(reduceCall('prod', entry, integers(length, 1)), [ulpBound(1)]);
    });

    it(`max and min, argmax and argmin: ${entry.why}`, () => {
      for (const fill of [normals, integers]) {
        checkExtremes(entry, fill(length, 2));
        checkPositions(entry, fill(length, 2)); // whole numbers are full of equal values: the first one counts
      }
    });

    it(`NaN wins, the first one counts: ${entry.why}`, () => {
      for (const distance of [1, 7, 131]) {
        const x = normals(length, 3).map((v, i) => (i % distance === distance >> 1 ? Number.NaN : v));
        checkExtremes(entry, x);
        checkPositions(entry, x);
        for (const operation of ['sum', 'mean'] as const) {
          const call = reduceCall(operation, entry, x);
          conform(call, [sumBound(oracle(call, Math.abs)[0], entry.size)], operation);
        }
      }
    });
  }

  it('of nothing: sum 0, mean NaN, max −∞, min +∞', () => {
    for (const operation of REDUCE_OPERATIONS) {
      conform(reduceCall(operation, EMPTY_AXIS, new Float32Array(0)), ['exact'], operation);
    }
  });

  it('infinities', () => {
    const entry: AxisCase = { why: '', outer: 4, size: 37, inner: 5 };
    const everywhere = new Float32Array(4 * 37 * 5).fill(Number.NEGATIVE_INFINITY);
    const both = normals(4 * 37 * 5, 1).map((v, i) =>
      i % 9 === 0 ? Number.POSITIVE_INFINITY : i % 9 === 4 ? Number.NEGATIVE_INFINITY : v,
    );
    for (const x of [everywhere, everywhere.map((v) => -v), both]) {
      checkExtremes(entry, x);
      checkPositions(entry, x);
      conform(reduceCall('sum', entry, x), ['exact']);
    }
  });

  it('every length up to a few vectors, along and across rows', () => {
    for (let size = 1; size <= 70; size++) {
      for (const inner of [1, 2, 5, 16, 19]) {
        const entry: AxisCase = { why: '', outer: 2, size, inner };
        const x = integers(2 * size * inner, size);
        conform(reduceCall('sum', entry, x), ['exact'], `[2, ${size}, ${inner}]`);
        checkExtremes(entry, x);
        checkPositions(entry, x);
      }
    }
  });
});
