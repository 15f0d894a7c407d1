import { noGrad } from '../autograd.js';
import { checkFloat, type DType } from '../dtype.js';
import { check } from '../errors.js';
import { broadcastShapes, formatShape, sameShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { add } from './add.js';
import { clip } from './clip.js';
import { div } from './div.js';
import { log } from './log.js';
import { checkPaired, type LossOptions, reduceLoss } from './loss.js';
import { maximum } from './maximum.js';
import { mul } from './mul.js';
import { neg } from './neg.js';
import { applyOne, type Op } from './op.js';
import { sub } from './sub.js';

/** Options of losses of two classes. */
export interface BinaryLossOptions<D extends DType = DType> extends LossOptions {
  /** Weight of each element; broadcasts to the losses. The mean divides by their number all the same. Default 1. */
  weight?: Tensor<D> | null;
}

/** Logarithms are cut off below: an infinity would leave nothing of a mean. */
const LEAST_LOG = -100;
/** Least variance p · (1 − p) that a gradient is divided by. */
const LEAST_VARIANCE = 1e-12;

const complement = <D extends DType>(v: Tensor<D>) => add(neg(v), 1);
const boundedLog = (p: Tensor) => clip(log(p), LEAST_LOG, Infinity);

/** Losses of probabilities and targets. Of its own for its gradient, which is finite where the logarithms end. */
const op: Op<null> = {
  name: 'bce',
  forward: (inputs) =>
    noGrad(() => {
      const [p, t] = inputs as [Tensor, Tensor];
      return sub(mul(sub(t, 1), boundedLog(complement(p))), mul(t, boundedLog(p)));
    }),
  gradient({ input, needs }, dy) {
    const [p, t] = [input(0), input(1)];
    return [
      needs[0] ? mul(dy, div(sub(p, t), maximum(mul(p, complement(p)), LEAST_VARIANCE))) : null,
      needs[1] ? mul(dy, sub(boundedLog(complement(p)), boundedLog(p))) : null,
    ];
  },
};

/**
 * Binary cross-entropy of targets in [0, 1] under probabilities in [0, 1], averaged over all elements by default:
 * −(target · log p + (1 − target) · log(1 − p)), NaN for p outside. Logarithms are at least −100, and the gradient is
 * p − target divided by at least 1e-12, as in PyTorch. {@link bceWithLogits} is more exact.
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
  const losses = applyOne(op, [probabilities, target], null) as Tensor<D>;
  return reduceLoss('bce', weighted('bce', losses, 'weight', options.weight), options.reduction);
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
