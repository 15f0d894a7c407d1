import { ones, zeros } from '../creation.js';
import { check } from '../errors.js';
import { whole } from '../geometry.js';
import { batchNorm } from '../ops/batchnorm.js';
import { onRun } from '../ops/op.js';
import { formatShape } from '../shape.js';
import { Tensor } from '../tensor.js';
import { buffer, Module, parameter } from './module.js';

/** Options of {@link BatchNorm1d} and {@link BatchNorm2d}. */
export interface BatchNormLayerOptions {
  /** Added to the variance. Default 1e-5. */
  eps?: number;
  /** Weight of new statistics in the running ones, in [0, 1]. Default 0.1. */
  momentum?: number;
  /** Learn a scale and an offset per channel. Default true. */
  affine?: boolean;
  /** Keep running statistics for inference; without them every batch is normalised by its own. Default true. */
  trackRunningStats?: boolean;
}

/** What batch normalisations of all shapes share. */
abstract class BatchNorm extends Module {
  readonly weight: Tensor<'float32'> | null;
  readonly bias: Tensor<'float32'> | null;
  readonly runningMean: Tensor<'float32'> | null;
  readonly runningVar: Tensor<'float32'> | null;
  /** How many batches the running statistics have seen. */
  readonly numBatchesTracked: Tensor<'int64'> | null;
  readonly eps: number;
  readonly momentum: number;

  constructor(channels: number, options: BatchNormLayerOptions = {}) {
    super();
    const { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true } = options;
    whole(new.target.name, 'channels', channels, 1);
    this.eps = eps;
    this.momentum = momentum;
    this.weight = affine ? parameter(ones([channels])) : null;
    this.bias = affine ? parameter(zeros([channels])) : null;
    this.runningMean = trackRunningStats ? buffer(zeros([channels])) : null;
    this.runningVar = trackRunningStats ? buffer(ones([channels])) : null;
    this.numBatchesTracked = trackRunningStats ? buffer(new Tensor('int64', new BigInt64Array(1), [])) : null;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    this.checkInput(x);
    const y = batchNorm(x, this.weight, this.bias, {
      training: this.training || this.runningMean === null,
      runningMean: this.runningMean,
      runningVar: this.runningVar,
      momentum: this.momentum,
      eps: this.eps,
    });
    const tracked = this.training && this.numBatchesTracked?.storage;
    if (tracked) {
      onRun(() => {
        tracked.values[0]++;
        tracked.version++;
      });
    }
    return y;
  }

  protected abstract checkInput(x: Tensor): void;
}

/**
 * Batch normalisation of x [n, channels] or [n, channels, length] (Ioffe and Szegedy 2015); see {@link batchNorm}.
 *
 * Parameters: weight [channels] ones, bias [channels] zeros. Buffers: running_mean, running_var, num_batches_tracked.
 *
 * @throws ArgumentError for channels below 1
 * @example
 * new nn.BatchNorm1d(3).eval().forward(zeros([2, 3])).shape; // [2, 3]
 */
export class BatchNorm1d extends BatchNorm {
  protected checkInput({ rank, shape }: Tensor): void {
    check(
      rank === 2 || rank === 3,
      'BatchNorm1d',
      () => `x must be [n, channels] or [n, channels, length], got ${formatShape(shape)}`,
    );
  }
}

/**
 * Batch normalisation of x [n, channels, h, w] (Ioffe and Szegedy 2015); see {@link batchNorm}.
 *
 * Parameters: weight [channels] ones, bias [channels] zeros. Buffers: running_mean, running_var, num_batches_tracked.
 *
 * @throws ArgumentError for channels below 1
 * @example
 * new nn.BatchNorm2d(3).eval().forward(zeros([1, 3, 2, 2])).shape; // [1, 3, 2, 2]
 */
export class BatchNorm2d extends BatchNorm {
  protected checkInput({ rank, shape }: Tensor): void {
    check(rank === 4, 'BatchNorm2d', () => `x must be [n, channels, height, width], got ${formatShape(shape)}`);
  }
}
