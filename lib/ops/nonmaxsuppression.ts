import { kernelsFor } from '../backend/backend.js';
import { checkFloat, type DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { checkIndexable, encode, SUPPRESSION_FIELDS } from '../geometry.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { apply, empty, floats, type Op, values } from './op.js';
import { slice } from './slice.js';

/** Options of {@link nonMaxSuppression}. */
export interface NonMaxSuppressionOptions {
  /** How many boxes to select at most, per image and class. Default 0: none, as in ONNX. */
  maxOutputBoxesPerClass?: number;
  /** Overlap above which a box gives way to a better one: intersection over union, in [0, 1]. Default 0. */
  iouThreshold?: number;
  /** Scores must be above it. Default −∞. */
  scoreThreshold?: number;
  /** Boxes are (x, y, width, height) around their centre, not (y, x, y, x) of two opposite corners. Default false. */
  centerPointBox?: boolean;
}

interface SuppressionAttributes {
  most: number;
  iouThreshold: number;
  scoreThreshold: number;
  centered: boolean;
}

/** Room for all boxes that there may be, and how many of them there are: a shape cannot depend on elements. */
const op: Op<SuppressionAttributes> = {
  name: 'nonMaxSuppression',
  forward([first, second], { most, iouThreshold, scoreThreshold, centered }) {
    const [boxes, scores] = [first as Tensor, second as Tensor];
    const [n, classes, spatial] = scores.shape;
    const [selected, count] = [empty('int32', [n * classes * most, 3]), empty('int32', [1])];
    kernelsFor(boxes.dtype).nonMaxSuppression(
      floats(boxes),
      floats(scores),
      values(selected),
      values(count),
      encode(SUPPRESSION_FIELDS, { n, classes, spatial, most, centered: Number(centered) }),
      iouThreshold,
      scoreThreshold,
    );
    return [selected, count];
  },
};

/**
 * Boxes that do not overlap better ones: boxes [n, spatial, 4], scores [n, classes, spatial] → int32 [selected, 3] with a
 * row (image, class, box) for each, by image, by class, by falling score (NonMaxSuppression in ONNX).
 *
 * A box is dropped if it shares more than `iouThreshold` of the union with a selected one of its class. Of equal scores the
 * first box comes first.
 *
 * @throws ShapeError when shapes do not fit; ArgumentError for options out of range; DTypeError unless both are float32 or
 *   both float64
 * @example
 * const boxes = tensor([[[0, 0, 2, 2], [0, 0, 2, 1.9], [5, 5, 6, 6]]]);
 * const options = { maxOutputBoxesPerClass: 9, iouThreshold: 0.5 };
 * nonMaxSuppression(boxes, tensor([[[0.7, 0.9, 0.8]]]), options).toArray(); // [[0, 0, 1], [0, 0, 2]]
 */
export function nonMaxSuppression<D extends DType>(
  boxes: Tensor<D>,
  scores: Tensor<D>,
  options: NonMaxSuppressionOptions = {},
): Tensor<'int32'> {
  const { maxOutputBoxesPerClass = 0, iouThreshold = 0, scoreThreshold = -Infinity, centerPointBox = false } = options;
  checkFloat('nonMaxSuppression', boxes, scores);
  check(
    boxes.rank === 3 && boxes.shape[2] === 4,
    'nonMaxSuppression',
    () => `boxes must be [n, spatial, 4], got ${formatShape(boxes.shape)}`,
  );
  const [n, spatial] = boxes.shape;
  check(
    scores.rank === 3 && scores.shape[0] === n && scores.shape[2] === spatial,
    'nonMaxSuppression',
    () =>
      `scores must be [${n}, classes, ${spatial}] for boxes ${formatShape(boxes.shape)}, got ${formatShape(scores.shape)}`,
  );
  check(
    Number.isInteger(maxOutputBoxesPerClass) && maxOutputBoxesPerClass >= 0,
    'nonMaxSuppression',
    () => `maxOutputBoxesPerClass must be an integer of at least 0, got ${maxOutputBoxesPerClass}`,
    ArgumentError,
  );
  check(
    iouThreshold >= 0 && iouThreshold <= 1,
    'nonMaxSuppression',
    () => `iouThreshold must be in [0, 1], got ${iouThreshold}`,
    ArgumentError,
  );
  check(
    !Number.isNaN(scoreThreshold),
    'nonMaxSuppression',
    () => `scoreThreshold must be a number, got ${scoreThreshold}`,
    ArgumentError,
  );
  const most = Math.min(maxOutputBoxesPerClass, spatial);
  checkIndexable('nonMaxSuppression', n * scores.shape[1] * most * 3);
  const attributes = { most, iouThreshold, scoreThreshold, centered: centerPointBox };
  const [selected, count] = apply(op, [boxes.detach(), scores.detach()], attributes);
  return slice(selected, [[0, count.item()]]) as Tensor<'int32'>;
}
