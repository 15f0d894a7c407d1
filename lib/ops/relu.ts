import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { reluGrad } from './relugrad.js';
import { applyUnary, unaryOp } from './unary.js';

const op = unaryOp('relu', 'output', ({ output }, dy) => reluGrad(dy, output(0)));

/**
 * max(0, x), element by element. NaN stays NaN; the gradient at 0 is 0.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * relu(tensor([-1, 2])).toArray(); // [0, 2]
 */
export function relu<D extends DType>(x: Tensor<D>): Tensor<D> {
  return applyUnary(op, x);
}
