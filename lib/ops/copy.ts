import { kernelsFor } from '../backend/backend.js';
import type { DType } from '../dtype.js';
import { encodeStrides, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { elements, empty } from './op.js';

/** Where one operand of a strided copy starts, and its element stride along each axis. */
export interface Walk {
  strides: readonly number[];
  offset?: number;
}

/** The elements of x in memory of their own. */
export function copy(x: Tensor): Tensor {
  const y = empty(x.dtype, x.shape);
  stridedCopy(x, y, [x.size], { strides: [1] }, { strides: [1] });
  return y;
}

/** A tensor with every element `value`, for kernels to write over in part. */
export function filled<D extends DType>(dtype: D, shape: Shape, value: number): Tensor<D> {
  const y = empty(dtype, shape);
  kernelsFor(dtype).fill(elements(y), value);
  return y;
}

/** Copies x, walked one way, into y, walked another, over all positions of `shape`. Any dtype. */
export function stridedCopy(x: Tensor, y: Tensor, shape: Shape, from: Walk, to: Walk): void {
  if (shape.includes(0)) return; // an empty axis makes strides of 0, and kernels refuse to write an element twice
  const g = encodeStrides(shape, [from.strides, to.strides], [from.offset ?? 0, to.offset ?? 0]);
  kernelsFor(x.dtype).stridedCopy(elements(x), elements(y), g);
}
