import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { mul } from './mul.js';
import { square } from './square.js';
import { sub } from './sub.js';
import { applyUnary, unaryOp } from './unary.js';

const op = unaryOp('sigmoid', 'output', ({ output }, dy) => mul(dy, sub(output(0), square(output(0)))));

/**
 * Logistic function 1 / (1 + e^−x), element by element.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * sigmoid(tensor([0])).toArray(); // [0.5]
 */
export function sigmoid<D extends DType>(x: Tensor<D>): Tensor<D> {
  return applyUnary(op, x);
}
