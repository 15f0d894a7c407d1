import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { applyUnary, unaryOp } from './unary.js';
import { zerosLike } from './zeroslike.js';

const op = unaryOp('round', 'nothing', (_, dy) => zerosLike(dy));

/**
 * The nearest integer, element by element, halves going to the even one; the gradient is 0.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * round(tensor([0.5, 1.5, -0.7])).toArray(); // [0, 2, -1]
 */
export function round<D extends DType>(x: Tensor<D>): Tensor<D> {
  return applyUnary(op, x);
}
