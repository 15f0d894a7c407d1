import type { DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { resolveAxis, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { reshape } from './reshape.js';

/**
 * Joins the axes from `startAxis` to `endAxis`, both included, into one. Defaults: all axes.
 *
 * @throws ArgumentError when an axis is outside the tensor or they are out of order
 * @example
 * flatten(zeros([2, 3, 4, 5]), 1).shape; // [2, 60]
 */
export function flatten<D extends DType>(x: Tensor<D>, startAxis = 0, endAxis = -1): Tensor<D> {
  if (x.rank === 0) return reshape(x, [1]);
  const start = resolveAxis('flatten', startAxis, x.rank);
  const end = resolveAxis('flatten', endAxis, x.rank);
  check(start <= end, 'flatten', () => `startAxis ${startAxis} comes after endAxis ${endAxis}`, ArgumentError);
  return reshape(x, [...x.shape.slice(0, start), sizeOf(x.shape.slice(start, end + 1)), ...x.shape.slice(end + 1)]);
}
