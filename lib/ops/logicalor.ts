import type { Tensor } from '../tensor.js';
import { applyLogical, logicalOp } from './logical.js';

const op = logicalOp('logicalOr');

/**
 * Whether a or b holds, or both, element by element with broadcasting.
 *
 * @throws ShapeError when the shapes do not broadcast; DTypeError unless both are bool
 * @example
 * logicalOr(tensor([true, true, false]), tensor([true, false, true])).toArray(); // [1, 1, 1]
 */
export function logicalOr(a: Tensor<'bool'>, b: Tensor<'bool'>): Tensor<'bool'> {
  return applyLogical(op, a, b);
}
