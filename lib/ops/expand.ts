import type { DType } from '../dtype.js';
import { check } from '../errors.js';
import {
  broadcastShapes,
  broadcastStrides,
  checkShape,
  formatShape,
  type Shape,
  sameShape,
  stridesOf,
} from '../shape.js';
import type { Tensor } from '../tensor.js';
import { sumTo } from './binary.js';
import { stridedCopy } from './copy.js';
import { applyOne, empty, type Op } from './op.js';

const op: Op<{ shape: Shape }> = {
  name: 'expand',
  forward([input], { shape }) {
    const x = input as Tensor;
    const y = empty(x.dtype, shape);
    stridedCopy(x, y, shape, { strides: broadcastStrides(x.shape, shape) }, { strides: stridesOf(shape) });
    return y;
  },
  gradient: ({ inputShapes }, dy) => [sumTo(dy, inputShapes[0])],
  saves: { inputs: [] },
};

/**
 * Repeats x along new axes in front and axes of size 1 until it has `shape` (broadcasting, written out).
 *
 * @throws ShapeError when x does not broadcast to the shape
 * @example
 * expand(tensor([[1], [2]]), [2, 3]).toArray(); // [[1, 1, 1], [2, 2, 2]]
 */
export function expand<D extends DType>(x: Tensor<D>, shape: Shape): Tensor<D> {
  checkShape('expand', shape);
  check(
    sameShape(broadcastShapes('expand', x.shape, shape), shape),
    'expand',
    () => `${formatShape(x.shape)} does not stretch to ${formatShape(shape)}`,
  );
  return applyOne(op, [x], { shape: Object.freeze([...shape]) }) as Tensor<D>;
}
