import type { Floats } from './types.js';

/**
 * mean[c] and biased variance[c] of x [n, c, size]. Two passes: Σ(x − mean)² cannot go wrong where E[x²] − E[x]² loses all
 * digits to cancellation.
 */
export function batchNormStatistics(x: Floats, mean: Floats, variance: Floats, g: Int32Array): void {
  const [n, c, size] = g;
  for (let channel = 0; channel < c; channel++) {
    let sum = 0;
    for (let image = 0; image < n; image++) {
      const begin = (image * c + channel) * size;
      for (let i = begin; i < begin + size; i++) sum += x[i];
    }
    const centre = sum / (n * size);
    let squares = 0;
    for (let image = 0; image < n; image++) {
      const begin = (image * c + channel) * size;
      for (let i = begin; i < begin + size; i++) squares += (x[i] - centre) * (x[i] - centre);
    }
    mean[channel] = centre;
    variance[channel] = squares / (n * size);
  }
}

/** y = (x − mean) / √(variance + eps) · weight + bias per channel of [n, c, size]; null weight is 1, null bias 0. */
export function batchNormForward(
  x: Floats,
  mean: Floats,
  variance: Floats,
  weight: Floats | null,
  bias: Floats | null,
  y: Floats,
  g: Int32Array,
  eps: number,
): void {
  const [n, c, size] = g;
  for (let image = 0; image < n; image++) {
    for (let channel = 0; channel < c; channel++) {
      const centre = mean[channel];
      const scale = (weight ? weight[channel] : 1) / Math.sqrt(variance[channel] + eps);
      const shift = bias ? bias[channel] : 0;
      const begin = (image * c + channel) * size;
      for (let i = begin; i < begin + size; i++) y[i] = (x[i] - centre) * scale + shift;
    }
  }
}

/**
 * With x̂ = (x − mean)·invstd, invstd = 1/√(variance + eps) and sums and means over all n·size elements of a channel:
 *
 *     dbias = Σ dy,  dweight = Σ dy·x̂
 *     dx = weight·invstd·(dy − mean(dy) − x̂·mean(dy·x̂))   when mean and variance were taken from this batch
 *     dx = weight·invstd·dy                                  when they are constants
 */
export function batchNormBackward(
  dy: Floats,
  x: Floats,
  mean: Floats,
  variance: Floats,
  weight: Floats | null,
  dx: Floats,
  dweight: Floats,
  dbias: Floats,
  g: Int32Array,
  eps: number,
  batchStatistics: number,
): void {
  const [n, c, size] = g;
  for (let channel = 0; channel < c; channel++) {
    const centre = mean[channel];
    const invstd = 1 / Math.sqrt(variance[channel] + eps);
    let sum = 0;
    let product = 0;
    for (let image = 0; image < n; image++) {
      const begin = (image * c + channel) * size;
      for (let i = begin; i < begin + size; i++) {
        sum += dy[i];
        product += dy[i] * ((x[i] - centre) * invstd);
      }
    }
    dbias[channel] = sum;
    dweight[channel] = product;
    const scale = (weight ? weight[channel] : 1) * invstd;
    const meanDy = batchStatistics ? sum / (n * size) : 0;
    const slope = batchStatistics ? (product / (n * size)) * invstd : 0;
    for (let image = 0; image < n; image++) {
      const begin = (image * c + channel) * size;
      for (let i = begin; i < begin + size; i++) dx[i] = scale * (dy[i] - meanDy - (x[i] - centre) * slope);
    }
  }
}
