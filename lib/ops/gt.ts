import type { DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import type { Operand } from './binary.js';
import { applyCompare, compareOp } from './compare.js';

const op = compareOp('gt');

/**
 * a > b, element by element with broadcasting. False where either is NaN.
 *
 * @throws ShapeError when the shapes do not broadcast; DTypeError unless both are float32, float64
 *   or integers of at most 32 bits
 * @example
 * gt(tensor([1, 2, 3]), 2).toArray(); // [0, 0, 1]
 */
export function gt<D extends DType>(a: Tensor<D>, b: Operand<D>): Tensor<'bool'> {
  return applyCompare(op, a, b);
}
