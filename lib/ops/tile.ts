import type { DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { formatShape, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { expand } from './expand.js';
import { reshape } from './reshape.js';

/**
 * x repeated `repeats[axis]` times along each axis, as a whole.
 *
 * @throws ArgumentError unless `repeats` has an integer of at least 0 for every axis
 * @example
 * tile(tensor([[1, 2]]), [2, 2]).toArray(); // [[1, 2, 1, 2], [1, 2, 1, 2]]
 */
export function tile<D extends DType>(x: Tensor<D>, repeats: readonly number[]): Tensor<D> {
  check(
    repeats.length === x.rank && repeats.every((times) => Number.isInteger(times) && times >= 0),
    'tile',
    () =>
      `repeats must be an integer of at least 0 for each axis of ${formatShape(x.shape)}, got [${repeats.join(', ')}]`,
    ArgumentError,
  );
  let y = x;
  repeats.forEach((times, axis) => {
    if (times === 1) return;
    const [outer, run] = [sizeOf(y.shape.slice(0, axis)), sizeOf(y.shape.slice(axis))];
    const shape = y.shape.with(axis, y.shape[axis] * times);
    y = reshape(expand(reshape(y, [outer, 1, run]), [outer, times, run]), shape);
  });
  return y;
}
