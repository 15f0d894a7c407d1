import { full } from '../creation.js';
import { checkFloat, type DType } from '../dtype.js';
import { ArgumentError, check, DTypeError } from '../errors.js';
import { formatShape, sameShape } from '../shape.js';
import { Tensor } from '../tensor.js';
import { cast } from './cast.js';
import { eq } from './eq.js';
import { ge } from './ge.js';
import { indexSelect } from './indexselect.js';
import { logicalAnd } from './logicaland.js';
import { type LossOptions, type LossReduction, reduceLoss } from './loss.js';
import { lt } from './lt.js';
import { mul } from './mul.js';
import { inspect } from './op.js';
import { reshape } from './reshape.js';
import { sum } from './sum.js';
import { where } from './where.js';

/** Options of losses that compare scores of classes with labels. */
export interface ClassLossOptions<D extends DType = DType> extends LossOptions {
  /** Weight of each class [classes], by which its losses count; the mean divides by the sum of those that took part. */
  weight?: Tensor<D> | null;
  /** A label that marks positions to leave out of the loss and of the mean. Default −100. */
  ignoreIndex?: number;
}

/** What stands for every ignored position; any label outside [0, classes) would do. */
const IGNORED = -1;

/** Throws unless `weight` has a number for each class of scores [n, classes, …], of their dtype. */
export function checkClassWeight(operation: string, scores: Tensor, weight: Tensor | null): void {
  if (!weight) return;
  checkFloat(operation, scores, weight);
  check(
    weight.rank === 1 && weight.size === scores.shape[1],
    operation,
    () =>
      `weight must be [${scores.shape[1]}] for scores ${formatShape(scores.shape)}, got ${formatShape(weight.shape)}`,
  );
}

/**
 * Labels of scores [n, classes, …] as int32 [n, …], ignored ones outside [0, classes). Each is checked, in a compiled step
 * before each run; those that the step itself computes cannot be, and count as ignored where they are outside.
 */
export function resolveLabels(operation: string, scores: Tensor, labels: Tensor, ignoreIndex = -100): Tensor<'int32'> {
  check(
    labels.dtype === 'int32' || labels.dtype === 'int64' || labels.dtype === 'uint8',
    operation,
    () =>
      `labels must be int32, int64 or uint8, or probabilities in the shape of the scores ${formatShape(scores.shape)}, got ${labels.dtype} ${formatShape(labels.shape)}`,
    DTypeError,
  );
  const expected = scores.shape.toSpliced(1, 1);
  check(
    sameShape(labels.shape, expected),
    operation,
    () =>
      `labels for scores ${formatShape(scores.shape)} must be ${formatShape(expected)}, got ${formatShape(labels.shape)}`,
  );
  check(
    (ignoreIndex | 0) === ignoreIndex,
    operation,
    () => `ignoreIndex must be an integer of 32 bits, got ${ignoreIndex}`,
    ArgumentError,
  );
  const classes = scores.shape[1];
  inspect(labels, (given) => {
    for (let at = 0; at < given.length; at++) {
      const label = Number(given[at]);
      check(
        label === ignoreIndex || (label >= 0 && label < classes),
        operation,
        () => `label ${label} at position ${at} is outside [0, ${classes})`,
        ArgumentError,
      );
    }
  });
  const resolved = cast(labels, 'int32').detach();
  if (ignoreIndex < 0 || ignoreIndex >= classes) return resolved;
  return where(eq(resolved, ignoreIndex), full([], IGNORED, { dtype: 'int32' }), resolved);
}

/** Which positions count, and as what class: labels with ignored ones replaced by 0. */
export function countedLabels(resolved: Tensor<'int32'>, classes: number): [Tensor<'bool'>, Tensor<'int32'>] {
  const counted = logicalAnd(ge(resolved, 0), lt(resolved, classes));
  return [counted, where(counted, resolved, full([], 0, { dtype: 'int32' }))];
}

/** What each position counts: the weight of its class or 1, and 0 where it is ignored. */
export function positionWeights<D extends DType>(
  resolved: Tensor<'int32'>,
  scores: Tensor<D>,
  weight: Tensor<D> | null,
): Tensor<D> {
  const [counted, safe] = countedLabels(resolved, scores.shape[1]);
  const ones = cast(counted, scores.dtype);
  return weight ? mul(indexSelect(weight, 0, safe), ones) : ones;
}

/** Applies a reduction; the mean divides by the sum of what positions count, which is `weights` unless all classes count 1. */
export function reduceCounted<D extends DType>(
  operation: string,
  losses: Tensor<D>,
  [resolved, scores, weights]: readonly [Tensor<'int32'>, Tensor<D>, Tensor<D> | null],
  reduction?: LossReduction,
): Tensor<D> {
  return reduceLoss(operation, losses, reduction, () => sum(weights ?? positionWeights(resolved, scores, null)));
}

/** A number for each class, to multiply scores [n, classes, …] by. */
export function alongClasses<D extends DType>(weight: Tensor<D>, scores: Tensor): Tensor<D> {
  return reshape(weight, [weight.size, ...new Array<number>(scores.rank - 2).fill(1)]);
}

/** Ones at the labels, in the shape of the scores; none where a label is ignored. */
export function oneHotLabels(labels: Tensor<'int32'>, scores: Tensor): Tensor {
  const classes = Int32Array.from({ length: scores.shape[1] }, (_, i) => i);
  const positions = alongClasses(new Tensor('int32', classes), scores);
  return cast(eq(reshape(labels, scores.shape.with(1, 1)), positions), scores.dtype);
}
