import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { applyBinary, binaryOp, type Operand } from './binary.js';
import { eq } from './eq.js';
import { ge } from './ge.js';
import { log } from './log.js';
import { mul } from './mul.js';
import { scalarLike } from './scalarlike.js';
import { sub } from './sub.js';
import { where } from './where.js';

const op = binaryOp('pow', { outputs: [0] }, ({ needs, input, output }, dy) => {
  const [a, b] = [input(0), input(1)];
  return [needs[0] ? gradBase(a, b, dy) : null, needs[1] ? mul(dy, gradExponent(a, b, output(0))) : null];
});

/** dy·b·a^(b−1), and 0 where b is 0, also at a = 0, where the formula alone gives NaN. */
function gradBase(a: Tensor, b: Tensor, dy: Tensor): Tensor {
  const slope = mul(dy, mul(b, pow(a, sub(b, 1))));
  return where(eq(b, 0), scalarLike(slope, 0), slope);
}

/** y·ln a, and 0 where a is 0 and b is not negative: the limit for b > 0, PyTorch's choice for b = 0. */
function gradExponent(a: Tensor, b: Tensor, y: Tensor): Tensor {
  const slope = mul(y, log(a));
  const zero = scalarLike(slope, 0);
  return where(eq(a, 0), where(ge(b, 0), zero, slope), slope);
}

/**
 * a to the power b, element by element with broadcasting; a negative base with a fractional exponent gives NaN.
 * Of int32 the result wraps around, and with a negative exponent it is cut off towards 0.
 *
 * @throws ShapeError when the shapes do not broadcast; DTypeError unless both are float32, float64 or int32
 * @example
 * pow(tensor([1, 2, 3]), 2).toArray(); // [1, 4, 9]
 */
export function pow<D extends DType>(a: Tensor<D>, b: Operand<D>): Tensor<D> {
  return applyBinary(op, a, b);
}
