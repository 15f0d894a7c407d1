import { check } from '../errors.js';
import { instanceNorm } from '../ops/instancenorm.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { ChannelNorm, type ChannelNormOptions } from './channelnorm.js';

/**
 * Instance normalisation of x [n, channels, h, w] (Ulyanov et al. 2016); see {@link instanceNorm}.
 *
 * Unlike batch normalisation it has by default neither parameters nor running statistics. With `affine` weight [channels] ones
 * and bias [channels] zeros; with `trackRunningStats` the buffers running_mean, running_var, and num_batches_tracked, which
 * stays 0, as in PyTorch.
 *
 * @throws ArgumentError for channels below 1
 * @example
 * new nn.InstanceNorm2d(3).forward(zeros([1, 3, 2, 2])).shape; // [1, 3, 2, 2]
 */
export class InstanceNorm2d extends ChannelNorm {
  constructor(channels: number, { affine = false, trackRunningStats = false, ...options }: ChannelNormOptions = {}) {
    super(channels, { ...options, affine, trackRunningStats });
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    check(x.rank === 4, 'InstanceNorm2d', () => `x must be [n, channels, height, width], got ${formatShape(x.shape)}`);
    return instanceNorm(x, this.weight, this.bias, this.options);
  }
}
