import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { add } from './add.js';
import { div } from './div.js';
import { le } from './le.js';
import { lt } from './lt.js';
import { mul } from './mul.js';
import { scalarLike } from './scalarlike.js';
import { applyUnary, unaryOp } from './unary.js';
import { where } from './where.js';

const op = unaryOp('hardSwish', 'input', ({ input }, dy) => {
  const x = input(0);
  const middle = mul(dy, add(div(x, 3), 0.5));
  return where(le(x, -3), scalarLike(dy, 0), where(lt(x, 3), middle, dy));
});

/**
 * x · min(1, max(0, x/6 + 1/2)), element by element (Howard et al. 2019). NaN stays NaN.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * hardSwish(tensor([-3, 0, 6])).toArray(); // [0, 0, 6]
 */
export function hardSwish<D extends DType>(x: Tensor<D>): Tensor<D> {
  return applyUnary(op, x);
}
