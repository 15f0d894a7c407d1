import type { DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { resolveAxis, stridesOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { stridedCopy } from './copy.js';
import { applyOne, empty, type Op } from './op.js';

const op: Op<{ axes: readonly number[] }> = {
  name: 'permute',
  forward([input], { axes }) {
    const x = input as Tensor;
    const shape = axes.map((axis) => x.shape[axis]);
    const y = empty(x.dtype, shape);
    const strides = stridesOf(x.shape);
    stridedCopy(x, y, shape, { strides: axes.map((axis) => strides[axis]) }, { strides: stridesOf(shape) });
    return y;
  },
  gradient: ({ attributes: { axes } }, dy) => [
    permute(
      dy,
      axes.map((_, axis) => axes.indexOf(axis)),
    ),
  ],
  saves: { inputs: [] },
};

/**
 * Reorders the axes: axis i of the result is axis `axes[i]` of x.
 *
 * @throws ArgumentError unless `axes` names every axis once
 * @example
 * permute(zeros([2, 3, 4]), [2, 0, 1]).shape; // [4, 2, 3]
 */
export function permute<D extends DType>(x: Tensor<D>, axes: readonly number[]): Tensor<D> {
  const resolved = axes.map((axis) => resolveAxis('permute', axis, x.rank));
  check(
    resolved.length === x.rank && new Set(resolved).size === x.rank,
    'permute',
    () => `axes must name each of the ${x.rank} axes once, got [${axes.join(', ')}]`,
    ArgumentError,
  );
  return applyOne(op, [x], { axes: resolved }) as Tensor<D>;
}
