import { checkFloat, type DType } from '../dtype.js';
import { sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { div } from './div.js';
import { type ReduceOptions, reduction } from './reduction.js';
import { sum } from './sum.js';

/**
 * Mean over `axes` (default all). The mean of nothing is NaN.
 *
 * @throws ArgumentError for an axis outside the tensor; DTypeError unless x is float32 or float64
 * @example
 * mean(tensor([[1, 2], [3, 4]])).item(); // 2.5
 */
export function mean<D extends DType>(
  x: Tensor<D>,
  axes?: number | readonly number[],
  options?: ReduceOptions,
): Tensor<D> {
  checkFloat('mean', x);
  const { axes: resolved } = reduction('mean', x.shape, axes);
  return div(sum(x, resolved, options), sizeOf(resolved.map((axis) => x.shape[axis])));
}
