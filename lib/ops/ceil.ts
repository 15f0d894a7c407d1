import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { applyUnary, unaryOp } from './unary.js';
import { zerosLike } from './zeroslike.js';

const op = unaryOp('ceil', 'nothing', (_, dy) => zerosLike(dy));

/**
 * The smallest integer not below x, element by element; the gradient is 0.
 *
 * @throws DTypeError unless x is float32 or float64
 * @example
 * ceil(tensor([1.5, -1.5])).toArray(); // [2, -1]
 */
export function ceil<D extends DType>(x: Tensor<D>): Tensor<D> {
  return applyUnary(op, x);
}
