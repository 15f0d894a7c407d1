import { noGrad } from '../../autograd.js';
import { check } from '../../errors.js';
import { formatShape, sameShape } from '../../shape.js';
import type { Tensor } from '../../tensor.js';

/** The class that each position was taken for, and the one that it is. */
export interface Answers {
  readonly classes: number;
  readonly predicted: Int32Array;
  /** Outside [0, classes) where a position does not count, such as those with the label that a loss ignores. */
  readonly labels: ArrayLike<number>;
}

/** Where a probability or a soft label is taken for a yes. */
const HALF = 0.5;

/**
 * What outputs answer and targets want. Scores [n, classes, d…] go with labels [n, d…] of integers or with soft labels
 * [n, classes, d…], and the largest score is the answer; logits of one class, [n] or [n, 1, d…], go with targets 0 … 1 of
 * as many elements, and are a yes above 0.
 *
 * @throws ShapeError when the shapes do not go together
 */
export function answersOf(operation: string, output: Tensor, target: Tensor): Answers {
  const classes = output.rank > 1 ? output.shape[1] : 1;
  if (classes === 1) return yesOrNo(operation, output, target);
  const predicted = argmax(output);
  if (target.isFloat() && sameShape(target.shape, output.shape)) {
    return { classes, predicted, labels: argmax(target) };
  }
  check(!target.isFloat() && sameShape(target.shape, output.shape.toSpliced(1, 1)), operation, () =>
    mismatch(output, target),
  );
  return { classes, predicted, labels: labelsOf(target) };
}

/** Integer labels as numbers. */
export function labelsOf(target: Tensor): ArrayLike<number> {
  const labels = target.storage.read();
  return labels instanceof BigInt64Array ? Float64Array.from(labels, Number) : labels;
}

export function mismatch(output: Tensor, target: Tensor): string {
  return `output ${formatShape(output.shape)} does not go with targets ${target.dtype} ${formatShape(target.shape)}; scores [n, classes, …] go with integer labels [n, …]`;
}

function argmax(scores: Tensor): Int32Array {
  return noGrad(() => scores.argmax(1)).storage.values;
}

function yesOrNo(operation: string, output: Tensor, target: Tensor): Answers {
  check(target.size === output.size, operation, () => mismatch(output, target));
  return {
    classes: 2,
    predicted: Int32Array.from(output.storage.read() as Float32Array, (logit) => (logit > 0 ? 1 : 0)),
    labels: target.isFloat()
      ? Int32Array.from(target.storage.read(), (label) => (label >= HALF ? 1 : 0))
      : labelsOf(target),
  };
}
