import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { applyNumericUnary, unaryOp } from './unary.js';
import { zerosLike } from './zeroslike.js';

const op = unaryOp('sign', 'input', (_, dy) => zerosLike(dy));

/**
 * −1, 0 or 1 by the sign of x, element by element; the gradient is 0.
 *
 * @throws DTypeError unless x is float32, float64 or int32
 * @example
 * sign(tensor([-3, 0, 2])).toArray(); // [-1, 0, 1]
 */
export function sign<D extends DType>(x: Tensor<D>): Tensor<D> {
  return applyNumericUnary(op, x);
}
