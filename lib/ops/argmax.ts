import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { argReduce } from './argreduce.js';
import type { ReduceOptions } from './reduction.js';

/**
 * Position of the largest element along `axis`, or in the flattened tensor without one. The first of equals; NaN wins.
 *
 * @throws ShapeError when the axis is empty; ArgumentError for an axis outside; DTypeError unless x is floating point
 * @example
 * argmax(tensor([[1, 9, 2], [8, 3, 5]]), 1).toArray(); // [1, 0]
 */
export function argmax<D extends DType>(x: Tensor<D>, axis?: number, options?: ReduceOptions): Tensor<'int32'> {
  return argReduce('argmax', x, axis, options);
}
