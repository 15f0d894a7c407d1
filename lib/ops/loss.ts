import { checkFloat, type DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { formatShape, sameShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import type { Operand } from './binary.js';
import { div } from './div.js';
import { sum } from './sum.js';

/** How a loss turns one value per element into its result. */
export type LossReduction = 'mean' | 'sum' | 'none';

/** Options that all losses share. */
export interface LossOptions {
  /** 'mean' (default) divides the sum by the number of elements that count; 'none' keeps one value each. */
  reduction?: LossReduction;
}

/** Applies a loss's reduction; `count` is what the mean divides by, if it is not the number of losses. */
export function reduceLoss<D extends DType>(
  operation: string,
  losses: Tensor<D>,
  reduction: LossReduction = 'mean',
  count: () => Operand<D> = () => losses.size,
): Tensor<D> {
  check(
    reduction === 'mean' || reduction === 'sum' || reduction === 'none',
    operation,
    () => `reduction must be 'mean', 'sum' or 'none', got ${JSON.stringify(reduction)}`,
    ArgumentError,
  );
  if (reduction === 'none') return losses;
  const total = sum(losses);
  return reduction === 'sum' ? total : div(total, count());
}

/** Checks the operands of a loss that compares element by element. */
export function checkPaired(operation: string, prediction: Tensor, target: Tensor): void {
  checkFloat(operation, prediction, target);
  check(
    sameShape(prediction.shape, target.shape),
    operation,
    () => `prediction ${formatShape(prediction.shape)} and target ${formatShape(target.shape)} must have one shape`,
  );
}
