import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { applyBinary, binaryOp, type Operand } from './binary.js';
import { share } from './share.js';

const op = binaryOp(
  'max',
  {},
  ({ needs, input }, dy) => [
    needs[0] ? share(dy, input(0), input(1), 'gt') : null,
    needs[1] ? share(dy, input(1), input(0), 'gt') : null,
  ],
  'maximum',
);

/**
 * The larger of a and b, element by element with broadcasting. NaN wins. Equal elements share the gradient half and half.
 *
 * @throws ShapeError when the shapes do not broadcast; DTypeError unless both are float32, float64 or int32
 * @example
 * maximum(tensor([1, 5]), 3).toArray(); // [3, 5]
 */
export function maximum<D extends DType>(a: Tensor<D>, b: Operand<D>): Tensor<D> {
  return applyBinary(op, a, b);
}
