import { checkSame, type DType } from '../dtype.js';
import { check } from '../errors.js';
import { formatShape, sameShape, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { checkReduction, resolveIndices } from './indices.js';
import { applyOne } from './op.js';
import type { ScatterOptions } from './scatter.js';
import { scatterSlices } from './slices.js';

/**
 * A copy of x in which the parts that tuples of indices name are combined with updates: x [s1, …, sk, inner…], indices
 * [i…, k], updates [i…, inner…].
 *
 * Positions as in gatherNd. Updates are taken in order: with reduction 'none' (default) the last one for a place stays;
 * 'add', 'mul', 'max' and 'min' combine it with what is there (ScatterND in ONNX). Gradients with 'none' (for places that
 * are named once) and 'add'.
 *
 * @throws ShapeError when shapes do not fit; ArgumentError for an index outside or an unknown reduction; DTypeError for
 *   indices that are no integers, or updates of another dtype than x
 * @example
 * scatterNd(tensor([1, 2, 3]), tensor([[2], [0]], { dtype: 'int32' }), tensor([30, 10])).toArray(); // [10, 2, 30]
 */
export function scatterNd<D extends DType>(
  x: Tensor<D>,
  indices: Tensor,
  updates: Tensor<D>,
  options: ScatterOptions = {},
): Tensor<D> {
  const reduction = checkReduction('scatterNd', x.dtype, options);
  checkSame('scatterNd', x, updates);
  const depth = indices.shape.at(-1) ?? 0;
  check(
    depth >= 1 && depth <= x.rank,
    'scatterNd',
    () =>
      `indices must be [..., k] with 1 <= k <= ${x.rank} for x ${formatShape(x.shape)}, got ${formatShape(indices.shape)}`,
  );
  const [sizes, rest] = [x.shape.slice(0, depth), x.shape.slice(depth)];
  const rows = indices.shape.slice(0, -1);
  check(
    sameShape(updates.shape, [...rows, ...rest]),
    'scatterNd',
    () =>
      `updates for x ${formatShape(x.shape)} and indices ${formatShape(indices.shape)} must be ${formatShape([...rows, ...rest])}, got ${formatShape(updates.shape)}`,
  );
  const resolved = resolveIndices('scatterNd', indices, sizes);
  const slices = { sizes, batch: 1, count: sizeOf(rows), inner: sizeOf(rest), isShared: false };
  return applyOne(scatterSlices, [x, resolved, updates], { slices, reduction }) as Tensor<D>;
}
