import { checkFloat, type DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { add } from './add.js';
import { normaliseRows } from './channelnorm.js';
import type { NormOptions } from './layernorm.js';
import { mul } from './mul.js';
import { reshape } from './reshape.js';

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
  checkFloat('groupNorm', x, ...[weight, bias].filter((v) => v !== null));
  check(x.rank >= 2, 'groupNorm', () => `x must be [n, channels, …], got ${formatShape(x.shape)}`);
  const [n, c] = x.shape;
  check(
    Number.isInteger(groups) && groups >= 1,
    'groupNorm',
    () => `groups must be an integer of at least 1, got ${groups}`,
    ArgumentError,
  );
  check(c % groups === 0, 'groupNorm', () => `${c} channels cannot be split into ${groups} groups`);
  for (const v of [weight, bias]) {
    check(
      !v || (v.rank === 1 && v.size === c),
      'groupNorm',
      () => `weight and bias must be [${c}] for x ${formatShape(x.shape)}, got ${formatShape((v as Tensor).shape)}`,
    );
  }
  check(eps >= 0, 'groupNorm', () => `eps must be at least 0, got ${eps}`, ArgumentError);
  const perChannel = (v: Tensor<D>) => reshape(v, [c, ...new Array<number>(x.rank - 2).fill(1)]);
  const normal = normaliseRows(x, n * groups, eps) as Tensor<D>;
  const scaled = weight ? mul(normal, perChannel(weight)) : normal;
  return bias ? add(scaled, perChannel(bias)) : scaled;
}
