import type { DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { add } from './add.js';
import { bceWithLogits } from './bcewithlogits.js';
import { checkPaired, type LossOptions, reduceLoss } from './loss.js';
import { mul } from './mul.js';
import { pow } from './pow.js';
import { sigmoid } from './sigmoid.js';

/** Options of {@link focal}. */
export interface FocalOptions extends LossOptions {
  /** Weight of targets of 1, in [0, 1]; those of 0 have 1 − alpha. null: all count alike. Default 0.25. */
  alpha?: number | null;
  /** How little of the loss is left of what is classified well, at least 0, which leaves all. Default 2. */
  gamma?: number;
}

/**
 * Focal loss of targets in [0, 1] under p = sigmoid(logits) (Lin et al. 2017), averaged over all elements by default:
 * alphaT · (1 − pT)^gamma · {@link bceWithLogits}, where pT = target · p + (1 − target) · (1 − p) and alphaT alike of alpha.
 *
 * It is torchvision's sigmoid_focal_loss, which does not reduce by default.
 *
 * @throws ShapeError unless logits and target have one shape; ArgumentError for alpha or gamma out of range; DTypeError unless
 *   both share a floating type
 * @example
 * focal(tensor([0, 50]), tensor([0, 1]), { reduction: 'none' }).shape; // [2]
 */
export function focal<D extends DType>(logits: Tensor<D>, target: Tensor<D>, options: FocalOptions = {}): Tensor<D> {
  const { alpha = 0.25, gamma = 2, reduction } = options;
  checkPaired('focal', logits, target);
  check(
    alpha === null || (alpha >= 0 && alpha <= 1),
    'focal',
    () => `alpha must be in [0, 1] or null, got ${alpha}`,
    ArgumentError,
  );
  check(
    gamma >= 0 && Number.isFinite(gamma),
    'focal',
    () => `gamma must be a finite number of at least 0, got ${gamma}`,
    ArgumentError,
  );
  let losses = bceWithLogits(logits, target, { reduction: 'none' });
  if (gamma > 0) {
    const p = sigmoid(logits);
    // 1 − pT
    const missed = add(mul(p, add(mul(target, -2), 1)), target);
    losses = mul(losses, pow(missed, gamma));
  }
  if (alpha !== null) losses = mul(losses, add(mul(target, 2 * alpha - 1), 1 - alpha));
  return reduceLoss('focal', losses, reduction);
}
