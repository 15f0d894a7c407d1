import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { div } from './div.js';
import { mul } from './mul.js';
import { applyUnary, unaryOp } from './unary.js';

const op = unaryOp('sqrt', 'output', ({ output }, dy) => div(mul(dy, 0.5), output(0)));

/**
 * Square root, element by element: NaN below 0.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * sqrt(tensor([4, 9])).toArray(); // [2, 3]
 */
export function sqrt<D extends DType>(x: Tensor<D>): Tensor<D> {
  return applyUnary(op, x);
}
