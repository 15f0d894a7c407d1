import type { Floats } from './types.js';

/**
 * Running sums along the middle axis of [outer, size, inner], kept in float64, of int32 wrapping around. `exclusive` leaves
 * the element itself out of its sum, `reverse` starts from the end.
 */
export function cumSum(x: Floats | Int32Array, y: Floats | Int32Array, g: Int32Array): void {
  const [outer, size, inner, exclusive, reverse] = g;
  if (y.length === 0) return;
  const wraps = x instanceof Int32Array;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let total = 0;
      for (let s = 0; s < size; s++) {
        const at = (o * size + (reverse ? size - 1 - s : s)) * inner + i;
        const before = total;
        total += x[at];
        if (wraps) total |= 0;
        y[at] = exclusive ? before : total;
      }
    }
  }
}
