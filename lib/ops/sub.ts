import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { applyBinary, binaryOp, type Operand } from './binary.js';
import { neg } from './neg.js';

const op = binaryOp('sub', { inputs: [] }, ({ needs }, dy) => [dy, needs[1] ? neg(dy) : null]);

/**
 * a − b, element by element with broadcasting.
 *
 * @throws ShapeError when the shapes do not broadcast; DTypeError unless both are float32, float64 or int32
 * @example
 * sub(tensor([1, 2]), tensor([[1], [2]])).toArray(); // [[0, 1], [-1, 0]]
 */
export function sub<D extends DType>(a: Tensor<D>, b: Operand<D>): Tensor<D> {
  return applyBinary(op, a, b);
}
