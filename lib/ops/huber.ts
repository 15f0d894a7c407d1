import type { DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { abs } from './abs.js';
import { checkPaired, type LossOptions, reduceLoss } from './loss.js';
import { minimum } from './minimum.js';
import { mul } from './mul.js';
import { sub } from './sub.js';

/** Options of {@link huber}. */
export interface HuberOptions extends LossOptions {
  /** Where the parabola turns into a line; above 0. Default 1. */
  delta?: number;
}

/**
 * Huber's loss (Huber 1964): with d = |prediction − target|, d²/2 up to `delta` and delta · (d − delta/2) beyond, averaged over
 * all elements by default.
 *
 * @throws ShapeError unless the shapes are equal; ArgumentError unless delta is a finite number above 0; DTypeError unless
 *   both share a floating type
 * @example
 * huber(tensor([1, 5]), tensor([2, 2]), { reduction: 'none' }).toArray(); // [0.5, 2.5]
 */
export function huber<D extends DType>(
  prediction: Tensor<D>,
  target: Tensor<D>,
  options: HuberOptions = {},
): Tensor<D> {
  const { delta = 1, reduction } = options;
  checkPaired('huber', prediction, target);
  check(
    delta > 0 && Number.isFinite(delta),
    'huber',
    () => `delta must be a finite number above 0, got ${delta}`,
    ArgumentError,
  );
  return reduceLoss('huber', bend(abs(sub(prediction, target)), delta), reduction);
}

/** d²/2 up to delta, then the line that touches it: q · (d − q/2) with q = min(d, delta), which no infinity turns into NaN. */
export function bend<D extends DType>(d: Tensor<D>, delta: number): Tensor<D> {
  const q = minimum(d, delta);
  return mul(q, sub(d, mul(q, 0.5)));
}
