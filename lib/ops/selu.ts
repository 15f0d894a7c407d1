import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { elu } from './elu.js';
import { mul } from './mul.js';

/** Options of {@link selu}. */
export interface SeluOptions {
  /** Where the function ends on the left, divided by −gamma. Default 1.6732632423543772. */
  alpha?: number;
  /** Slope on the right. Default 1.0507009873554805. */
  gamma?: number;
}

/**
 * gamma · (x > 0 ? x : alpha · (e^x − 1)), element by element, with the constants that keep mean 0 and variance 1
 * (Klambauer et al. 2017).
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * selu(tensor([0])).toArray(); // [0]
 */
export function selu<D extends DType>(x: Tensor<D>, options: SeluOptions = {}): Tensor<D> {
  const { alpha = 1.6732632423543772, gamma = 1.0507009873554805 } = options;
  return mul(elu(x, alpha), gamma);
}
