import type { DType } from '../dtype.js';
import { resolveAxis } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { gatherElements } from './gatherelements.js';
import { checkIndexShape, resolveIndices } from './indices.js';
import { applyOne } from './op.js';

/**
 * Each element from a position of its own along `axis`: y[…, i, …] = x[…, indices[…, i, …], …]. y has the shape of
 * indices, whose other axes are at most as long as those of x.
 *
 * Indices are in [−size, size), negative ones count from the end; int32, int64 or uint8. Known as GatherElements in ONNX.
 *
 * @throws ShapeError when shapes do not fit; ArgumentError for an axis or an index outside; DTypeError for indices that are
 *   no integers
 * @example
 * gather(tensor([[1, 2], [3, 4]]), 1, tensor([[0], [1]], { dtype: 'int32' })).toArray(); // [[1], [4]]
 */
export function gather<D extends DType>(x: Tensor<D>, axis: number, indices: Tensor): Tensor<D> {
  const at = resolveAxis('gather', axis, x.rank);
  checkIndexShape('gather', x.shape, indices.shape, at);
  const resolved = resolveIndices('gather', indices, [x.shape[at]]);
  return applyOne(gatherElements, [x, resolved], { axis: at }) as Tensor<D>;
}
