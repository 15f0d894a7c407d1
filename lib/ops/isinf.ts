import { checkFloat } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { abs } from './abs.js';
import { eq } from './eq.js';

/**
 * Whether x is infinite, element by element.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * isInf(tensor([NaN, 1, -Infinity])).toArray(); // [0, 0, 1]
 */
export function isInf(x: Tensor): Tensor<'bool'> {
  checkFloat('isInf', x);
  return eq(abs(x), Number.POSITIVE_INFINITY);
}
