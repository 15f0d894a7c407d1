import { Tensor } from '../tensor.js';
import { checkBool } from './logical.js';
import { logicalXor } from './logicalxor.js';

/**
 * Whether a does not hold, element by element.
 *
 * @throws DTypeError unless a is bool
 * @example
 * logicalNot(tensor([true, false])).toArray(); // [0, 1]
 */
export function logicalNot(a: Tensor<'bool'>): Tensor<'bool'> {
  checkBool('logicalNot', a);
  return logicalXor(a, new Tensor('bool', Uint8Array.of(1), []));
}
