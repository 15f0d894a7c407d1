import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { mul } from './mul.js';
import { neg } from './neg.js';
import { square } from './square.js';
import { applyUnary, unaryOp } from './unary.js';

const op = unaryOp('reciprocal', 'output', ({ output }, dy) => neg(mul(dy, square(output(0)))));

/**
 * 1 / x, element by element.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * reciprocal(tensor([4, -2])).toArray(); // [0.25, -0.5]
 */
export function reciprocal<D extends DType>(x: Tensor<D>): Tensor<D> {
  return applyUnary(op, x);
}
