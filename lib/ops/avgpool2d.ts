import { kernelsFor } from '../backend/backend.js';
import type { DType } from '../dtype.js';
import { encode, type Pair, POOL2D_FIELDS, type Pool2dGeometry } from '../geometry.js';
import type { Tensor } from '../tensor.js';
import { applyOne, empty, floats, type Op } from './op.js';
import { type Pool2dOptions, pool2dGeometry } from './pool2d.js';

/** Options of {@link avgPool2d}. */
export interface AvgPool2dOptions extends Omit<Pool2dOptions, 'dilation'> {
  /** Count padding in the mean's divisor. Default true, as in PyTorch. */
  countIncludePad?: boolean;
}

/** Means of windows. */
export const avgPool: Op<Pool2dGeometry> = {
  name: 'avgPool2d',
  forward([input], geometry) {
    const x = input as Tensor;
    const { n, c, oh, ow } = geometry;
    const y = empty(x.dtype, [n, c, oh, ow]);
    kernelsFor(x.dtype).avgPool2dForward(floats(x), floats(y), encode(POOL2D_FIELDS, geometry));
    return y;
  },
  gradient: ({ attributes }, dy) => [applyOne(backward, [dy], attributes)],
  saves: { inputs: [] },
};

/** Spreads dy evenly over each window; the adjoint of {@link avgPool}. */
const backward: Op<Pool2dGeometry> = {
  name: 'avgPool2dBackward',
  forward([gradient], geometry) {
    const dy = gradient as Tensor;
    const { n, c, h, w } = geometry;
    const dx = empty(dy.dtype, [n, c, h, w]);
    kernelsFor(dy.dtype).avgPool2dBackward(floats(dy), floats(dx), encode(POOL2D_FIELDS, geometry));
    return dx;
  },
  gradient: ({ attributes }, ddx) => [applyOne(avgPool, [ddx], attributes)],
  saves: { inputs: [] },
};

/**
 * Mean of each window: x [n, c, h, w] → y [n, c, oh, ow], sizes as in conv2d.
 *
 * `kernelSize` is a number or [height, width]; `stride` defaults to it, padding to 0. The divisor is the window's size
 * including padding unless `countIncludePad` is false; what hangs over the padded input in `ceilMode` never counts
 * (PyTorch's rule).
 *
 * @throws ShapeError when no window fits; ArgumentError for options out of range, or padding above half the kernel
 * @example
 * avgPool2d(tensor([[[[1, 2], [3, 4]]]]), 2).toArray(); // [[[[2.5]]]]
 */
export function avgPool2d<D extends DType>(x: Tensor<D>, kernelSize: Pair, options: AvgPool2dOptions = {}): Tensor<D> {
  const { countIncludePad = true, stride = kernelSize, padding, ceilMode } = options;
  const windows = { stride, padding, ceilMode };
  return applyOne(avgPool, [x], pool2dGeometry('avgPool2d', x, kernelSize, windows, countIncludePad)) as Tensor<D>;
}
