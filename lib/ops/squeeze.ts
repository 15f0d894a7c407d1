import type { DType } from '../dtype.js';
import { check } from '../errors.js';
import { formatShape, resolveAxis } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { reshape } from './reshape.js';

/**
 * Drops `axis`, which must have size 1; without an axis, all axes of size 1.
 *
 * @throws ShapeError when the axis has another size
 * @example
 * squeeze(zeros([1, 3, 1])).shape; // [3]
 */
export function squeeze<D extends DType>(x: Tensor<D>, axis?: number): Tensor<D> {
  if (axis === undefined)
    return reshape(
      x,
      x.shape.filter((extent) => extent !== 1),
    );
  const at = resolveAxis('squeeze', axis, x.rank);
  check(x.shape[at] === 1, 'squeeze', () => `axis ${axis} of ${formatShape(x.shape)} has size ${x.shape[at]}, not 1`);
  return reshape(x, x.shape.toSpliced(at, 1));
}
