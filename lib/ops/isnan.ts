import { checkFloat } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { ne } from './ne.js';

// biome-ignore lint/suspicious/noShadowRestrictedNames: the name of this function everywhere
/**
 * Whether x is NaN, element by element.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * isNaN(tensor([NaN, 1, Infinity])).toArray(); // [1, 0, 0]
 */
export function isNaN(x: Tensor): Tensor<'bool'> {
  checkFloat('isNaN', x);
  return ne(x, x);
}
