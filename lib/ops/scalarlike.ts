import { full } from '../creation.js';
import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';

/** One number in the dtype of x, for ops that stretch it: as many of them would be memory to fill, and constants in a graph. */
export function scalarLike<D extends DType>(x: Tensor<D>, value: number): Tensor<D> {
  return full([], value, { dtype: x.dtype });
}
