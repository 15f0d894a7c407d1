import { kernelsFor } from '../backend/backend.js';
import { checkFloat } from '../dtype.js';
import { check } from '../errors.js';
import { AXIS_FIELDS, encode } from '../geometry.js';
import { ARG_REDUCE_OPERATIONS, type ArgReduceOperation } from '../kernels/operations.js';
import { formatShape, resolveAxis } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { applyOne, empty, floats, type Op, values } from './op.js';
import { axisGeometry, type ReduceOptions, reduction } from './reduction.js';
import { reshape } from './reshape.js';

const op: Op<{ operation: ArgReduceOperation; axis: number; keepDims: boolean }> = {
  name: 'argReduce',
  forward([input], { operation, axis, keepDims }) {
    const x = input as Tensor;
    const y = empty('int32', reduction(operation, x.shape, axis, { keepDims }).result);
    const g = encode(AXIS_FIELDS, axisGeometry(x.shape, axis));
    kernelsFor(x.dtype).argReduce(ARG_REDUCE_OPERATIONS.indexOf(operation), floats(x), values(y), g);
    return y;
  },
};

/** Position of an extreme along an axis, or in the flattened tensor when none is given. */
export function argReduce(
  operation: ArgReduceOperation,
  x: Tensor,
  axis: number | undefined,
  { keepDims = false }: ReduceOptions = {},
): Tensor<'int32'> {
  checkFloat(operation, x);
  const source = axis === undefined ? reshape(x.detach(), [x.size]) : x.detach();
  const at = resolveAxis(operation, axis ?? 0, source.rank);
  check(source.shape[at] > 0, operation, () => `axis ${at} of ${formatShape(x.shape)} is empty`);
  return applyOne(op, [source], { operation, axis: at, keepDims: keepDims && axis !== undefined }) as Tensor<'int32'>;
}
