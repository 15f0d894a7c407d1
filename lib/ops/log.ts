import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { div } from './div.js';
import { applyUnary, unaryOp } from './unary.js';

const op = unaryOp('log', 'input', ({ input }, dy) => div(dy, input(0)));

/**
 * Natural logarithm, element by element: −∞ at 0, NaN below.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * log(tensor([1])).toArray(); // [0]
 */
export function log<D extends DType>(x: Tensor<D>): Tensor<D> {
  return applyUnary(op, x);
}
