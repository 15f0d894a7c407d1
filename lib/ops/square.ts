import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { mul } from './mul.js';
import { applyUnary, unaryOp } from './unary.js';

const op = unaryOp('square', 'input', ({ input }, dy) => mul(mul(dy, 2), input(0)));

/**
 * x², element by element.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * square(tensor([3, -2])).toArray(); // [9, 4]
 */
export function square<D extends DType>(x: Tensor<D>): Tensor<D> {
  return applyUnary(op, x);
}
