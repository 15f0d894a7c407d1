import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { mul } from './mul.js';
import { square } from './square.js';
import { sub } from './sub.js';
import { applyUnary, unaryOp } from './unary.js';

const op = unaryOp('tanh', 'output', ({ output }, dy) => sub(dy, mul(dy, square(output(0)))));

/**
 * Hyperbolic tangent, element by element.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * tanh(tensor([0])).toArray(); // [0]
 */
export function tanh<D extends DType>(x: Tensor<D>): Tensor<D> {
  return applyUnary(op, x);
}
