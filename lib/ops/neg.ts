import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { applyNumericUnary, unaryOp } from './unary.js';

const op = unaryOp('neg', 'nothing', (_, dy) => neg(dy));

/**
 * −x, element by element.
 *
 * @throws DTypeError unless x is float32, float64 or int32
 * @example
 * neg(tensor([1, -2])).toArray(); // [-1, 2]
 */
export function neg<D extends DType>(x: Tensor<D>): Tensor<D> {
  return applyNumericUnary(op, x);
}
