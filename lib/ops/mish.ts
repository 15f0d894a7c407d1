import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { add } from './add.js';
import { mul } from './mul.js';
import { neg } from './neg.js';
import { sigmoid } from './sigmoid.js';
import { softplus } from './softplus.js';
import { square } from './square.js';
import { tanh } from './tanh.js';
import { applyUnary, unaryOp } from './unary.js';

const op = unaryOp('mish', 'input', ({ input }, dy) => {
  const x = input(0);
  const t = tanh(softplus(x));
  return mul(dy, add(t, mul(mul(x, sigmoid(x)), add(neg(square(t)), 1))));
});

/**
 * x · tanh(log(1 + e^x)), element by element (Misra 2019).
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * mish(tensor([0, 100])).toArray(); // [0, 100]
 */
export function mish<D extends DType>(x: Tensor<D>): Tensor<D> {
  return applyUnary(op, x);
}
