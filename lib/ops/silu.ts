import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { add } from './add.js';
import { mul } from './mul.js';
import { sigmoid } from './sigmoid.js';
import { square } from './square.js';
import { sub } from './sub.js';
import { applyUnary, unaryOp } from './unary.js';

const op = unaryOp('silu', 'input', ({ input }, dy) => {
  const s = sigmoid(input(0));
  return mul(dy, add(s, mul(input(0), sub(s, square(s)))));
});

/**
 * Sigmoid-weighted linear unit x · sigmoid(x), element by element (Elfwing et al. 2017; also called swish).
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * silu(tensor([0])).toArray(); // [0]
 */
export function silu<D extends DType>(x: Tensor<D>): Tensor<D> {
  return applyUnary(op, x);
}
