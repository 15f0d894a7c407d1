import { checkNumeric, type DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { extremeOp } from './extreme.js';
import { applyOne } from './op.js';
import { type ReduceOptions, reduction } from './reduction.js';

const op = extremeOp('max');

/**
 * The largest element over `axes` (default all). NaN wins; equal elements share the gradient evenly, as in PyTorch's amax.
 *
 * @throws ShapeError when an axis is empty; ArgumentError for an axis outside; DTypeError unless x is float32,
 *   float64 or int32
 * @example
 * max(tensor([[1, 2], [3, 4]]), 0).toArray(); // [3, 4]
 */
export function max<D extends DType>(
  x: Tensor<D>,
  axes?: number | readonly number[],
  options?: ReduceOptions,
): Tensor<D> {
  checkNumeric('max', x);
  return applyOne(op, [x], reduction('max', x.shape, axes, options)) as Tensor<D>;
}
