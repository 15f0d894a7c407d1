import type { DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { add } from './add.js';
import { div } from './div.js';
import { checkPaired, type LossOptions, reduceLoss } from './loss.js';
import { mul } from './mul.js';
import { neg } from './neg.js';
import { reshape } from './reshape.js';
import { sum } from './sum.js';

/** Options of {@link dice}. */
export interface DiceOptions extends LossOptions {
  /** Added to both sides of the fraction, so that an empty mask has a loss; at least 0. Default 1. */
  smooth?: number;
}

/**
 * Dice loss of masks (Sudre et al. 2017), averaged over images and channels by default:
 * 1 − (2 · Σ p·target + smooth) / (Σ p + Σ target + smooth), the sums over all pixels of a channel.
 *
 * probabilities and target [n, c, …] in [0, 1], of which sigmoid or softmax make the former; with reduction 'none' the result
 * is [n, c].
 *
 * @throws ShapeError unless both have one shape of at least three axes; ArgumentError unless smooth is a finite number of at
 *   least 0; DTypeError unless both share a floating type
 * @example
 * dice(tensor([[[1, 1, 0]]]), tensor([[[1, 0, 0]]]), { smooth: 0 }).shape; // []
 */
export function dice<D extends DType>(
  probabilities: Tensor<D>,
  target: Tensor<D>,
  options: DiceOptions = {},
): Tensor<D> {
  const { smooth = 1, reduction } = options;
  checkPaired('dice', probabilities, target);
  check(
    probabilities.rank >= 3,
    'dice',
    () => `masks must be [n, channels, …], got ${formatShape(probabilities.shape)}`,
  );
  check(
    smooth >= 0 && Number.isFinite(smooth),
    'dice',
    () => `smooth must be a finite number of at least 0, got ${smooth}`,
    ArgumentError,
  );
  const [n, c, ...pixels] = probabilities.shape;
  const size = pixels.reduce((product, extent) => product * extent, 1);
  const [p, t] = [probabilities, target].map((mask) => reshape(mask, [n, c, size]));
  const shared = add(mul(sum(mul(p, t), 2), 2), smooth);
  const losses = add(neg(div(shared, add(sum(add(p, t), 2), smooth))), 1);
  return reduceLoss('dice', losses, reduction);
}
