import { kernelsFor } from '../backend/backend.js';
import { checkNumeric, type DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { encode, SELECTION_FIELDS } from '../geometry.js';
import { formatShape, resolveAxis } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { addElements } from './gatherelements.js';
import { apply, applyOne, empty, floats, type Op, values } from './op.js';
import { axisGeometry } from './reduction.js';

/** Options of {@link topK}. */
export interface TopKOptions {
  /** Axis that is searched. Default the last. */
  axis?: number;
  /** Find the largest (default) or the smallest. */
  largest?: boolean;
}

interface TopKAttributes {
  k: number;
  axis: number;
  largest: boolean;
}

const op: Op<TopKAttributes> = {
  name: 'topK',
  forward([input], { k, axis, largest }) {
    const x = input as Tensor;
    const y = empty(x.dtype, x.shape.with(axis, k));
    const indices = empty('int32', y.shape);
    const g = encode(SELECTION_FIELDS, { ...axisGeometry(x.shape, axis), k, largest: Number(largest) });
    kernelsFor(x.dtype).topK(floats(x), floats(y), values(indices), g);
    return [y, indices];
  },
  gradient: ({ attributes: { axis }, inputShapes, output }, dy) => [
    applyOne(addElements, [dy, output(1)], { axis, shape: inputShapes[0] }),
  ],
  saves: { inputs: [], outputs: [1] },
};

/**
 * The k largest elements along an axis and their positions, best first: x [a…, size, b…] → two tensors [a…, k, b…], the
 * second int32. Of equals the first comes first; NaN is larger than everything, as in PyTorch.
 *
 * @throws ArgumentError for an axis outside, or k no integer from 0 to the size; DTypeError unless x is float32,
 *   float64 or int32
 * @example
 * topK(tensor([3, 9, 5]), 2).map((t) => t.toArray()); // [[9, 5], [1, 2]]
 */
export function topK<D extends DType>(
  x: Tensor<D>,
  k: number,
  options: TopKOptions = {},
): [values: Tensor<D>, indices: Tensor<'int32'>] {
  const { axis = -1, largest = true } = options;
  checkNumeric('topK', x);
  const at = resolveAxis('topK', axis, x.rank);
  check(
    Number.isInteger(k) && k >= 0 && k <= x.shape[at],
    'topK',
    () => `k must be an integer from 0 to ${x.shape[at]} for axis ${axis} of ${formatShape(x.shape)}, got ${k}`,
    ArgumentError,
  );
  return apply(op, [x], { k, axis: at, largest }) as [Tensor<D>, Tensor<'int32'>];
}
