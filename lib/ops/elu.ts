import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { exp } from './exp.js';
import { gt } from './gt.js';
import { minimum } from './minimum.js';
import { mul } from './mul.js';
import { applyUnary, unaryOp } from './unary.js';
import { where } from './where.js';

// The exponent is held at 0 on the side that is not taken, lest an infinity there turn the gradient's gradient into NaN.
const op = unaryOp('elu', 'input', ({ input, attributes }, dy) =>
  where(gt(input(0), 0), dy, mul(dy, mul(exp(minimum(input(0), 0)), attributes.alpha))),
);

/**
 * x where x > 0, else alpha · (e^x − 1), element by element (Clevert et al. 2015). `alpha` defaults to 1.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * elu(tensor([0, 2])).toArray(); // [0, 2]
 */
export function elu<D extends DType>(x: Tensor<D>, alpha = 1): Tensor<D> {
  return applyUnary(op, x, alpha);
}
