import type { DType } from '../dtype.js';
import { resolveAxis } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { reshape } from './reshape.js';

/**
 * Inserts an axis of size 1 at `axis`, in [−rank − 1, rank].
 *
 * @throws ArgumentError when the axis is outside that range
 * @example
 * unsqueeze(zeros([3]), 0).shape; // [1, 3]
 */
export function unsqueeze<D extends DType>(x: Tensor<D>, axis: number): Tensor<D> {
  return reshape(x, x.shape.toSpliced(resolveAxis('unsqueeze', axis, x.rank + 1), 0, 1));
}
