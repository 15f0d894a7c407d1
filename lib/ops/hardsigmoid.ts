import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { cast } from './cast.js';
import { gt } from './gt.js';
import { logicalAnd } from './logicaland.js';
import { lt } from './lt.js';
import { mul } from './mul.js';
import { applyUnary, unaryOp } from './unary.js';

/** Options of {@link hardSigmoid}. */
export interface HardSigmoidOptions {
  /** Slope of the middle part. Default 1/6, as in PyTorch. */
  alpha?: number;
  /** Value at 0. Default 1/2. */
  beta?: number;
}

const op = unaryOp('hardSigmoid', 'output', ({ output, attributes: { alpha } }, dy) => {
  const y = output(0);
  return mul(dy, mul(cast(logicalAnd(gt(y, 0), lt(y, 1)), y.dtype), alpha));
});

/**
 * min(1, max(0, alpha · x + beta)), element by element. NaN stays NaN; the gradient at the kinks is 0.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * hardSigmoid(tensor([-3, 0, 9])).toArray(); // [0, 0.5, 1]
 */
export function hardSigmoid<D extends DType>(x: Tensor<D>, options: HardSigmoidOptions = {}): Tensor<D> {
  const { alpha = 1 / 6, beta = 0.5 } = options;
  return applyUnary(op, x, alpha, beta);
}
