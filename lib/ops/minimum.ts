import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { applyBinary, binaryOp, type Operand } from './binary.js';
import { share } from './share.js';

const op = binaryOp(
  'min',
  {},
  ({ needs, input }, dy) => [
    needs[0] ? share(dy, input(0), input(1), 'lt') : null,
    needs[1] ? share(dy, input(1), input(0), 'lt') : null,
  ],
  'minimum',
);

/**
 * The smaller of a and b, element by element with broadcasting. NaN wins. Equal elements share the gradient half and half.
 *
 * @throws ShapeError when the shapes do not broadcast; DTypeError unless both are float32, float64 or int32
 * @example
 * minimum(tensor([1, 5]), 3).toArray(); // [1, 3]
 */
export function minimum<D extends DType>(a: Tensor<D>, b: Operand<D>): Tensor<D> {
  return applyBinary(op, a, b);
}
