import { kernelsFor } from '../backend/backend.js';
import { encodeStrides, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { floats } from './op.js';

/** Where one operand of a strided copy starts, and its element stride along each axis. */
export interface Walk {
  strides: readonly number[];
  offset?: number;
}

/** Copies x, walked one way, into y, walked another, over all positions of `shape`. Any dtype. */
export function stridedCopy(x: Tensor, y: Tensor, shape: Shape, from: Walk, to: Walk): void {
  if (shape.includes(0)) return; // an empty axis makes strides of 0, and kernels refuse to write an element twice
  const g = encodeStrides(shape, [from.strides, to.strides], [from.offset ?? 0, to.offset ?? 0]);
  kernelsFor(x.dtype).stridedCopy(floats(x), floats(y), g);
}
