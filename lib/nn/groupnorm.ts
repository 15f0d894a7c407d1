import { ones, zeros } from '../creation.js';
import { ArgumentError, check } from '../errors.js';
import { whole } from '../geometry.js';
import { groupNorm } from '../ops/groupnorm.js';
import type { NormOptions } from '../ops/layernorm.js';
import type { Tensor } from '../tensor.js';
import { Module, parameter } from './module.js';

/** Options of {@link GroupNorm}. */
export interface GroupNormLayerOptions extends NormOptions {
  /** Learn a scale and an offset per channel. Default true. */
  affine?: boolean;
}

/**
 * Group normalisation of x [n, channels, …] (Wu and He 2018); see {@link groupNorm}.
 *
 * Parameters: weight [channels] ones, bias [channels] zeros.
 *
 * @throws ArgumentError for sizes below 1, or groups that do not divide the channels
 * @example
 * new nn.GroupNorm(2, 6).forward(zeros([1, 6, 3, 3])).shape; // [1, 6, 3, 3]
 */
export class GroupNorm extends Module {
  readonly groups: number;
  readonly weight: Tensor<'float32'> | null;
  readonly bias: Tensor<'float32'> | null;
  readonly eps: number;

  constructor(groups: number, channels: number, { eps = 1e-5, affine = true }: GroupNormLayerOptions = {}) {
    super();
    whole('GroupNorm', 'groups', groups, 1);
    whole('GroupNorm', 'channels', channels, 1);
    check(
      channels % groups === 0,
      'GroupNorm',
      () => `${channels} channels cannot be split into ${groups} groups`,
      ArgumentError,
    );
    this.groups = groups;
    this.weight = affine ? parameter(ones([channels])) : null;
    this.bias = affine ? parameter(zeros([channels])) : null;
    this.eps = eps;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return groupNorm(x, this.groups, this.weight, this.bias, { eps: this.eps });
  }
}
