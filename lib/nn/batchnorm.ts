import { check } from '../errors.js';
import { batchNorm } from '../ops/batchnorm.js';
import { onRun } from '../ops/op.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { ChannelNorm, type ChannelNormOptions } from './channelnorm.js';

/** What batch normalisations of all shapes share. */
abstract class BatchNorm extends ChannelNorm {
  constructor(channels: number, { affine = true, trackRunningStats = true, ...options }: ChannelNormOptions = {}) {
    super(channels, { ...options, affine, trackRunningStats });
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    this.checkInput(x);
    const y = batchNorm(x, this.weight, this.bias, this.options);
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
