import { describe, expect, it } from 'vitest';
import { encode, RUNNING_FIELDS, SELECTION_FIELDS, SUPPRESSION_FIELDS } from '../../lib/geometry.js';
import { Generator } from '../../lib/random.js';
import { AXIS_CASES, EMPTY_AXIS } from '../cases/reduce.js';
import { reportNative } from './backends.js';
import { type Call, input, oracle, output } from './call.js';
import { conform, sumBound } from './conform.js';
import { flags, int32s, integers, normals } from './data.js';

/** Ties, NaN and infinities among few different numbers. */
function tied(length: number, seed: number): Float32Array {
  const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0];
  return integers(length, seed).map((v, i) => (i % 11 === 3 ? special[i % 4] : v));
}

// what takes the specification minutes to sort says nothing more
const LINES = [...AXIS_CASES.filter(({ outer, size, inner }) => outer * size * inner < 60_000), EMPTY_AXIS];

describe('topK', () => {
  reportNative();

  for (const { why, outer, size, inner } of LINES) {
    it(why, () => {
      for (const k of new Set([0, 1, Math.min(3, size), size >> 1, size])) {
        if (k > size) continue;
        for (const largest of [0, 1]) {
          const g = encode(SELECTION_FIELDS, { outer, size, inner, k, largest });
          const results = outer * k * inner;
          for (const [kind, x] of [
            ['float32', tied(outer * size * inner, 1)],
            ['float32', normals(outer * size * inner, 1)],
            ['int32', int32s(outer * size * inner, 1)],
          ] as const) {
            const outputs = [output(results, kind), output(results, 'int32')];
            conform({ kernel: 'topK', arguments: [input(x), ...outputs, g] }, ['exact', 'exact'], `${k}, ${largest}`);
          }
        }
      }
    });
  }

  it('puts NaN first among the largest, last among the smallest, and the first of equals first', () => {
    const x = Float32Array.of(1, Number.NaN, 3, 3, Number.NaN, -2);
    const indices = (largest: number) => {
      const g = encode(SELECTION_FIELDS, { outer: 1, size: 6, inner: 1, k: 6, largest });
      const call: Call = { kernel: 'topK', arguments: [input(x), output(6), output(6, 'int32'), g] };
      conform(call, ['exact', 'exact']);
      return [...oracle(call)[1]];
    };
    expect(indices(1)).toEqual([1, 4, 2, 3, 0, 5]);
    expect(indices(0)).toEqual([5, 0, 2, 3, 1, 4]);
  });
});

describe('nonZero', () => {
  it('finds positions in order', () => {
    for (const length of [0, 1, 2, 15, 16, 17, 100, 5000]) {
      for (const x of [tied(length, 1), int32s(length, 2), flags(length, 3)]) {
        const outputs = [output(length, 'int32'), output(1, 'int32')];
        conform({ kernel: 'nonZero', arguments: [input(x), ...outputs] }, ['exact', 'exact'], x.constructor.name);
      }
    }
  });
});

describe('cumSum', () => {
  for (const { why, outer, size, inner } of [...AXIS_CASES, EMPTY_AXIS]) {
    const length = outer * size * inner;

    it(why, () => {
      for (const exclusive of [0, 1]) {
        for (const reverse of [0, 1]) {
          const g = encode(RUNNING_FIELDS, { outer, size, inner, exclusive, reverse });
          const whole: Call = { kernel: 'cumSum', arguments: [input(int32s(length, 1)), output(length, 'int32'), g] };
          conform(whole, ['exact']);
          const call: Call = { kernel: 'cumSum', arguments: [input(normals(length, 1)), output(length), g] };
          conform(call, [sumBound(oracle(call, Math.abs)[0], size)]);
        }
      }
    });
  }
});

/** Boxes on a coarse grid, so that many overlap and some are equal; corners in any order. */
function boxes(n: number, spatial: number, seed: number): Float32Array {
  const random = new Generator(seed);
  return Float32Array.from({ length: n * spatial * 4 }, () => (random.bits() % 9) / 2);
}

describe('nonMaxSuppression', () => {
  const call = (
    { n, classes, spatial, most, centered }: Record<'n' | 'classes' | 'spatial' | 'most' | 'centered', number>,
    iouThreshold: number,
    scoreThreshold: number,
    given = boxes(n, spatial, 1),
    scores = integers(n * classes * spatial, 2),
  ): Call => ({
    kernel: 'nonMaxSuppression',
    arguments: [
      ...[input(given), input(scores), output(n * classes * most * 3, 'int32'), output(1, 'int32')],
      encode(SUPPRESSION_FIELDS, { n, classes, spatial, most, centered }),
      ...[iouThreshold, scoreThreshold],
    ],
  });

  it.each([
    { n: 1, classes: 1, spatial: 1, most: 1 },
    { n: 1, classes: 1, spatial: 60, most: 60 },
    { n: 2, classes: 3, spatial: 40, most: 7 },
    { n: 3, classes: 5, spatial: 400, most: 50 },
    { n: 2, classes: 2, spatial: 5, most: 0 },
    { n: 0, classes: 2, spatial: 5, most: 3 },
    { n: 2, classes: 0, spatial: 5, most: 3 },
    { n: 2, classes: 2, spatial: 0, most: 0 },
  ])('n $n, classes $classes, boxes $spatial, at most $most', (shape) => {
    for (const centered of [0, 1]) {
      for (const iouThreshold of [0, 0.25, 0.5, 1]) {
        for (const scoreThreshold of [Number.NEGATIVE_INFINITY, 0, 2]) {
          conform(call({ ...shape, centered }, iouThreshold, scoreThreshold), ['exact', 'exact']);
        }
      }
    }
  });

  it('keeps what overlaps by exactly the threshold, and scores must be above theirs', () => {
    // the second box is half of the first, the third is elsewhere
    const given = Float32Array.of(0, 0, 2, 2, 0, 0, 1, 2, 5, 5, 6, 6);
    const shape = { n: 1, classes: 1, spatial: 3, most: 3, centered: 0 };
    const selected = (iou: number, score: number) => {
      const one = call(shape, iou, score, given, Float32Array.of(3, 2, 1));
      conform(one, ['exact', 'exact']);
      const [rows, count] = oracle(one);
      return [...rows].filter((_, i) => i % 3 === 2 && i < 3 * Number(count[0]));
    };
    expect([selected(0.5, 0), selected(0.499, 0), selected(0.5, 2), selected(0, 3)]).toEqual([
      [0, 1, 2],
      [0, 2],
      [0],
      [],
    ]);
  });

  it('NaN and boxes without area overlap nothing', () => {
    const given = Float32Array.of(0, 0, 2, 2, Number.NaN, 0, 2, 2, 1, 1, 1, 1, 0, 0, 2, Number.POSITIVE_INFINITY);
    const scores = Float32Array.of(1, 0.9, 0.8, Number.NaN);
    const shape = { n: 1, classes: 1, spatial: 4, most: 4, centered: 0 };
    for (const centered of [0, 1]) {
      conform(call({ ...shape, centered }, 0, Number.NEGATIVE_INFINITY, given, scores), ['exact', 'exact']);
    }
  });
});
