import { checkFloat, type DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { add } from './add.js';
import { exp } from './exp.js';
import { isInf } from './isinf.js';
import { log } from './log.js';
import { max } from './max.js';
import { type ReduceOptions, reduction } from './reduction.js';
import { reshape } from './reshape.js';
import { sub } from './sub.js';
import { sum } from './sum.js';
import { where } from './where.js';
import { zerosLike } from './zeroslike.js';

/**
 * log Σ e^x over `axes` (default all), with the maximum taken out first so that nothing overflows. Of nothing it is −∞.
 *
 * @throws ArgumentError for an axis outside the tensor; DTypeError unless x is float32 or float64
 * @example
 * logSumExp(tensor([1000, -1000])).toArray(); // 1000
 */
export function logSumExp<D extends DType>(
  x: Tensor<D>,
  axes?: number | readonly number[],
  options?: ReduceOptions,
): Tensor<D> {
  checkFloat('logSumExp', x);
  const { axes: resolved, result } = reduction('logSumExp', x.shape, axes, options);
  if (resolved.some((axis) => x.shape[axis] === 0)) return log(sum(x, axes, options));
  const largest = max(x.detach(), resolved, { keepDims: true });
  const shift = where(isInf(largest), zerosLike(largest), largest);
  const total = sum(exp(sub(x, shift)), resolved, { keepDims: true });
  return reshape(add(log(total), shift), result);
}
