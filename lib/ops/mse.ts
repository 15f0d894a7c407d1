import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { checkPaired, type LossOptions, reduceLoss } from './loss.js';
import { square } from './square.js';
import { sub } from './sub.js';

/**
 * Squared error (prediction − target)², averaged over all elements by default.
 *
 * @throws ShapeError unless the shapes are equal; DTypeError unless both share a floating type
 * @example
 * mse(tensor([1, 2]), tensor([3, 2])).item(); // 2
 */
export function mse<D extends DType>(prediction: Tensor<D>, target: Tensor<D>, options: LossOptions = {}): Tensor<D> {
  checkPaired('mse', prediction, target);
  return reduceLoss('mse', square(sub(prediction, target)), options.reduction);
}
