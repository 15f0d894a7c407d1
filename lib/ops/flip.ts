import type { DType } from '../dtype.js';
import { resolveAxes, stridesOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { stridedCopy } from './copy.js';
import { applyOne, empty, type Op } from './op.js';

const op: Op<{ axes: readonly number[] }> = {
  name: 'flip',
  forward([input], { axes }) {
    const x = input as Tensor;
    const y = empty(x.dtype, x.shape);
    const strides = stridesOf(x.shape);
    const offset = axes.reduce((sum, axis) => sum + strides[axis] * (x.shape[axis] - 1), 0);
    const backwards = strides.map((stride, axis) => (axes.includes(axis) ? -stride : stride));
    stridedCopy(x, y, x.shape, { strides: backwards, offset }, { strides });
    return y;
  },
  gradient: ({ attributes: { axes } }, dy) => [flip(dy, axes)],
  saves: { inputs: [] },
};

/**
 * x in reverse order along `axes`.
 *
 * @throws ArgumentError for an axis outside the tensor, or named twice
 * @example
 * flip(tensor([[1, 2], [3, 4]]), 1).toArray(); // [[2, 1], [4, 3]]
 */
export function flip<D extends DType>(x: Tensor<D>, axes: number | readonly number[]): Tensor<D> {
  return applyOne(op, [x], { axes: resolveAxes('flip', axes, x.rank) }) as Tensor<D>;
}
