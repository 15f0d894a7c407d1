import { full } from '../creation.js';
import type { DType } from '../dtype.js';
import { ArgumentError, check, DTypeError } from '../errors.js';
import { resolveAxis } from '../shape.js';
import { Tensor } from '../tensor.js';
import { add } from './add.js';
import { cast } from './cast.js';
import { eq } from './eq.js';
import { lt } from './lt.js';
import { unsqueeze } from './unsqueeze.js';
import { where } from './where.js';

/** Options of {@link oneHot}. */
export interface OneHotOptions<D extends DType = DType> {
  /** Value at the index. Default 1. */
  on?: number;
  /** Value elsewhere. Default 0. */
  off?: number;
  /** Where the new axis stands in the result. Default the last. */
  axis?: number;
  /** Of the result. Default float32. */
  dtype?: D;
}

/**
 * indices [i…] → [i…, depth]: `on` where the position along the new axis is the index, else `off`. Negative indices count
 * from the end; one outside [−depth, depth) has no `on`.
 *
 * @throws ArgumentError for a depth that is no integer of at least 1, or an axis outside; DTypeError for indices that are
 *   no integers
 * @example
 * oneHot(tensor([1, 0, -1], { dtype: 'int32' }), 3).toArray(); // [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
 */
export function oneHot<D extends DType = 'float32'>(
  indices: Tensor,
  depth: number,
  options: OneHotOptions<D> = {},
): Tensor<D> {
  const { on = 1, off = 0, axis = -1, dtype = 'float32' as D } = options;
  check(
    indices.dtype === 'int32' || indices.dtype === 'int64' || indices.dtype === 'uint8',
    'oneHot',
    () => `indices must be int32, int64 or uint8, got ${indices.dtype}`,
    DTypeError,
  );
  check(
    Number.isInteger(depth) && depth >= 1 && depth < 2 ** 31,
    'oneHot',
    () => `depth must be an integer of at least 1, got ${depth}`,
    ArgumentError,
  );
  const at = resolveAxis('oneHot', axis, indices.rank + 1);
  const given = unsqueeze(cast(indices, 'int32'), at);
  const resolved = where(lt(given, 0), add(given, depth), given);
  const steps = Int32Array.from({ length: depth }, (_, i) => i);
  const positions = new Tensor('int32', steps, [depth, ...new Array<number>(indices.rank - at).fill(1)]);
  return where(eq(resolved, positions), full([], on, { dtype }), full([], off, { dtype }));
}
