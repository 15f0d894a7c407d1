import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { applyBinary, binaryOp, type Operand } from './binary.js';

const op = binaryOp('add', { inputs: [] }, (_, dy) => [dy, dy]);

/**
 * a + b, element by element with broadcasting.
 *
 * @throws ShapeError when the shapes do not broadcast; DTypeError unless both are float32, float64 or int32
 * @example
 * add(tensor([1, 2]), 10).toArray(); // [11, 12]
 */
export function add<D extends DType>(a: Tensor<D>, b: Operand<D>): Tensor<D> {
  return applyBinary(op, a, b);
}
