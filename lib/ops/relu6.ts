import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { hardTanh } from './hardtanh.js';

/**
 * min(6, max(0, x)), element by element (Howard et al. 2017). NaN stays NaN; the gradient at the kinks is 0.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * relu6(tensor([-3, 3, 9])).toArray(); // [0, 3, 6]
 */
export function relu6<D extends DType>(x: Tensor<D>): Tensor<D> {
  return hardTanh(x, { minVal: 0, maxVal: 6 });
}
