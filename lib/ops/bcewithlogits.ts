import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { add } from './add.js';
import { type BinaryLossOptions, weighted } from './bce.js';
import { checkPaired, reduceLoss } from './loss.js';
import { mul } from './mul.js';
import { neg } from './neg.js';
import { softplus } from './softplus.js';

/** Options of {@link bceWithLogits}. */
export interface BceWithLogitsOptions<D extends DType = DType> extends BinaryLossOptions<D> {
  /** By how much a target of 1 counts more than one of 0; broadcasts to the logits. Default 1. */
  posWeight?: Tensor<D> | null;
}

/**
 * Binary cross-entropy of targets in [0, 1] under sigmoid(logits), averaged over all elements by default:
 * −(posWeight · target · log sigmoid(logits) + (1 − target) · log(1 − sigmoid(logits))), without overflow.
 *
 * @throws ShapeError unless logits and target have one shape, to which weight and posWeight broadcast; DTypeError unless all
 *   share a floating type
 * @example
 * bceWithLogits(tensor([0, 1000]), tensor([1, 1]), { reduction: 'none' }).shape; // [2]
 */
export function bceWithLogits<D extends DType>(
  logits: Tensor<D>,
  target: Tensor<D>,
  options: BceWithLogitsOptions<D> = {},
): Tensor<D> {
  const { posWeight, reduction } = options;
  checkPaired('bceWithLogits', logits, target);
  const negative = add(neg(target), 1);
  const ofTargets = posWeight ? add(negative, weighted('bceWithLogits', target, 'posWeight', posWeight)) : null;
  const distance = softplus(neg(logits));
  const losses = add(mul(negative, logits), ofTargets ? mul(ofTargets, distance) : distance);
  return reduceLoss('bceWithLogits', weighted('bceWithLogits', losses, 'weight', options.weight), reduction);
}
