import { ArgumentError, check } from '../../errors.js';
import { oneHot } from '../../ops/onehot.js';
import { formatShape } from '../../shape.js';
import { Tensor } from '../../tensor.js';

/** Which class an explanation is of. */
export interface TargetOptions {
  /** The class, one for all images or one for each [n]. Default: the one with the largest score. */
  target?: number | Tensor | readonly number[];
}

/** Classes that images are explained for, and the sum of their scores, of which each image has its own part. */
export interface Score {
  readonly sum: Tensor;
  readonly classes: readonly number[];
}

/**
 * The scores [n, classes] of the classes that are to be explained.
 *
 * @throws ShapeError when the output is something else; ArgumentError for classes that it does not have
 */
export function scoreOf(operation: string, output: Tensor, target: TargetOptions['target']): Score {
  check(
    output.rank === 2 && output.shape[1] > 0,
    operation,
    () => `the model's output must be scores [n, classes], got ${formatShape(output.shape)}`,
  );
  const [n, count] = output.shape;
  const given = typeof target === 'number' ? new Array<number>(n).fill(target) : (target ?? output.argmax(1));
  const classes = Array.from(given instanceof Tensor ? given.storage.read() : given, Number);
  check(
    classes.length === n && classes.every((label) => Number.isInteger(label) && label >= 0 && label < count),
    operation,
    () => `target must be ${n} classes in [0, ${count}), one for each image, got ${classes.join(', ')}`,
    ArgumentError,
  );
  const chosen = oneHot(new Tensor('int32', Int32Array.from(classes)), count, { dtype: 'float32' });
  return { sum: output.mul(chosen).sum(), classes };
}
