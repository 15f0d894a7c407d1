import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { add } from './add.js';
import { erf } from './erf.js';
import { exp } from './exp.js';
import { mul } from './mul.js';
import { square } from './square.js';
import { applyUnary, unaryOp } from './unary.js';

const op = unaryOp('gelu', 'input', ({ input }, dy) => {
  const x = input(0);
  const cumulative = mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
  const density = mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return mul(dy, add(cumulative, mul(x, density)));
});

/**
 * Gaussian error linear unit x/2 · (1 + erf(x/√2)), element by element (Hendrycks and Gimpel 2016, the exact form).
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * gelu(tensor([0])).toArray(); // [0]
 */
export function gelu<D extends DType>(x: Tensor<D>): Tensor<D> {
  return applyUnary(op, x);
}
