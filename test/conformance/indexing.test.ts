import { describe, expect, it } from 'vitest';
import { MAX_RANK } from '../../lib/geometry.js';
import { SCATTER_REDUCTIONS } from '../../lib/kernels/operations.js';
import { Generator } from '../../lib/random.js';
import { encodeStrides, sizeOf, stridesOf } from '../../lib/shape.js';
import { ELEMENT_CASES, type ElementCase, SLICE_CASES, type SliceCase } from '../cases/indexing.js';
import { reportNative } from './backends.js';
import { type Call, inout, input, oracle, output } from './call.js';
import { type Bound, conform, SMALLEST_NORMAL, U } from './conform.js';
import { flags, int32s, integers, normals } from './data.js';

/** Positions from both ends of axes, and some that are outside of them. */
function indices(sizes: readonly number[], length: number): Int32Array {
  const random = new Generator(length + 5);
  return Int32Array.from({ length }, (_, i) => {
    const size = sizes[i % sizes.length];
    const kind = random.bits() % 16;
    if (kind === 0) return [size, -size - 1, 2 ** 31 - 1, -(2 ** 31)][random.bits() % 4];
    return size === 0 ? 0 : (random.bits() % (2 * size)) - size;
  });
}

const KINDS = [
  ['float32', (length: number, seed: number) => integers(length, seed)],
  ['int32', int32s],
  ['uint8', flags],
] as const;

function slicesOf({ sizes, batch = 1, count, inner, isShared = false }: SliceCase) {
  const g = Int32Array.from([
    ...new Array<number>(MAX_RANK - sizes.length).fill(1),
    ...sizes,
    ...[batch, count, inner, sizes.length, Number(isShared)],
  ]);
  const at = indices(sizes, (isShared ? 1 : batch) * count * sizes.length);
  return { g, at, whole: batch * sizeOf(sizes) * inner, part: batch * count * inner };
}

function elementsOf({ full, shape, axis }: ElementCase) {
  const strides = stridesOf(full);
  const g = encodeStrides(shape, [strides.with(axis, 0)], [strides[axis], full[axis]]);
  return { g, at: indices([full[axis]], sizeOf(shape)), whole: sizeOf(full), part: sizeOf(shape) };
}

interface Places {
  g: Int32Array;
  at: Int32Array;
  /** Elements of the tensor, and of what is gathered from it. */
  whole: number;
  part: number;
}

function checkGather(kernel: 'gatherSlices' | 'gatherElements', { g, at, whole, part }: Places): void {
  for (const [kind, fill] of KINDS) {
    conform({ kernel, arguments: [input(fill(whole, 1)), input(at), output(part, kind), g] }, ['exact'], kind);
  }
}

function checkScatter(kernel: 'scatterSlices' | 'scatterElements', { g, at, whole, part }: Places): void {
  for (const [kind, fill] of KINDS) {
    for (const [code, reduction] of SCATTER_REDUCTIONS.entries()) {
      // products of many small integers would not stay exact
      const bound: Bound = kind === 'float32' && reduction === 'mul' ? relative(part) : 'exact';
      const call: Call = { kernel, arguments: [code, input(at), input(fill(part, 2)), inout(fill(whole, 3)), g] };
      conform(call, [bound], `${reduction} of ${kind}`);
    }
  }
}

/** Of a product of at most `factors` numbers, every multiplication rounding once. */
const relative =
  (factors: number): Bound =>
  (expected) =>
    U * factors * Math.abs(expected) + SMALLEST_NORMAL;

describe('indexing', () => {
  reportNative();

  for (const entry of SLICE_CASES) {
    it(`slices: ${entry.why}`, () => {
      checkGather('gatherSlices', slicesOf(entry));
      checkScatter('scatterSlices', slicesOf(entry));
    });
  }

  for (const entry of ELEMENT_CASES) {
    it(`elements: ${entry.why}`, () => {
      checkGather('gatherElements', elementsOf(entry));
      checkScatter('scatterElements', elementsOf(entry));
    });
  }

  it('many updates for one place are added in order', () => {
    const updates = normals(500, 1);
    const g = encodeStrides([500], [[0]], [1, 3]);
    const at = new Int32Array(500).fill(1);
    const call: Call = {
      kernel: 'scatterElements',
      arguments: [1, input(at), input(updates), inout(normals(3, 2)), g],
    };
    const total = updates.reduce((sum, v) => sum + Math.abs(v), 3);
    conform(call, [() => U * 500 * total]);
  });

  it('max and min pass NaN on, and the last update stays', () => {
    const g = encodeStrides([6], [[0]], [1, 4]);
    const at = Int32Array.of(0, 0, 1, 1, 2, 2);
    const updates = Float32Array.of(Number.NaN, 5, 5, Number.NaN, 7, 8);
    for (const [code, expected] of [
      [0, [5, Number.NaN, 8, 4]],
      [3, [Number.NaN, Number.NaN, 8, 4]],
      [4, [Number.NaN, Number.NaN, 3, 4]],
    ] as const) {
      const call: Call = {
        kernel: 'scatterElements',
        arguments: [code, input(at), input(updates), inout(Float32Array.of(1, 2, 3, 4)), g],
      };
      conform(call, ['exact']);
      expect([...oracle(call)[0]]).toEqual(expected);
    }
  });

  it('an index outside reads as 0', () => {
    const g = encodeStrides([4], [[0]], [1, 2]);
    const at = Int32Array.of(-3, -1, 1, 2);
    const call: Call = { kernel: 'gatherElements', arguments: [input(Float32Array.of(8, 9)), input(at), output(4), g] };
    conform(call, ['exact']);
    expect([...oracle(call)[0]]).toEqual([0, 9, 9, 0]);
  });
});
