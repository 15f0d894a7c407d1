import { kernelsFor } from '../backend/backend.js';
import { checkFloat, type DType } from '../dtype.js';
import { check } from '../errors.js';
import { UNARY_OPERATIONS } from '../kernels/operations.js';
import { broadcastShapes, formatShape, sameShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { add } from './add.js';
import { div } from './div.js';
import { checkPaired, type LossOptions, reduceLoss } from './loss.js';
import { maximum } from './maximum.js';
import { mul } from './mul.js';
import { neg } from './neg.js';
import { applyOne, empty, floats, type Op } from './op.js';

/** Options of losses of two classes. */
export interface BinaryLossOptions<D extends DType = DType> extends LossOptions {
  /** Weight of each element; broadcasts to the losses. The mean divides by their number all the same. Default 1. */
  weight?: Tensor<D> | null;
}

/** Below it a logarithm is cut off, and the slope of one with it: an infinity would leave nothing of a mean. */
const LEAST_LOG = -100;
const LEAST_PROBABILITY = 1e-12;

/** max(log p, −100) with gradient 1 / max(p, 1e-12), as PyTorch has them in its binary cross-entropy. */
const boundedLog: Op<null> = {
  name: 'boundedLog',
  forward([input]) {
    const p = input as Tensor;
    const [logs, y] = [empty(p.dtype, p.shape), empty(p.dtype, p.shape)];
    const kernels = kernelsFor(p.dtype);
    kernels.unary(UNARY_OPERATIONS.indexOf('log'), floats(p), floats(logs), 0, 0);
    kernels.unary(UNARY_OPERATIONS.indexOf('clip'), floats(logs), floats(y), LEAST_LOG, Infinity);
    return y;
  },
  gradient: ({ input }, dy) => [div(dy, maximum(input(0), LEAST_PROBABILITY))],
};

/**
 * Binary cross-entropy of targets in [0, 1] under probabilities in [0, 1], averaged over all elements by default:
 * −(target · log p + (1 − target) · log(1 − p)), logarithms being at least −100. {@link bceWithLogits} is more exact.
 *
 * @throws ShapeError unless probabilities and target have one shape, to which weight broadcasts; DTypeError unless all share
 *   a floating type
 * @example
 * bce(tensor([1, 0]), tensor([1, 1]), { reduction: 'none' }).toArray(); // [0, 100]
 */
export function bce<D extends DType>(
  probabilities: Tensor<D>,
  target: Tensor<D>,
  options: BinaryLossOptions<D> = {},
): Tensor<D> {
  checkPaired('bce', probabilities, target);
  const log = (p: Tensor<D>) => applyOne(boundedLog, [p], null) as Tensor<D>;
  const complement = (v: Tensor<D>) => add(neg(v), 1);
  const likelihood = add(mul(target, log(probabilities)), mul(complement(target), log(complement(probabilities))));
  return reduceLoss('bce', weighted('bce', neg(likelihood), 'weight', options.weight), options.reduction);
}

/** Multiplies by a weight that must broadcast to the shape of x, if there is one. */
export function weighted<D extends DType>(
  operation: string,
  x: Tensor<D>,
  name: string,
  weight?: Tensor<D> | null,
): Tensor<D> {
  if (!weight) return x;
  checkFloat(operation, x, weight);
  check(
    sameShape(broadcastShapes(operation, weight.shape, x.shape), x.shape),
    operation,
    () => `${name} ${formatShape(weight.shape)} does not broadcast to ${formatShape(x.shape)}`,
  );
  return mul(x, weight);
}
