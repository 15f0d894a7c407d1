import type { DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { checkShape, formatShape, sameShape, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { resolveIndices } from './indices.js';
import { applyOne } from './op.js';
import { gatherSlicesOp, type SliceAttributes } from './slices.js';

/** Options of {@link gatherNd}. */
export interface GatherNdOptions {
  /** Leading axes that x and indices have in common. Default 0. */
  batchDims?: number;
}

const op = gatherSlicesOp<SliceAttributes & { batchDims: number }>('gatherNd');

/**
 * The parts of x that tuples of indices name: x [b…, s1, …, sk, inner…], indices [b…, i…, k] → [b…, i…, inner…].
 *
 * Each tuple along the last axis of indices holds a position in each of the k axes behind the `batchDims` leading ones;
 * negative positions count from the end; int32, int64 or uint8 (GatherND in ONNX).
 *
 * @throws ShapeError when shapes do not fit; ArgumentError for an index outside or batchDims out of range; DTypeError for
 *   indices that are no integers
 * @example
 * gatherNd(tensor([[1, 2], [3, 4]]), tensor([[0, 1], [1, 0]], { dtype: 'int32' })).toArray(); // [2, 3]
 */
export function gatherNd<D extends DType>(x: Tensor<D>, indices: Tensor, options: GatherNdOptions = {}): Tensor<D> {
  const { batchDims = 0 } = options;
  check(
    Number.isInteger(batchDims) && batchDims >= 0 && batchDims < Math.min(x.rank, indices.rank),
    'gatherNd',
    () =>
      `batchDims must be an integer of at least 0 and below the ranks of x ${formatShape(x.shape)} and indices ${formatShape(indices.shape)}, got ${batchDims}`,
    ArgumentError,
  );
  const depth = indices.shape[indices.rank - 1];
  const batches = x.shape.slice(0, batchDims);
  check(
    sameShape(batches, indices.shape.slice(0, batchDims)) && depth >= 1 && batchDims + depth <= x.rank,
    'gatherNd',
    () =>
      `indices ${formatShape(indices.shape)} do not fit x ${formatShape(x.shape)} with ${batchDims} leading axes in common`,
  );
  const sizes = x.shape.slice(batchDims, batchDims + depth);
  const rows = indices.shape.slice(batchDims, -1);
  const rest = x.shape.slice(batchDims + depth);
  const resolved = resolveIndices('gatherNd', indices, sizes);
  const shape = [...batches, ...rows, ...rest];
  checkShape('gatherNd', shape);
  const slices = { sizes, batch: sizeOf(batches), count: sizeOf(rows), inner: sizeOf(rest), isShared: false };
  return applyOne(op, [x, resolved], { slices, shape, batchDims }) as Tensor<D>;
}
