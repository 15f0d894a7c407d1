import { ones, zeros } from '../creation.js';
import { whole } from '../geometry.js';
import type { InstanceNormOptions } from '../ops/instancenorm.js';
import { Tensor } from '../tensor.js';
import { buffer, Module, parameter } from './module.js';

/** Options of batch and instance normalisations. */
export interface ChannelNormOptions {
  /** Added to the variance. Default 1e-5. */
  eps?: number;
  /** Weight of new statistics in the running ones, in [0, 1]. Default 0.1. */
  momentum?: number;
  /** Learn a scale and an offset per channel. Default true for batch normalisations, false for instance normalisations. */
  affine?: boolean;
  /** Keep running statistics for inference; without them each input is normalised by its own. Default as for `affine`. */
  trackRunningStats?: boolean;
}

/** What normalisations with a scale, an offset and running statistics per channel share. */
export abstract class ChannelNorm extends Module {
  readonly weight: Tensor<'float32'> | null;
  readonly bias: Tensor<'float32'> | null;
  readonly runningMean: Tensor<'float32'> | null;
  readonly runningVar: Tensor<'float32'> | null;
  /** How many batches the running statistics have seen. */
  readonly numBatchesTracked: Tensor<'int64'> | null;
  readonly eps: number;
  readonly momentum: number;

  protected constructor(
    channels: number,
    { eps = 1e-5, momentum = 0.1, affine, trackRunningStats }: ChannelNormOptions,
  ) {
    super();
    whole(new.target.name, 'channels', channels, 1);
    this.eps = eps;
    this.momentum = momentum;
    this.weight = affine ? parameter(ones([channels])) : null;
    this.bias = affine ? parameter(zeros([channels])) : null;
    this.runningMean = trackRunningStats ? buffer(zeros([channels])) : null;
    this.runningVar = trackRunningStats ? buffer(ones([channels])) : null;
    this.numBatchesTracked = trackRunningStats ? buffer(new Tensor('int64', new BigInt64Array(1), [])) : null;
  }

  /** For the op that normalises, as things stand. */
  protected get options(): InstanceNormOptions<'float32'> {
    const { runningMean, runningVar, momentum, eps } = this;
    return { training: this.training || runningMean === null, runningMean, runningVar, momentum, eps };
  }
}
