import { checkFloat } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { ne } from './ne.js';

/**
 * Whether x is NaN, element by element.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * isNan(tensor([NaN, 1, Infinity])).toArray(); // [1, 0, 0]
 */
export function isNan(x: Tensor): Tensor<'bool'> {
  checkFloat('isNan', x);
  return ne(x, x);
}
