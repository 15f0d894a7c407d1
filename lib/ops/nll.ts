import { checkFloat, type DType } from '../dtype.js';
import { check } from '../errors.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { gather } from './gather.js';
import {
  type ClassLossOptions,
  checkClassWeight,
  isCounted,
  positionWeights,
  reduceLabelled,
  resolveLabels,
  safeLabels,
} from './labels.js';
import { mul } from './mul.js';
import { neg } from './neg.js';
import { scalarLike } from './scalarlike.js';
import { squeeze } from './squeeze.js';
import { unsqueeze } from './unsqueeze.js';
import { where } from './where.js';

/**
 * Negative log-likelihood −logProbabilities[label] · weight[label] of integer labels, such as logSoftmax gives them, averaged
 * over positions by default; {@link crossEntropy} does both at once.
 *
 * logProbabilities [n, classes] or [n, classes, d1, …], labels [n] or [n, d1, …] of int32, int64 or uint8 in [0, classes) or
 * equal to `ignoreIndex`. With reduction 'none' the result has the labels' shape.
 *
 * @throws ShapeError when shapes do not fit; DTypeError for labels that are no integers; ArgumentError for a label out of
 *   range
 * @example
 * nll(tensor([[-1, -2], [-3, -4]]), tensor([1, 0], { dtype: 'int32' })).item(); // 2.5
 */
export function nll<D extends DType>(
  logProbabilities: Tensor<D>,
  labels: Tensor,
  options: ClassLossOptions<D> = {},
): Tensor<D> {
  const { weight = null, ignoreIndex, reduction } = options;
  checkFloat('nll', logProbabilities);
  check(
    logProbabilities.rank >= 2,
    'nll',
    () => `logProbabilities must be [n, classes, …], got ${formatShape(logProbabilities.shape)}`,
  );
  checkClassWeight('nll', logProbabilities, weight);
  const classes = logProbabilities.shape[1];
  const given = resolveLabels('nll', logProbabilities, labels, ignoreIndex);
  const counted = isCounted(given.resolved, classes);
  const picked = squeeze(gather(logProbabilities, 1, unsqueeze(safeLabels(given.resolved, counted), 1)), 1);
  // not by multiplication: a probability of 0 has an infinite logarithm
  const losses = where(counted, neg(picked), scalarLike(picked, 0));
  const weights = weight && positionWeights(weight, given.resolved);
  return reduceLabelled('nll', weights ? mul(losses, weights) : losses, given, classes, weights, reduction);
}
