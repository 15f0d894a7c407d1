import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { gt } from './gt.js';
import { mul } from './mul.js';
import { applyUnary, unaryOp } from './unary.js';
import { where } from './where.js';

const op = unaryOp('leakyRelu', 'input', ({ input, attributes }, dy) =>
  where(gt(input(0), 0), dy, mul(dy, attributes.alpha)),
);

/**
 * x where x > 0, else negativeSlope · x, element by element. `negativeSlope` defaults to 0.01.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * leakyRelu(tensor([-2, 2]), 0.5).toArray(); // [-1, 2]
 */
export function leakyRelu<D extends DType>(x: Tensor<D>, negativeSlope = 0.01): Tensor<D> {
  return applyUnary(op, x, negativeSlope);
}
