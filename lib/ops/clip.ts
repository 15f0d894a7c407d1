import type { DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { ge } from './ge.js';
import { le } from './le.js';
import { scalarLike } from './scalarlike.js';
import { applyNumericUnary, unaryOp } from './unary.js';
import { where } from './where.js';

const op = unaryOp('clip', 'input', ({ input, attributes: { alpha: low, beta: high } }, dy) => {
  const x = input(0);
  return where(ge(x, low), where(le(x, high), dy, scalarLike(dy, 0)), scalarLike(dy, 0));
});

/**
 * x limited to [low, high], element by element. NaN stays NaN; the gradient passes inside the limits, both included.
 *
 * @throws ArgumentError when low > high or an int32 tensor is given a fraction; DTypeError unless x is float32, float64 or
 *   int32
 * @example
 * clip(tensor([-5, 3, 9]), 0, 6).toArray(); // [0, 3, 6]
 */
export function clip<D extends DType>(x: Tensor<D>, low: number, high: number): Tensor<D> {
  check(low <= high, 'clip', () => `low must not be above high, got ${low} and ${high}`, ArgumentError);
  const isWhole = (limit: number) => Number.isInteger(limit) || !Number.isFinite(limit);
  check(
    x.dtype !== 'int32' || (isWhole(low) && isWhole(high)),
    'clip',
    () => `limits of an int32 tensor must be integers or infinite, got ${low} and ${high}`,
    ArgumentError,
  );
  return applyNumericUnary(op, x, low, high);
}
