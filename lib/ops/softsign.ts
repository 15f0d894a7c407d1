import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { abs } from './abs.js';
import { add } from './add.js';
import { div } from './div.js';

/**
 * x / (1 + |x|), element by element.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * softsign(tensor([-1, 0, 3])).toArray(); // [-0.5, 0, 0.75]
 */
export function softsign<D extends DType>(x: Tensor<D>): Tensor<D> {
  return div(x, add(abs(x), 1));
}
