import type { DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { formatShape, sameShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { concat } from './concat.js';
import { unsqueeze } from './unsqueeze.js';

/**
 * Joins tensors of one shape along a new axis (default 0).
 *
 * @throws ShapeError when shapes differ; DTypeError when dtypes differ; ArgumentError for an empty list
 * @example
 * stack([tensor([1, 2]), tensor([3, 4])]).shape; // [2, 2]
 */
export function stack<D extends DType>(tensors: readonly Tensor<D>[], axis = 0): Tensor<D> {
  check(tensors.length > 0, 'stack', () => 'needs at least one tensor', ArgumentError);
  for (const { shape } of tensors) {
    check(
      sameShape(shape, tensors[0].shape),
      'stack',
      () => `shapes ${formatShape(tensors[0].shape)} and ${formatShape(shape)} differ`,
    );
  }
  return concat(
    tensors.map((x) => unsqueeze(x, axis)),
    axis,
  );
}
