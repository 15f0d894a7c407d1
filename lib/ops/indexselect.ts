import type { DType } from '../dtype.js';
import { checkShape, resolveAxis, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { resolveIndices } from './indices.js';
import { applyOne } from './op.js';
import { gatherSlicesOp, type SliceAttributes } from './slices.js';

const op = gatherSlicesOp<SliceAttributes & { axis: number }>('indexSelect');

/**
 * The entries of x along `axis` that `indices` names: x [a…, size, b…], indices of any shape [i…] → [a…, i…, b…].
 *
 * Indices are in [−size, size), negative ones count from the end; int32, int64 or uint8. Known as Gather in ONNX and as
 * take in NumPy.
 *
 * @throws ArgumentError for an axis or an index outside; DTypeError for indices that are no integers
 * @example
 * indexSelect(tensor([[1, 2], [3, 4]]), 1, tensor([1, 1, 0], { dtype: 'int32' })).toArray(); // [[2, 2, 1], [4, 4, 3]]
 */
export function indexSelect<D extends DType>(x: Tensor<D>, axis: number, indices: Tensor): Tensor<D> {
  const at = resolveAxis('indexSelect', axis, x.rank);
  const size = x.shape[at];
  const resolved = resolveIndices('indexSelect', indices, [size]);
  const [before, after] = [x.shape.slice(0, at), x.shape.slice(at + 1)];
  const shape = [...before, ...indices.shape, ...after];
  checkShape('indexSelect', shape);
  const slices = {
    sizes: [size],
    batch: sizeOf(before),
    count: indices.size,
    inner: sizeOf(after),
    isShared: true,
  };
  return applyOne(op, [x, resolved], { slices, shape, axis: at }) as Tensor<D>;
}
