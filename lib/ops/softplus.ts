import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { mul } from './mul.js';
import { sigmoid } from './sigmoid.js';
import { applyUnary, unaryOp } from './unary.js';

const op = unaryOp('softplus', 'input', ({ input }, dy) => mul(dy, sigmoid(input(0))));

/**
 * log(1 + e^x), element by element, without overflow.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * softplus(tensor([1000])).toArray(); // [1000]
 */
export function softplus<D extends DType>(x: Tensor<D>): Tensor<D> {
  return applyUnary(op, x);
}
