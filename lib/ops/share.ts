import type { Tensor } from '../tensor.js';
import { eq } from './eq.js';
import { gt } from './gt.js';
import { lt } from './lt.js';
import { mul } from './mul.js';
import { scalarLike } from './scalarlike.js';
import { where } from './where.js';

/** Gradient of an elementwise extreme with respect to `mine`: all of dy where it won, half where both are equal. */
export function share(dy: Tensor, mine: Tensor, other: Tensor, winner: 'gt' | 'lt'): Tensor {
  const won = winner === 'gt' ? gt(mine, other) : lt(mine, other);
  return where(won, dy, where(eq(mine, other), mul(dy, 0.5), scalarLike(dy, 0)));
}
