import { kernelsFor } from '../backend/backend.js';
import type { DType } from '../dtype.js';
import { encode, type Pair, POOL2D_FIELDS, type Pool2dGeometry } from '../geometry.js';
import type { Tensor } from '../tensor.js';
import { apply, applyOne, empty, floats, type Op, values } from './op.js';
import { type Pool2dOptions, pool2dGeometry } from './pool2d.js';

/** Outputs the maxima and their positions. */
export const maxPool: Op<Pool2dGeometry> = {
  name: 'maxPool2d',
  forward([input], geometry) {
    const x = input as Tensor;
    const { n, c, oh, ow } = geometry;
    const y = empty(x.dtype, [n, c, oh, ow]);
    const indices = empty('int32', y.shape);
    kernelsFor(x.dtype).maxPool2dForward(floats(x), floats(y), values(indices), encode(POOL2D_FIELDS, geometry));
    return [y, indices];
  },
  gradient: ({ output, attributes }, dy) => [applyOne(backward, [dy, output(1)], attributes)],
  saves: { inputs: [], outputs: [1] },
};

/** Sends dy to the positions that won; linear in dy. */
const backward: Op<Pool2dGeometry> = {
  name: 'maxPool2dBackward',
  forward([gradient, winners], geometry) {
    const [dy, indices] = [gradient as Tensor, winners as Tensor<'int32'>];
    const { n, c, h, w } = geometry;
    const dx = empty(dy.dtype, [n, c, h, w]);
    kernelsFor(dy.dtype).maxPool2dBackward(floats(dy), values(indices), floats(dx), encode(POOL2D_FIELDS, geometry));
    return dx;
  },
  gradient: ({ input, attributes }, ddx) => [applyOne(gather, [ddx, input(1)], attributes), null],
  saves: { inputs: [1] },
};

/** Picks the positions that won; the adjoint of {@link backward}. */
const gather: Op<Pool2dGeometry> = {
  name: 'maxPool2dGather',
  forward([input, winners], geometry) {
    const [x, indices] = [input as Tensor, winners as Tensor<'int32'>];
    const { n, c, oh, ow } = geometry;
    const y = empty(x.dtype, [n, c, oh, ow]);
    kernelsFor(x.dtype).maxPool2dGather(floats(x), values(indices), floats(y), encode(POOL2D_FIELDS, geometry));
    return y;
  },
  gradient: ({ input, attributes }, dy) => [applyOne(backward, [dy, input(1)], attributes), null],
  saves: { inputs: [1] },
};

/**
 * Largest value in each window: x [n, c, h, w] → y [n, c, oh, ow], sizes as in conv2d.
 *
 * `kernelSize` is a number or [height, width]; `stride` defaults to it, padding to 0, dilation to 1. Padding never wins;
 * ties go to the first position in row order; NaN wins. With `ceilMode` a last window may hang over the edge, but starts
 * inside the input or its leading padding (PyTorch's rule).
 *
 * @throws ShapeError when no window fits; ArgumentError for options out of range, or padding above half the kernel
 * @example
 * maxPool2d(tensor([[[[1, 2], [3, 4]]]]), 2).toArray(); // [[[[4]]]]
 */
export function maxPool2d<D extends DType>(x: Tensor<D>, kernelSize: Pair, options: Pool2dOptions = {}): Tensor<D> {
  return maxPool2dWithIndices(x, kernelSize, options)[0];
}

/**
 * {@link maxPool2d} together with the position of each winner, row · w + column in its input plane.
 *
 * @throws as maxPool2d
 * @example
 * maxPool2dWithIndices(tensor([[[[1, 2], [3, 4]]]]), 2)[1].toArray(); // [[[[3]]]]
 */
export function maxPool2dWithIndices<D extends DType>(
  x: Tensor<D>,
  kernelSize: Pair,
  options: Pool2dOptions = {},
): [Tensor<D>, Tensor<'int32'>] {
  return apply(maxPool, [x], pool2dGeometry('maxPool2d', x, kernelSize, options, false)) as [
    Tensor<D>,
    Tensor<'int32'>,
  ];
}
