import { kernelsFor } from '../backend/backend.js';
import { checkSame, type DType } from '../dtype.js';
import { check, DTypeError } from '../errors.js';
import { broadcastShapes, broadcastStrides, encodeStrides } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { sumTo } from './binary.js';
import { applyOne, elements, empty, type Op, values } from './op.js';
import { scalarLike } from './scalarlike.js';

const op: Op<null> = {
  name: 'where',
  forward(inputs) {
    const [condition, a, b] = inputs as [Tensor<'bool'>, Tensor, Tensor];
    const shape = broadcastShapes('where', broadcastShapes('where', condition.shape, a.shape), b.shape);
    const y = empty(a.dtype, shape);
    const strides = [condition, a, b].map((operand) => broadcastStrides(operand.shape, shape));
    const g = encodeStrides(shape, strides);
    kernelsFor(a.dtype).where(values(condition), elements(a), elements(b), elements(y), g);
    return y;
  },
  gradient({ input, inputShapes, needs }, dy) {
    const condition = input(0) as Tensor<'bool'>;
    return [
      null,
      needs[1] ? sumTo(where(condition, dy, scalarLike(dy, 0)), inputShapes[1]) : null,
      needs[2] ? sumTo(where(condition, scalarLike(dy, 0), dy), inputShapes[2]) : null,
    ];
  },
  saves: { inputs: [0] },
};

/**
 * a where `condition` is true, else b, element by element; all three broadcast.
 *
 * @throws ShapeError when the shapes do not broadcast; DTypeError unless condition is bool and a, b one dtype
 * @example
 * where(tensor([true, false]), tensor([1, 2]), tensor([3, 4])).toArray(); // [1, 4]
 */
export function where<D extends DType>(condition: Tensor<'bool'>, a: Tensor<D>, b: Tensor<D>): Tensor<D> {
  check(condition.dtype === 'bool', 'where', () => `condition must be bool, got ${condition.dtype}`, DTypeError);
  checkSame('where', a, b);
  return applyOne(op, [condition, a, b], null) as Tensor<D>;
}
