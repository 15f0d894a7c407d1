import { kernelsFor } from '../backend/backend.js';
import { checkFloat, type DType } from '../dtype.js';
import { check } from '../errors.js';
import { ADAPTIVE_POOL2D_FIELDS, type AdaptivePool2dGeometry, encode, type Pair, pair } from '../geometry.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { applyOne, empty, floats, type Op } from './op.js';

const op: Op<AdaptivePool2dGeometry> = {
  name: 'adaptiveAvgPool2d',
  forward([input], geometry) {
    const x = input as Tensor;
    const { n, c, oh, ow } = geometry;
    const y = empty(x.dtype, [n, c, oh, ow]);
    kernelsFor(x.dtype).adaptiveAvgPool2dForward(floats(x), floats(y), encode(ADAPTIVE_POOL2D_FIELDS, geometry));
    return y;
  },
  gradient: ({ attributes }, dy) => [applyOne(backward, [dy], attributes)],
  saves: { inputs: [] },
};

/** Spreads dy evenly over each window; the adjoint of {@link op}. */
const backward: Op<AdaptivePool2dGeometry> = {
  name: 'adaptiveAvgPool2dBackward',
  forward([gradient], geometry) {
    const dy = gradient as Tensor;
    const { n, c, h, w } = geometry;
    const dx = empty(dy.dtype, [n, c, h, w]);
    kernelsFor(dy.dtype).adaptiveAvgPool2dBackward(floats(dy), floats(dx), encode(ADAPTIVE_POOL2D_FIELDS, geometry));
    return dx;
  },
  gradient: ({ attributes }, ddx) => [applyOne(op, [ddx], attributes)],
  saves: { inputs: [] },
};

/**
 * Mean over windows that tile the input into a given output size: x [n, c, h, w] → y [n, c, oh, ow]. Window i covers rows
 * floor(i·h / oh) to ceil((i + 1)·h / oh) − 1, columns alike (PyTorch's definition). Size 1 is the global average.
 *
 * @throws ShapeError unless x is [n, c, h, w] with h, w > 0; ArgumentError for a size below 1
 * @example
 * adaptiveAvgPool2d(tensor([[[[1, 2], [3, 4]]]]), 1).toArray(); // [[[[2.5]]]]
 */
export function adaptiveAvgPool2d<D extends DType>(x: Tensor<D>, outputSize: Pair): Tensor<D> {
  checkFloat('adaptiveAvgPool2d', x);
  check(
    x.rank === 4 && x.shape[2] > 0 && x.shape[3] > 0,
    'adaptiveAvgPool2d',
    () => `x must be [n, channels, height, width] with at least one pixel, got ${formatShape(x.shape)}`,
  );
  const [n, c, h, w] = x.shape;
  const [oh, ow] = pair('adaptiveAvgPool2d', 'outputSize', outputSize, 1);
  return applyOne(op, [x], { n, c, h, w, oh, ow }) as Tensor<D>;
}
