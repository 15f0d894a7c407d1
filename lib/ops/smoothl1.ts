import type { DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { abs } from './abs.js';
import { div } from './div.js';
import { bend } from './huber.js';
import { checkPaired, type LossOptions, reduceLoss } from './loss.js';
import { sub } from './sub.js';

/** Options of {@link smoothL1}. */
export interface SmoothL1Options extends LossOptions {
  /** Where the parabola turns into a line of slope 1; at least 0, which leaves the absolute error. Default 1. */
  beta?: number;
}

/**
 * Smooth absolute error (Girshick 2015): with d = |prediction − target|, d² / (2·beta) up to `beta` and d − beta/2 beyond,
 * averaged over all elements by default. It is {@link huber} divided by beta.
 *
 * @throws ShapeError unless the shapes are equal; ArgumentError unless beta is a finite number of at least 0; DTypeError
 *   unless both share a floating type
 * @example
 * smoothL1(tensor([1, 5]), tensor([2, 2]), { beta: 2, reduction: 'none' }).toArray(); // [0.25, 2]
 */
export function smoothL1<D extends DType>(
  prediction: Tensor<D>,
  target: Tensor<D>,
  options: SmoothL1Options = {},
): Tensor<D> {
  const { beta = 1, reduction } = options;
  checkPaired('smoothL1', prediction, target);
  check(
    beta >= 0 && Number.isFinite(beta),
    'smoothL1',
    () => `beta must be a finite number of at least 0, got ${beta}`,
    ArgumentError,
  );
  const d = abs(sub(prediction, target));
  return reduceLoss('smoothL1', beta === 0 ? d : div(bend(d, beta), beta), reduction);
}
