import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { applyBinary, binaryOp, type Operand } from './binary.js';
import { div } from './div.js';
import { floor } from './floor.js';
import { mul } from './mul.js';
import { neg } from './neg.js';

const op = binaryOp('mod', {}, ({ needs, input }, dy) => [
  dy,
  needs[1] ? neg(mul(dy, floor(div(input(0), input(1))))) : null,
]);

/**
 * The remainder a − b · floor(a / b), element by element with broadcasting: it has the sign of b, as in Python and as
 * PyTorch's `remainder`. Of int32 it is 0 where b is 0.
 *
 * @throws ShapeError when the shapes do not broadcast; DTypeError unless both are float32, float64 or int32
 * @example
 * mod(tensor([7, -7]), 3).toArray(); // [1, 2]
 */
export function mod<D extends DType>(a: Tensor<D>, b: Operand<D>): Tensor<D> {
  return applyBinary(op, a, b);
}
