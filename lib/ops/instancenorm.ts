import { noGrad } from '../autograd.js';
import type { DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { formatShape, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { batchNorm, moveTowards } from './batchnorm.js';
import { normaliseGroups } from './channelnorm.js';
import type { NormOptions } from './layernorm.js';
import { mean } from './mean.js';
import { reshape } from './reshape.js';
import { square } from './square.js';
import { sub } from './sub.js';

/** Options of {@link instanceNorm}. */
export interface InstanceNormOptions<D extends DType = DType> extends NormOptions {
  /** Normalise with the statistics of x, and move the running ones towards them; else with the running ones. Default true. */
  training?: boolean;
  /** Running mean and variance [c]; needed outside training, updated in place in training. */
  runningMean?: Tensor<D> | null;
  runningVar?: Tensor<D> | null;
  /** Weight of the new statistics in the running ones, in [0, 1]. Default 0.1. */
  momentum?: number;
}

/**
 * Instance normalisation (Ulyanov et al. 2016): every channel of every example with its own statistics, a group norm of
 * one channel a group. x [n, c, …], weight and bias [c] or null (1 and 0).
 *
 * Running statistics move towards the average over the examples, of the variance the unbiased one, as in PyTorch.
 *
 * @throws ShapeError when x has no channel or no other axis, sizes do not fit, or running statistics see one value per
 *   channel; ArgumentError when they are missing outside training or options are out of range; DTypeError unless all share a
 *   floating type
 * @example
 * instanceNorm(tensor([[[1, 3], [7, 7]]]), null, null, { eps: 0.5 }).shape; // [1, 2, 2]
 */
export function instanceNorm<D extends DType>(
  x: Tensor<D>,
  weight: Tensor<D> | null = null,
  bias: Tensor<D> | null = null,
  options: InstanceNormOptions<D> = {},
): Tensor<D> {
  const { training = true, runningMean = null, runningVar = null, momentum = 0.1, eps = 1e-5 } = options;
  check(
    x.rank >= 3 && x.shape[1] > 0,
    'instanceNorm',
    () => `x must be [n, channels, size, …] with at least one channel, got ${formatShape(x.shape)}`,
  );
  check(
    momentum >= 0 && momentum <= 1,
    'instanceNorm',
    () => `momentum must be in [0, 1], got ${momentum}`,
    ArgumentError,
  );
  const given = [runningMean, runningVar].filter((v) => v !== null);
  check(
    training || given.length === 2,
    'instanceNorm',
    () => 'runningMean and runningVar are needed outside training',
    ArgumentError,
  );
  const [n, c] = x.shape;
  for (const v of given) {
    check(
      v.rank === 1 && v.size === c,
      'instanceNorm',
      () => `running statistics must be [${c}] for x ${formatShape(x.shape)}, got ${formatShape(v.shape)}`,
    );
  }
  if (!training) return batchNorm(x, weight, bias, { runningMean, runningVar, eps });
  if (given.length > 0) {
    const size = sizeOf(x.shape.slice(2));
    check(size > 1 && n > 0, 'instanceNorm', () => `statistics need more than one value, x is ${formatShape(x.shape)}`);
    noGrad(() => {
      const planes = reshape(x, [n, c, size]);
      const means = mean(planes, 2, { keepDims: true });
      const variances = mean(square(sub(planes, means)), 2);
      if (runningMean) moveTowards(runningMean, mean(means, [0, 2]), momentum, 1);
      if (runningVar) moveTowards(runningVar, mean(variances, 0), momentum, size / (size - 1));
    });
  }
  return normaliseGroups('instanceNorm', x, c, weight, bias, eps);
}
