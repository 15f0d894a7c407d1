import type { DType } from '../dtype.js';
import { check } from '../errors.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { groupNorm } from './groupnorm.js';
import type { NormOptions } from './layernorm.js';

/**
 * Instance normalisation (Ulyanov et al. 2016): every channel of every example with its own statistics, a group norm of
 * one channel a group. x [n, c, …], weight and bias [c] or null (1 and 0).
 *
 * @throws ShapeError when x has no channel or no other axis, or sizes do not fit; ArgumentError for an eps below 0;
 *   DTypeError unless all share a floating type
 * @example
 * instanceNorm(tensor([[[1, 3], [7, 7]]]), null, null, { eps: 0.5 }).shape; // [1, 2, 2]
 */
export function instanceNorm<D extends DType>(
  x: Tensor<D>,
  weight: Tensor<D> | null = null,
  bias: Tensor<D> | null = null,
  options: NormOptions = {},
): Tensor<D> {
  check(
    x.rank >= 3 && x.shape[1] > 0,
    'instanceNorm',
    () => `x must be [n, channels, size, …] with at least one channel, got ${formatShape(x.shape)}`,
  );
  return groupNorm(x, x.shape[1], weight, bias, options);
}
