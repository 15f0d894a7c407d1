import { kernelsFor } from '../backend/backend.js';
import { checkFloat, type DType } from '../dtype.js';
import { check } from '../errors.js';
import { ADAPTIVE_POOL2D_FIELDS, type AdaptivePool2dGeometry, encode, type Pair, pair } from '../geometry.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { addElements } from './gatherelements.js';
import { maxPool2dWithIndices } from './maxpool2d.js';
import { apply, applyOne, empty, floats, type Op, values } from './op.js';
import { reshape } from './reshape.js';

const op: Op<AdaptivePool2dGeometry> = {
  name: 'adaptiveMaxPool2d',
  forward([input], geometry) {
    const x = input as Tensor;
    const { n, c, oh, ow } = geometry;
    const y = empty(x.dtype, [n, c, oh, ow]);
    const indices = empty('int32', y.shape);
    const g = encode(ADAPTIVE_POOL2D_FIELDS, geometry);
    kernelsFor(x.dtype).adaptiveMaxPool2dForward(floats(x), floats(y), values(indices), g);
    return [y, indices];
  },
  gradient({ attributes: { n, c, h, w, oh, ow }, output, inputShapes }, dy) {
    const [updates, winners] = [dy, output(1)].map((t) => reshape(t, [n * c, oh * ow]));
    return [reshape(applyOne(addElements, [updates, winners], { axis: 1, shape: [n * c, h * w] }), inputShapes[0])];
  },
  saves: { inputs: [], outputs: [1] },
};

/**
 * Largest value in windows that tile the input into a given output size: x [n, c, h, w] → y [n, c, oh, ow]. Window i covers
 * rows floor(i·h / oh) to ceil((i + 1)·h / oh) − 1, columns alike (PyTorch's definition). Ties go to the first position in row
 * order; NaN wins.
 *
 * @throws ShapeError unless x is [n, c, h, w] with h, w > 0; ArgumentError for a size below 1
 * @example
 * adaptiveMaxPool2d(tensor([[[[1, 2, 3]]]]), [1, 2]).toArray(); // [[[[2, 3]]]]
 */
export function adaptiveMaxPool2d<D extends DType>(x: Tensor<D>, outputSize: Pair): Tensor<D> {
  return adaptiveMaxPool2dWithIndices(x, outputSize)[0];
}

/**
 * {@link adaptiveMaxPool2d} together with the position of each winner, row · w + column in its input plane.
 *
 * @throws as adaptiveMaxPool2d
 * @example
 * adaptiveMaxPool2dWithIndices(tensor([[[[1, 2, 3]]]]), [1, 2])[1].toArray(); // [[[[1, 2]]]]
 */
export function adaptiveMaxPool2dWithIndices<D extends DType>(
  x: Tensor<D>,
  outputSize: Pair,
): [Tensor<D>, Tensor<'int32'>] {
  checkFloat('adaptiveMaxPool2d', x);
  check(
    x.rank === 4 && x.shape[2] > 0 && x.shape[3] > 0,
    'adaptiveMaxPool2d',
    () => `x must be [n, channels, height, width] with at least one pixel, got ${formatShape(x.shape)}`,
  );
  const [n, c, h, w] = x.shape;
  const [oh, ow] = pair('adaptiveMaxPool2d', 'outputSize', outputSize, 1);
  // Windows of one size side by side are what ordinary pooling has, which is faster and known to more formats.
  if (h % oh === 0 && w % ow === 0) return maxPool2dWithIndices(x, [h / oh, w / ow]);
  return apply(op, [x], { n, c, h, w, oh, ow }) as [Tensor<D>, Tensor<'int32'>];
}
