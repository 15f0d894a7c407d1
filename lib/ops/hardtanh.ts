import type { DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { ge } from './ge.js';
import { le } from './le.js';
import { logicalOr } from './logicalor.js';
import { scalarLike } from './scalarlike.js';
import { applyUnary, unaryOp } from './unary.js';
import { where } from './where.js';

/** Options of {@link hardTanh}. */
export interface HardTanhOptions {
  /** Lowest value. Default −1. */
  minVal?: number;
  /** Highest value, above the lowest. Default 1. */
  maxVal?: number;
}

const op = unaryOp('clip', 'output', ({ output, attributes: { alpha: low, beta: high } }, dy) => {
  const y = output(0);
  return where(logicalOr(le(y, low), ge(y, high)), scalarLike(dy, 0), dy);
});

/**
 * x limited to [minVal, maxVal], element by element, as clip; but here the gradient at the limits is 0, as in PyTorch.
 *
 * @throws ArgumentError unless minVal is below maxVal; DTypeError unless x is float32 or float64
 * @example
 * hardTanh(tensor([-3, 0.5, 3])).toArray(); // [-1, 0.5, 1]
 */
export function hardTanh<D extends DType>(x: Tensor<D>, options: HardTanhOptions = {}): Tensor<D> {
  const { minVal = -1, maxVal = 1 } = options;
  check(minVal < maxVal, 'hardTanh', () => `minVal must be below maxVal, got ${minVal} and ${maxVal}`, ArgumentError);
  return applyUnary(op, x, minVal, maxVal);
}
