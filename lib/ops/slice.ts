import type { DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { formatShape, type Shape, stridesOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { filled, stridedCopy, type Walk } from './copy.js';
import { applyOne, empty, type Op } from './op.js';

/**
 * What to keep of one axis: null for all, or [start, end, step]. `end` is excluded and may be null for the last; negative
 * positions count from the end; `step` defaults to 1 and must be positive.
 */
export type SliceRange = null | readonly [start: number, end?: number | null, step?: number];

interface SliceAttributes {
  starts: readonly number[];
  steps: readonly number[];
  shape: Shape;
}

function walk(full: Shape, { starts, steps }: SliceAttributes): Walk {
  const strides = stridesOf(full);
  return {
    strides: strides.map((stride, axis) => stride * steps[axis]),
    offset: strides.reduce((sum, stride, axis) => sum + stride * starts[axis], 0),
  };
}

const op: Op<SliceAttributes> = {
  name: 'slice',
  forward([input], attributes) {
    const x = input as Tensor;
    const { shape } = attributes;
    const y = empty(x.dtype, shape);
    stridedCopy(x, y, shape, walk(x.shape, attributes), { strides: stridesOf(shape) });
    return y;
  },
  gradient: ({ attributes, inputShapes }, dy) => [applyOne(scatter, [dy], { ...attributes, full: inputShapes[0] })],
  saves: { inputs: [] },
};

/** The adjoint of slice: puts x into zeros of the full shape. */
const scatter: Op<SliceAttributes & { full: Shape }> = {
  name: 'sliceScatter',
  forward([input], attributes) {
    const x = input as Tensor;
    const y = filled(x.dtype, attributes.full, 0);
    stridedCopy(x, y, x.shape, { strides: stridesOf(x.shape) }, walk(attributes.full, attributes));
    return y;
  },
  gradient: ({ attributes }, dy) => [applyOne(op, [dy], attributes)],
  saves: { inputs: [] },
};

/**
 * A part of x: one range per leading axis, later axes are kept whole. Positions beyond an axis are cut to it.
 *
 * @throws ArgumentError for more ranges than axes, a position that is no integer, or a step below 1
 * @example
 * slice(tensor([[1, 2, 3], [4, 5, 6]]), [null, [0, null, 2]]).toArray(); // [[1, 3], [4, 6]]
 */
export function slice<D extends DType>(x: Tensor<D>, ranges: readonly SliceRange[]): Tensor<D> {
  check(
    ranges.length <= x.rank,
    'slice',
    () => `${ranges.length} ranges for the ${x.rank} axes of ${formatShape(x.shape)}`,
    ArgumentError,
  );
  const resolved = x.shape.map((extent, axis) => resolve(ranges[axis] ?? [0], extent));
  return applyOne(op, [x], {
    starts: resolved.map(({ start }) => start),
    steps: resolved.map(({ step }) => step),
    shape: Object.freeze(resolved.map(({ length }) => length)),
  }) as Tensor<D>;
}

function resolve([start, end, step = 1]: NonNullable<SliceRange>, extent: number) {
  check(
    Number.isInteger(start) && (end == null || Number.isInteger(end)) && Number.isInteger(step) && step >= 1,
    'slice',
    () => `a range is [start, end, step] of integers with step at least 1, got [${start}, ${end ?? null}, ${step}]`,
    ArgumentError,
  );
  const place = (position: number) => Math.min(extent, Math.max(0, position < 0 ? position + extent : position));
  const from = place(start);
  return { start: from, step, length: Math.max(0, Math.ceil((place(end ?? extent) - from) / step)) };
}
