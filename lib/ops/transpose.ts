import type { DType } from '../dtype.js';
import { resolveAxis } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { permute } from './permute.js';

/**
 * Swaps the axes `a` and `b`.
 *
 * @throws ArgumentError when an axis is outside the tensor
 * @example
 * transpose(tensor([[1, 2], [3, 4]]), 0, 1).toArray(); // [[1, 3], [2, 4]]
 */
export function transpose<D extends DType>(x: Tensor<D>, a: number, b: number): Tensor<D> {
  const axes = x.shape.map((_, axis) => axis);
  const [first, second] = [resolveAxis('transpose', a, x.rank), resolveAxis('transpose', b, x.rank)];
  axes[first] = second;
  axes[second] = first;
  return permute(x, axes);
}
