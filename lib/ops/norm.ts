import { checkFloat, type DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { abs } from './abs.js';
import { eq } from './eq.js';
import type { ReduceOptions } from './reduction.js';
import { sqrt } from './sqrt.js';
import { square } from './square.js';
import { sum } from './sum.js';
import { where } from './where.js';
import { zerosLike } from './zeroslike.js';

/** Options of {@link norm}. */
export interface NormReduceOptions extends ReduceOptions {
  /** 2 (default): the root of the sum of squares. 1: the sum of magnitudes. */
  p?: 1 | 2;
}

/**
 * Length of x over `axes` (default all). The gradient at length 0 is 0.
 *
 * @throws ArgumentError for an axis outside the tensor, or p other than 1 and 2; DTypeError unless x is float32 or float64
 * @example
 * norm(tensor([[3, 4], [0, 0]]), 1).toArray(); // [5, 0]
 */
export function norm<D extends DType>(
  x: Tensor<D>,
  axes?: number | readonly number[],
  options: NormReduceOptions = {},
): Tensor<D> {
  const { p = 2 } = options;
  checkFloat('norm', x);
  check(p === 1 || p === 2, 'norm', () => `p must be 1 or 2, got ${p}`, ArgumentError);
  if (p === 1) return sum(abs(x), axes, options);
  const squares = sum(square(x), axes, options);
  if (!x.requiresGrad) return sqrt(squares);
  // the root has an infinite slope at 0: no gradient may come through there
  const isZero = eq(squares, 0);
  const zero = zerosLike(squares);
  return where(isZero, zero, sqrt(where(isZero, zero.add(1), squares)));
}
