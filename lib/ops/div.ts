import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { applyBinary, binaryOp, type Operand } from './binary.js';
import { mul } from './mul.js';
import { neg } from './neg.js';

const op = binaryOp('div', {}, ({ needs, input }, dy) => {
  const quotient = div(dy, input(1));
  return [quotient, needs[1] ? neg(div(mul(quotient, input(0)), input(1))) : null];
});

/**
 * a / b, element by element with broadcasting. Of int32 the quotient is cut off towards 0, and 0 where b is 0.
 *
 * @throws ShapeError when the shapes do not broadcast; DTypeError unless both are float32, float64 or int32
 * @example
 * div(tensor([1, 2]), 4).toArray(); // [0.25, 0.5]
 */
export function div<D extends DType>(a: Tensor<D>, b: Operand<D>): Tensor<D> {
  return applyBinary(op, a, b);
}
