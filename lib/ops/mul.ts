import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { applyBinary, binaryOp, type Operand } from './binary.js';

const op = binaryOp('mul', {}, ({ needs, input }, dy) => [
  needs[0] ? mul(dy, input(1)) : null,
  needs[1] ? mul(dy, input(0)) : null,
]);

/**
 * a · b, element by element with broadcasting.
 *
 * @throws ShapeError when the shapes do not broadcast; DTypeError unless both are float32, float64 or int32
 * @example
 * mul(tensor([1, 2]), tensor([3, 4])).toArray(); // [3, 8]
 */
export function mul<D extends DType>(a: Tensor<D>, b: Operand<D>): Tensor<D> {
  return applyBinary(op, a, b);
}
