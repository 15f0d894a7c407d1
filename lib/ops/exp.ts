import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { mul } from './mul.js';
import { applyUnary, unaryOp } from './unary.js';

const op = unaryOp('exp', 'output', ({ output }, dy) => mul(dy, output(0)));

/**
 * e to the power x, element by element.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * exp(tensor([0])).toArray(); // [1]
 */
export function exp<D extends DType>(x: Tensor<D>): Tensor<D> {
  return applyUnary(op, x);
}
