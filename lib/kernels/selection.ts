import type { Elements, Floats } from './types.js';

/**
 * x [outer, size, inner] → the k largest (or, if `largest` is 0, smallest) elements along the middle axis and their
 * positions, best first, [outer, k, inner] both. Of equals the first wins; NaN is larger than everything.
 */
export function topK(x: Floats | Int32Array, values: Floats | Int32Array, indices: Int32Array, g: Int32Array): void {
  const [outer, size, inner, k, largest] = g;
  if (values.length === 0) return;
  // NaN before everything, and then by value; for the smallest all of it backwards
  const rank = (v: number) => (Number.isNaN(v) ? 1 : 0);
  const order = (p: number, q: number) => rank(q) - rank(p) || (q > p ? 1 : q < p ? -1 : 0);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const at = (s: number) => x[(o * size + s) * inner + i];
      const sorted = Array.from({ length: size }, (_, s) => s).sort(
        (p, q) => (largest ? order(at(p), at(q)) : order(at(q), at(p))) || p - q,
      );
      for (let j = 0; j < k; j++) {
        values[(o * k + j) * inner + i] = at(sorted[j]);
        indices[(o * k + j) * inner + i] = sorted[j];
      }
    }
  }
}

/** Positions of the elements of x that are not 0, in order, and their number in count[0]. The rest of `positions` is 0. */
export function nonZero(x: Elements, positions: Int32Array, count: Int32Array): void {
  let found = 0;
  for (let i = 0; i < x.length; i++) if (Number(x[i]) !== 0) positions[found++] = i;
  positions.fill(0, found);
  count[0] = found;
}
