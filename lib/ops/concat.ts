import type { DType } from '../dtype.js';
import { ArgumentError, check, DTypeError } from '../errors.js';
import { formatShape, resolveAxis, sameShape, stridesOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { stridedCopy } from './copy.js';
import { applyOne, empty, type Op } from './op.js';
import { slice } from './slice.js';

const op: Op<{ axis: number }> = {
  name: 'concat',
  forward(inputs, { axis }) {
    const parts = inputs as readonly Tensor[];
    const shape = parts[0].shape.with(
      axis,
      parts.reduce((sum, part) => sum + part.shape[axis], 0),
    );
    const y = empty(parts[0].dtype, shape);
    const strides = stridesOf(shape);
    let offset = 0;
    for (const part of parts) {
      stridedCopy(part, y, part.shape, { strides: stridesOf(part.shape) }, { strides, offset });
      offset += part.shape[axis] * strides[axis];
    }
    return y;
  },
  gradient({ inputShapes, attributes: { axis }, needs }, dy) {
    let start = 0;
    return inputShapes.map((shape, i) => {
      const range = [start, start + shape[axis]] as const;
      start = range[1];
      return needs[i] ? slice(dy, [...new Array<null>(axis).fill(null), range]) : null;
    });
  },
  saves: { inputs: [] },
};

/**
 * Joins tensors along an existing axis (default 0); all other extents must agree.
 *
 * @throws ShapeError when other extents differ; DTypeError when dtypes differ; ArgumentError for an empty list
 * @example
 * concat([tensor([[1, 2]]), tensor([[3, 4]])], 1).toArray(); // [[1, 2, 3, 4]]
 */
export function concat<D extends DType>(tensors: readonly Tensor<D>[], axis = 0): Tensor<D> {
  check(tensors.length > 0, 'concat', () => 'needs at least one tensor', ArgumentError);
  const [first] = tensors;
  const at = resolveAxis('concat', axis, first.rank);
  for (const other of tensors) {
    check(other.dtype === first.dtype, 'concat', () => `dtypes differ: ${first.dtype} and ${other.dtype}`, DTypeError);
    check(
      other.rank === first.rank && sameShape(other.shape.with(at, 0), first.shape.with(at, 0)),
      'concat',
      () => `shapes ${formatShape(first.shape)} and ${formatShape(other.shape)} differ outside axis ${at}`,
    );
  }
  return applyOne(op, tensors, { axis: at }) as Tensor<D>;
}
