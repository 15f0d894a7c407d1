import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { exp } from './exp.js';
import { mul } from './mul.js';
import { neg } from './neg.js';
import { square } from './square.js';
import { applyUnary, unaryOp } from './unary.js';

const op = unaryOp('erf', 'input', ({ input }, dy) => mul(dy, mul(exp(neg(square(input(0)))), 2 / Math.sqrt(Math.PI))));

/**
 * Error function 2/√π · ∫₀ˣ e^−t² dt, element by element.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * erf(tensor([0])).toArray(); // [0]
 */
export function erf<D extends DType>(x: Tensor<D>): Tensor<D> {
  return applyUnary(op, x);
}
