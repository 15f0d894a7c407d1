import { ones, zeros } from '../creation.js';
import { check } from '../errors.js';
import { whole } from '../geometry.js';
import { instanceNorm } from '../ops/instancenorm.js';
import { formatShape } from '../shape.js';
import { Tensor } from '../tensor.js';
import type { BatchNormLayerOptions } from './batchnorm.js';
import { buffer, Module, parameter } from './module.js';

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
export class InstanceNorm2d extends Module {
  readonly weight: Tensor<'float32'> | null;
  readonly bias: Tensor<'float32'> | null;
  readonly runningMean: Tensor<'float32'> | null;
  readonly runningVar: Tensor<'float32'> | null;
  readonly numBatchesTracked: Tensor<'int64'> | null;
  readonly eps: number;
  readonly momentum: number;

  constructor(channels: number, options: BatchNormLayerOptions = {}) {
    super();
    const { eps = 1e-5, momentum = 0.1, affine = false, trackRunningStats = false } = options;
    whole('InstanceNorm2d', 'channels', channels, 1);
    this.eps = eps;
    this.momentum = momentum;
    this.weight = affine ? parameter(ones([channels])) : null;
    this.bias = affine ? parameter(zeros([channels])) : null;
    this.runningMean = trackRunningStats ? buffer(zeros([channels])) : null;
    this.runningVar = trackRunningStats ? buffer(ones([channels])) : null;
    this.numBatchesTracked = trackRunningStats ? buffer(new Tensor('int64', new BigInt64Array(1), [])) : null;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    check(x.rank === 4, 'InstanceNorm2d', () => `x must be [n, channels, height, width], got ${formatShape(x.shape)}`);
    return instanceNorm(x, this.weight, this.bias, {
      training: this.training || this.runningMean === null,
      runningMean: this.runningMean,
      runningVar: this.runningVar,
      momentum: this.momentum,
      eps: this.eps,
    });
  }
}
