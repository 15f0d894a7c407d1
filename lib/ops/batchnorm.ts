import { tensor } from '../creation.js';
import { checkFloat, type DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import type { ChannelGeometry } from '../geometry.js';
import { formatShape, type Shape, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { blend } from './blend.js';
import { channelNorm } from './channelnorm.js';
import { apply } from './op.js';

/** Options of {@link batchNorm}. */
export interface BatchNormOptions<D extends DType = DType> {
  /** Normalise with the statistics of this batch, and move the running ones towards them. Default false. */
  training?: boolean;
  /** Running mean and variance [c]; needed outside training, updated in place in training. */
  runningMean?: Tensor<D> | null;
  runningVar?: Tensor<D> | null;
  /** Weight of the new statistics in the running ones, in [0, 1]. Default 0.1. */
  momentum?: number;
  /** Added to the variance. Default 1e-5. */
  eps?: number;
}

/**
 * Batch normalisation (Ioffe and Szegedy 2015): y = (x − mean) / √(variance + eps) · weight + bias, per channel.
 *
 * x [n, c, …], weight and bias [c] or null (1 and 0). In training mean and variance are those of the batch (biased) and
 * the running ones become (1 − momentum) · running + momentum · batch, with the unbiased variance, as in PyTorch.
 *
 * @throws ShapeError when x has no channel axis, sizes differ, or training sees one value per channel; ArgumentError when
 *   running statistics are missing outside training or options are out of range; DTypeError unless all share a floating type
 * @example
 * batchNorm(tensor([[1], [3]]), null, null, { training: true, eps: 0 }).toArray(); // [[-1], [1]]
 */
export function batchNorm<D extends DType>(
  x: Tensor<D>,
  weight: Tensor<D> | null = null,
  bias: Tensor<D> | null = null,
  options: BatchNormOptions<D> = {},
): Tensor<D> {
  const { training = false, runningMean = null, runningVar = null, momentum = 0.1, eps = 1e-5 } = options;
  const geometry = checkArguments(x, { weight, bias, runningMean, runningVar });
  check(eps >= 0, 'batchNorm', () => `eps must be at least 0, got ${eps}`, ArgumentError);
  check(
    momentum >= 0 && momentum <= 1,
    'batchNorm',
    () => `momentum must be in [0, 1], got ${momentum}`,
    ArgumentError,
  );
  if (!training) {
    check(
      runningMean !== null && runningVar !== null,
      'batchNorm',
      () => 'runningMean and runningVar are needed outside training',
      ArgumentError,
    );
    const inputs = [x, weight, bias, runningMean, runningVar];
    return apply(channelNorm, inputs, { geometry, eps, batchStatistics: false })[0] as Tensor<D>;
  }
  const count = geometry.n * geometry.size;
  check(count > 1, 'batchNorm', () => `training needs more than one value per channel, x is ${formatShape(x.shape)}`);
  const [y, mu, variance] = apply(channelNorm, [x, weight, bias, null, null], { geometry, eps, batchStatistics: true });
  if (runningMean) moveTowards(runningMean, mu, momentum, 1);
  if (runningVar) moveTowards(runningVar, variance, momentum, count / (count - 1));
  return y as Tensor<D>;
}

/** running = (1 − momentum) · running + momentum · correction · batch, in place. */
export function moveTowards(running: Tensor, batch: Tensor, momentum: number, correction: number): void {
  blend(running, batch, tensor([1 - momentum, momentum * correction], { dtype: running.dtype }));
}

function checkArguments(x: Tensor, perChannel: Record<string, Tensor | null>): ChannelGeometry {
  checkFloat('batchNorm', x, ...Object.values(perChannel).filter((v) => v !== null));
  check(x.rank >= 2, 'batchNorm', () => `x must be [n, channels, …], got ${formatShape(x.shape)}`);
  const [n, c] = x.shape;
  for (const [name, v] of Object.entries(perChannel)) {
    const expected: Shape = [c];
    check(
      !v || (v.rank === 1 && v.size === c),
      'batchNorm',
      () =>
        `${name} must be ${formatShape(expected)} for x ${formatShape(x.shape)}, got ${formatShape((v as Tensor).shape)}`,
    );
  }
  return { n, c, size: sizeOf(x.shape.slice(2)) };
}
