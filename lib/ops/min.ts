import { checkNumeric, type DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { extremeOp } from './extreme.js';
import { applyOne } from './op.js';
import { type ReduceOptions, reduction } from './reduction.js';

const op = extremeOp('min');

/**
 * The smallest element over `axes` (default all). NaN wins; equal elements share the gradient evenly, as in PyTorch's amin.
 *
 * @throws ShapeError when an axis is empty; ArgumentError for an axis outside; DTypeError unless x is float32,
 *   float64 or int32
 * @example
 * min(tensor([[1, 2], [3, 4]]), 0).toArray(); // [1, 2]
 */
export function min<D extends DType>(
  x: Tensor<D>,
  axes?: number | readonly number[],
  options?: ReduceOptions,
): Tensor<D> {
  checkNumeric('min', x);
  return applyOne(op, [x], reduction('min', x.shape, axes, options)) as Tensor<D>;
}
