import { forEachPair } from './integer.js';
import { LOGICAL_OPERATIONS } from './operations.js';

/** y = operation(a, b) as 0 or 1 with broadcasting by strides; any byte but 0 is true. */
export function logical(operation: number, a: Uint8Array, b: Uint8Array, y: Uint8Array, g: Int32Array): void {
  const name = LOGICAL_OPERATIONS[operation];
  forEachPair(g, (at, ia, ib) => {
    const [p, q] = [a[ia] !== 0, b[ib] !== 0];
    y[at] = (name === 'logicalAnd' ? p && q : name === 'logicalOr' ? p || q : p !== q) ? 1 : 0;
  });
}
