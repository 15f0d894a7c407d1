import { zeros } from '../creation.js';
import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';

/**
 * Zeros in the shape and dtype of x.
 *
 * @example
 * zerosLike(tensor([1, 2])).toArray(); // [0, 0]
 */
export function zerosLike<D extends DType>(x: Tensor<D>): Tensor<D> {
  return zeros(x.shape, { dtype: x.dtype });
}
