import { checkSame, type DType } from '../dtype.js';
import { check } from '../errors.js';
import type { ScatterReduction } from '../kernels/operations.js';
import { formatShape, resolveAxis, sameShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { scatterElements } from './gatherelements.js';
import { checkIndexShape, checkReduction, resolveIndices } from './indices.js';
import { applyOne } from './op.js';

/** Options of {@link scatter}. */
export interface ScatterOptions {
  /** What happens to an element that is updated: 'none' (default, it is replaced), 'add', 'mul', 'max' or 'min'. */
  reduction?: ScatterReduction;
}

/**
 * A copy of x in which each update is combined with the element at a position of its own along `axis`:
 * y[…, indices[…, i, …], …] = updates[…, i, …]. Indices and updates have one shape, otherwise as in gather.
 *
 * Updates are taken in order: with reduction 'none' (default) the last one for a place stays; 'add', 'mul', 'max' and
 * 'min' combine it with what is there. Gradients with 'none' (for places that are named once) and 'add'. Known as
 * ScatterElements in ONNX.
 *
 * @throws ShapeError when shapes do not fit; ArgumentError for an axis or an index outside, or an unknown reduction;
 *   DTypeError for indices that are no integers, or updates of another dtype than x
 * @example
 * scatter(tensor([1, 2, 3]), 0, tensor([2, 0], { dtype: 'int32' }), tensor([30, 10])).toArray(); // [10, 2, 30]
 */
export function scatter<D extends DType>(
  x: Tensor<D>,
  axis: number,
  indices: Tensor,
  updates: Tensor<D>,
  options: ScatterOptions = {},
): Tensor<D> {
  const at = resolveAxis('scatter', axis, x.rank);
  const reduction = checkReduction('scatter', x.dtype, options);
  checkSame('scatter', x, updates);
  checkIndexShape('scatter', x.shape, indices.shape, at);
  check(
    sameShape(indices.shape, updates.shape),
    'scatter',
    () => `indices ${formatShape(indices.shape)} and updates ${formatShape(updates.shape)} must have one shape`,
  );
  const resolved = resolveIndices('scatter', indices, [x.shape[at]]);
  return applyOne(scatterElements, [x, resolved, updates], { axis: at, reduction }) as Tensor<D>;
}
