import type { Tensor } from '../tensor.js';
import { applyLogical, logicalOp } from './logical.js';

const op = logicalOp('logicalXor');

/**
 * Whether one of a and b holds and not both, element by element with broadcasting.
 *
 * @throws ShapeError when the shapes do not broadcast; DTypeError unless both are bool
 * @example
 * logicalXor(tensor([true, true, false]), tensor([true, false, true])).toArray(); // [0, 1, 1]
 */
export function logicalXor(a: Tensor<'bool'>, b: Tensor<'bool'>): Tensor<'bool'> {
  return applyLogical(op, a, b);
}
