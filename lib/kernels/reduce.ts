import { ARG_REDUCE_OPERATIONS, REDUCE_OPERATIONS } from './operations.js';
import { scratch } from './scratch.js';
import type { Floats } from './types.js';

/**
 * x [outer, size, inner] → y [outer, inner]: sum, mean, max, min or product over the middle axis. Sums and
 * products are kept in float64; max and min of anything with a NaN is NaN. Over nothing (size 0) the sum is 0, the product
 * 1, the mean NaN, the max −∞ and the min +∞.
 */
export function reduce(operation: number, x: Floats, y: Floats, g: Int32Array): void {
  const [outer, size, inner] = g;
  const name = REDUCE_OPERATIONS[operation];
  const totals = scratch('line', inner);
  for (let o = 0; o < outer; o++) {
    totals.fill(STARTS[name]);
    const base = o * size * inner;
    if (inner === 1) totals[0] = reduceLine(name, x, base, base + size, totals[0]);
    else for (let s = 0; s < size; s++) reduceRow(name, x, base + s * inner, totals);
    const divisor = name === 'mean' ? size : 1;
    for (let i = 0; i < inner; i++) y[o * inner + i] = totals[i] / divisor;
  }
}

type Name = (typeof REDUCE_OPERATIONS)[number];

const STARTS: Record<Name, number> = { sum: 0, mean: 0, max: -Infinity, min: Infinity, prod: 1 };

/** Reduces x[begin .. end) to one number. */
function reduceLine(name: Name, x: Floats, begin: number, end: number, start: number): number {
  let total = start;
  if (name === 'max') for (let i = begin; i < end; i++) total = Math.max(total, x[i]);
  else if (name === 'min') for (let i = begin; i < end; i++) total = Math.min(total, x[i]);
  else if (name === 'prod') for (let i = begin; i < end; i++) total *= x[i];
  else for (let i = begin; i < end; i++) total += x[i];
  return total;
}

/** Takes one row of x into the totals: along memory, where walking down a column would miss the cache at every step. */
function reduceRow(name: Name, x: Floats, begin: number, totals: Float64Array): void {
  if (name === 'max') for (let i = 0; i < totals.length; i++) totals[i] = Math.max(totals[i], x[begin + i]);
  else if (name === 'min') for (let i = 0; i < totals.length; i++) totals[i] = Math.min(totals[i], x[begin + i]);
  else if (name === 'prod') for (let i = 0; i < totals.length; i++) totals[i] *= x[begin + i];
  else for (let i = 0; i < totals.length; i++) totals[i] += x[begin + i];
}

/**
 * x [outer, size, inner] → y [outer, inner]: position of the largest or smallest element along the middle axis, the first
 * one of several. A NaN counts as the extreme, the first one winning. 0 when there is nothing to search.
 */
export function argReduce(operation: number, x: Floats, y: Int32Array, g: Int32Array): void {
  const [outer, size, inner] = g;
  const sign = ARG_REDUCE_OPERATIONS[operation] === 'argmax' ? 1 : -1;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const base = o * size * inner + i;
      let best = sign * x[base];
      let index = 0;
      for (let s = 1; s < size; s++) {
        const value = sign * x[base + s * inner];
        // Greater, or the first NaN: a NaN is not ≤ anything, and nothing replaces it.
        if (!(value <= best) && !Number.isNaN(best)) {
          best = value;
          index = s;
        }
      }
      y[o * inner + i] = index;
    }
  }
}
