import type { DType } from '../dtype.js';
import { resolveAxis, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { reshape } from './reshape.js';

/**
 * Splits an axis into several, the reverse of flatten: x [..., size, ...] → [..., sizes, ...]. One of `sizes` may be −1, which
 * stands for what is left.
 *
 * @throws ArgumentError for an axis outside; ShapeError unless the product of sizes is the axis
 * @example
 * unflatten(zeros([2, 12]), 1, [3, -1]).shape; // [2, 3, 4]
 */
export function unflatten<D extends DType>(x: Tensor<D>, axis: number, sizes: Shape): Tensor<D> {
  const at = resolveAxis('unflatten', axis, x.rank);
  return reshape(x, x.shape.toSpliced(at, 1, ...sizes));
}
