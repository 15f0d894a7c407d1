import type { Tensor } from '../tensor.js';
import { applyLogical, logicalOp } from './logical.js';

const op = logicalOp('logicalAnd');

/**
 * Whether a and b hold, element by element with broadcasting.
 *
 * @throws ShapeError when the shapes do not broadcast; DTypeError unless both are bool
 * @example
 * logicalAnd(tensor([true, true, false]), tensor([true, false, true])).toArray(); // [1, 0, 0]
 */
export function logicalAnd(a: Tensor<'bool'>, b: Tensor<'bool'>): Tensor<'bool'> {
  return applyLogical(op, a, b);
}
