import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { abs } from './abs.js';
import { checkPaired, type LossOptions, reduceLoss } from './loss.js';
import { sub } from './sub.js';

/**
 * Absolute error |prediction − target|, averaged over all elements by default. The gradient where both are equal is 0.
 *
 * @throws ShapeError unless the shapes are equal; DTypeError unless both share a floating type
 * @example
 * l1(tensor([1, 2]), tensor([4, 2])).item(); // 1.5
 */
export function l1<D extends DType>(prediction: Tensor<D>, target: Tensor<D>, options: LossOptions = {}): Tensor<D> {
  checkPaired('l1', prediction, target);
  return reduceLoss('l1', abs(sub(prediction, target)), options.reduction);
}
