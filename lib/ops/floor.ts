import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { applyUnary, unaryOp } from './unary.js';
import { zerosLike } from './zeroslike.js';

const op = unaryOp('floor', 'nothing', (_, dy) => zerosLike(dy));

/**
 * The largest integer not above x, element by element; the gradient is 0.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * floor(tensor([1.5, -1.5])).toArray(); // [1, -2]
 */
export function floor<D extends DType>(x: Tensor<D>): Tensor<D> {
  return applyUnary(op, x);
}
