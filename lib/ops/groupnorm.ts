import type { DType } from '../dtype.js';
import { check } from '../errors.js';
import { whole } from '../geometry.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { normaliseGroups } from './channelnorm.js';
import type { NormOptions } from './layernorm.js';

/**
 * Group normalisation (Wu and He 2018): (x − mean) / √(variance + eps) · weight + bias with the statistics of each group of
 * channels in each example.
 *
 * x [n, c, …], weight and bias [c] or null (1 and 0); `groups` divides c.
 *
 * @throws ShapeError when x has no channel axis or sizes do not fit; ArgumentError for groups that are no integer of at
 *   least 1 or an eps below 0; DTypeError unless all share a floating type
 * @example
 * groupNorm(tensor([[1, 3, 5, 5]]), 2, null, null, { eps: 0 }).shape; // [1, 4]
 */
export function groupNorm<D extends DType>(
  x: Tensor<D>,
  groups: number,
  weight: Tensor<D> | null = null,
  bias: Tensor<D> | null = null,
  { eps = 1e-5 }: NormOptions = {},
): Tensor<D> {
  check(x.rank >= 2, 'groupNorm', () => `x must be [n, channels, …], got ${formatShape(x.shape)}`);
  const c = x.shape[1];
  whole('groupNorm', 'groups', groups, 1);
  check(c % groups === 0, 'groupNorm', () => `${c} channels cannot be split into ${groups} groups`);
  return normaliseGroups('groupNorm', x, groups, weight, bias, eps);
}
