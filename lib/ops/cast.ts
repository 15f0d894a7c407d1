import { kernelsFor } from '../backend/backend.js';
import { DTYPES, type DType, isDType, isFloat } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { applyOne, elements, empty, type Op } from './op.js';

const op: Op<{ dtype: DType; from: DType }> = {
  name: 'cast',
  forward([input], { dtype }) {
    const x = input as Tensor;
    const y = empty(dtype, x.shape);
    // native kernels know neither side in elements of eight bytes
    const kernels = kernelsFor(DTYPES[x.dtype].bytes === 8 ? x.dtype : dtype);
    kernels.cast(elements(x), elements(y), Number(dtype === 'bool'));
    return y;
  },
  gradient: ({ attributes: { from } }, dy) => [cast(dy, from)],
  saves: { inputs: [] },
};

/**
 * The elements converted to another dtype: towards integers the fraction is cut off and the value wraps around, as typed
 * arrays do; bool is 0 or 1. The same tensor when the dtype is the same. Gradients pass between floating-point types.
 *
 * @throws ArgumentError for an unknown dtype
 * @example
 * cast(tensor([1.7, -1.7]), 'int32').toArray(); // [1, -1]
 */
export function cast<E extends DType>(x: Tensor, dtype: E): Tensor<E> {
  check(
    isDType(dtype),
    'cast',
    () => `dtype must be one of ${Object.keys(DTYPES).join(', ')}, got ${JSON.stringify(dtype)}`,
    ArgumentError,
  );
  if (x.dtype === dtype) return x as Tensor<DType> as Tensor<E>;
  const source = isFloat(dtype) ? x : x.detach();
  return applyOne(op, [source], { dtype, from: x.dtype }) as Tensor<E>;
}
