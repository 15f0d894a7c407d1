import { checkFloat, type DType, type TypedArray } from '../dtype.js';
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
import { scalarLike } from './scalarlike.js';
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

/** Labels of scores [n, classes, …] as kernels take them. */
export interface Labels {
  /** int32 [n, …], ignored ones outside [0, classes). */
  resolved: Tensor<'int32'>;
  /** How many are not ignored; null where that is only known when a graph runs. */
  count: number | null;
}

/**
 * Labels are checked, in a compiled step before each run; those that the step itself computes cannot be, and count as
 * ignored where they are outside.
 */
export function resolveLabels(operation: string, scores: Tensor, labels: Tensor, ignoreIndex = -100): Labels {
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
  let count: number | null = null;
  inspect(labels, (values) => {
    count = countLabels(operation, values, classes, ignoreIndex);
  });
  const given = cast(labels, 'int32').detach();
  const isLabel = ignoreIndex >= 0 && ignoreIndex < classes && count !== labels.size;
  return { resolved: isLabel ? where(eq(given, ignoreIndex), scalarLike(given, IGNORED), given) : given, count };
}

/** Checks labels, and counts those that are not ignored. */
function countLabels(operation: string, values: TypedArray, classes: number, ignoreIndex: number): number {
  let count = 0;
  for (let at = 0; at < values.length; at++) {
    const label = Number(values[at]);
    if (label === ignoreIndex) continue;
    // A rule made for each label would take ten times as long, and there are as many as pixels in a batch of maps.
    if (label < 0 || label >= classes) {
      throw new ArgumentError(`${operation}: label ${label} at position ${at} is outside [0, ${classes})`);
    }
    count++;
  }
  return count;
}

/** Which positions count. */
export function isCounted(resolved: Tensor<'int32'>, classes: number): Tensor<'bool'> {
  return logicalAnd(ge(resolved, 0), lt(resolved, classes));
}

/** Labels with ignored ones replaced by 0, to read with; what is read there must not be used. */
export function safeLabels(resolved: Tensor<'int32'>, counted: Tensor<'bool'>): Tensor<'int32'> {
  return where(counted, resolved, scalarLike(resolved, 0));
}

/** The weight of each position's class, and 0 where it is ignored. */
export function positionWeights<D extends DType>(weight: Tensor<D>, resolved: Tensor<'int32'>): Tensor<D> {
  const counted = isCounted(resolved, weight.size);
  return mul(indexSelect(weight, 0, safeLabels(resolved, counted)), cast(counted, weight.dtype));
}

/** Applies a reduction; the mean divides by the sum of the positions' weights, or by how many are not ignored. */
export function reduceLabelled<D extends DType>(
  operation: string,
  losses: Tensor<D>,
  { resolved, count }: Labels,
  classes: number,
  weights: Tensor<D> | null,
  reduction?: LossReduction,
): Tensor<D> {
  const total = () => (weights ? sum(weights) : (count ?? sum(cast(isCounted(resolved, classes), losses.dtype))));
  return reduceLoss(operation, losses, reduction, total);
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
