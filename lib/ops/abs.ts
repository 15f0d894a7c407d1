import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { mul } from './mul.js';
import { sign } from './sign.js';
import { applyNumericUnary, unaryOp } from './unary.js';

const op = unaryOp('abs', 'input', ({ input }, dy) => mul(dy, sign(input(0))));

/**
 * |x|, element by element; the gradient at 0 is 0.
 *
 * @throws DTypeError unless x is float32, float64 or int32
 * @example
 * abs(tensor([-3, 2])).toArray(); // [3, 2]
 */
export function abs<D extends DType>(x: Tensor<D>): Tensor<D> {
  return applyNumericUnary(op, x);
}
