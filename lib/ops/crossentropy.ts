import { kernelsFor } from '../backend/backend.js';
import { checkFloat, type DType, isFloat } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { AXIS_FIELDS, encode } from '../geometry.js';
import { formatShape, sameShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { add } from './add.js';
import { exp } from './exp.js';
import {
  alongClasses,
  type ClassLossOptions,
  checkClassWeight,
  isCounted,
  oneHotLabels,
  positionWeights,
  reduceLabelled,
  resolveLabels,
} from './labels.js';
import { logSoftmax, logSoftmaxBackward } from './logsoftmax.js';
import { reduceLoss } from './loss.js';
import { mul } from './mul.js';
import { neg } from './neg.js';
import { apply, applyOne, empty, floats, type Op, values } from './op.js';
import { axisGeometry } from './reduction.js';
import { scalarLike } from './scalarlike.js';
import { sub } from './sub.js';
import { sum } from './sum.js';
import { unsqueeze } from './unsqueeze.js';
import { where } from './where.js';

/** Options of {@link crossEntropy}. */
export interface CrossEntropyOptions<D extends DType = DType> extends ClassLossOptions<D> {
  /** Share of each target that is spread evenly over all classes, in [0, 1] (Szegedy et al. 2016). Default 0. */
  labelSmoothing?: number;
}

/** Inputs logits and int32 labels, positions of labels outside [0, classes) count 0; outputs losses and log softmax. */
const op: Op<null> = {
  name: 'crossEntropy',
  forward([input, target]) {
    const [logits, labels] = [input as Tensor, target as Tensor<'int32'>];
    const losses = empty(logits.dtype, labels.shape);
    const logProbabilities = empty(logits.dtype, logits.shape);
    const g = encode(AXIS_FIELDS, axisGeometry(logits.shape, 1));
    const kernels = kernelsFor(logits.dtype);
    kernels.crossEntropyForward(floats(logits), values(labels), floats(losses), floats(logProbabilities), g);
    return [losses, logProbabilities];
  },
  gradient({ input, output }, dlosses: Tensor | null, dlogProbabilities: Tensor | null) {
    const logProbabilities = output(1);
    const fromLosses = dlosses && applyOne(backward, [dlosses, logProbabilities, input(1)], null);
    const fromOutput =
      dlogProbabilities && applyOne(logSoftmaxBackward, [dlogProbabilities, logProbabilities], { axis: 1 });
    return [fromLosses && fromOutput ? add(fromLosses, fromOutput) : (fromLosses ?? fromOutput), null];
  },
  saves: { inputs: [1], outputs: [1] },
};

/** (e^logProbabilities − one-hot label) · dloss, and 0 where a label is ignored. */
const backward: Op<null> = {
  name: 'crossEntropyBackward',
  forward([gradient, given, target]) {
    const [dlosses, logProbabilities, labels] = [gradient as Tensor, given as Tensor, target as Tensor<'int32'>];
    const dlogits = empty(logProbabilities.dtype, logProbabilities.shape);
    const g = encode(AXIS_FIELDS, axisGeometry(dlogits.shape, 1));
    const kernels = kernelsFor(dlogits.dtype);
    kernels.crossEntropyBackward(floats(dlosses), floats(logProbabilities), values(labels), floats(dlogits), g);
    return dlogits;
  },
  gradient({ input, needs }, ddlogits) {
    const [dlosses, logProbabilities] = [input(0), input(1)];
    const hot = oneHotLabels(input(2) as Tensor<'int32'>, logProbabilities);
    const probabilities = mul(exp(logProbabilities), sum(hot, 1, { keepDims: true }));
    return [
      needs[0] ? sum(mul(ddlogits, sub(probabilities, hot)), 1) : null,
      needs[1] ? mul(mul(ddlogits, probabilities), unsqueeze(dlosses, 1)) : null,
      null,
    ];
  },
};

/**
 * Cross-entropy of targets under softmax(logits): −Σ weight[k] · target[k] · log softmax(logits)[k] over the classes k,
 * averaged over positions by default.
 *
 * logits [n, classes] or [n, classes, d1, …]. Targets are labels [n] or [n, d1, …] of int32, int64 or uint8 in [0, classes) or
 * equal to `ignoreIndex`, each standing for one class; or probabilities in the shape and dtype of the logits. With reduction
 * 'none' the result is [n] or [n, d1, …]; the mean of labels divides by the sum of their weights, that of probabilities by the
 * number of positions.
 *
 * @throws ShapeError when shapes do not fit; DTypeError for labels that are no integers; ArgumentError for a label or a
 *   smoothing out of range, or an ignoreIndex beside probabilities
 * @example
 * crossEntropy(tensor([[0, 0]]), tensor([1], { dtype: 'int32' }), { reduction: 'none' }).shape; // [1]
 */
export function crossEntropy<D extends DType>(
  logits: Tensor<D>,
  target: Tensor,
  options: CrossEntropyOptions<D> = {},
): Tensor<D> {
  const { weight = null, labelSmoothing = 0, ignoreIndex, reduction } = options;
  checkFloat('crossEntropy', logits);
  check(logits.rank >= 2, 'crossEntropy', () => `logits must be [n, classes, …], got ${formatShape(logits.shape)}`);
  check(
    labelSmoothing >= 0 && labelSmoothing <= 1,
    'crossEntropy',
    () => `labelSmoothing must be in [0, 1], got ${labelSmoothing}`,
    ArgumentError,
  );
  checkClassWeight('crossEntropy', logits, weight);
  if (isFloat(target.dtype) && sameShape(target.shape, logits.shape)) {
    return ofProbabilities(logits, target as Tensor<D>, options);
  }
  const classes = logits.shape[1];
  const labels = resolveLabels('crossEntropy', logits, target, ignoreIndex);
  const [losses, logProbabilities] = apply(op, [logits, labels.resolved], null) as [Tensor<D>, Tensor<D>];
  const weights = weight && positionWeights(weight, labels.resolved);
  let weighted = weights ? mul(losses, weights) : losses;
  if (labelSmoothing > 0) {
    const counted = isCounted(labels.resolved, classes);
    const ofAll = where(counted, overClasses(logProbabilities, weight), scalarLike(logits, 0));
    weighted = add(mul(weighted, 1 - labelSmoothing), mul(ofAll, labelSmoothing / classes));
  }
  return reduceLabelled('crossEntropy', weighted, labels, classes, weights, reduction);
}

function ofProbabilities<D extends DType>(
  logits: Tensor<D>,
  target: Tensor<D>,
  { weight = null, labelSmoothing = 0, ignoreIndex, reduction }: CrossEntropyOptions<D>,
): Tensor<D> {
  checkFloat('crossEntropy', logits, target);
  check(
    ignoreIndex === undefined,
    'crossEntropy',
    () => `ignoreIndex ${ignoreIndex} is for labels, the target are probabilities`,
    ArgumentError,
  );
  const smoothed = labelSmoothing ? add(mul(target, 1 - labelSmoothing), labelSmoothing / logits.shape[1]) : target;
  const losses = overClasses(mul(logSoftmax(logits, 1), smoothed), weight);
  return reduceLoss('crossEntropy', losses, reduction);
}

/** −Σ weight · terms over the classes. */
function overClasses<D extends DType>(terms: Tensor<D>, weight: Tensor<D> | null): Tensor<D> {
  return neg(sum(weight ? mul(terms, alongClasses(weight, terms)) : terms, 1));
}
