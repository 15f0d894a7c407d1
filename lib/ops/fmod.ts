import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { applyBinary, binaryOp, type Operand } from './binary.js';
import { div } from './div.js';
import { mul } from './mul.js';
import { neg } from './neg.js';
import { sub } from './sub.js';

const op = binaryOp('fmod', {}, ({ needs, input }, dy) => [
  dy,
  needs[1] ? neg(mul(dy, div(sub(input(0), fmod(input(0), input(1))).detach(), input(1).detach()))) : null,
]);

/**
 * The remainder a − b · trunc(a / b), element by element with broadcasting: it has the sign of a, as in C. Of int32 it is 0
 * where b is 0.
 *
 * @throws ShapeError when the shapes do not broadcast; DTypeError unless both are float32, float64 or int32
 * @example
 * fmod(tensor([7, -7]), 3).toArray(); // [1, -1]
 */
export function fmod<D extends DType>(a: Tensor<D>, b: Operand<D>): Tensor<D> {
  return applyBinary(op, a, b);
}
