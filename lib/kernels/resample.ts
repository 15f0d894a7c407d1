import type { Floats } from './types.js';

/**
 * x [outer, size, inner] → y [outer, count, inner]: y[o, j, i] = Σ_t weights[t, j] · x[o, index[t, j], i], with index and
 * weights [taps, count]. An index outside [0, size) adds nothing.
 */
export function resample(x: Floats, index: Int32Array, weights: Floats, y: Floats, g: Int32Array): void {
  const [outer, size, inner, count, taps] = g;
  if (y.length === 0) return;
  for (let o = 0; o < outer; o++) {
    for (let j = 0; j < count; j++) {
      for (let i = 0; i < inner; i++) {
        let total = 0;
        for (let t = 0; t < taps; t++) {
          const position = index[t * count + j];
          if (position < 0 || position >= size) continue;
          total += weights[t * count + j] * x[(o * size + position) * inner + i];
        }
        y[(o * count + j) * inner + i] = total;
      }
    }
  }
}
