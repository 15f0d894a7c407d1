import type { Generator } from '../../random.js';

/** A number from the beta distribution: the share of the first of two gamma variables in their sum. */
export function beta(generator: Generator, a: number, b: number): number {
  const [x, y] = [gamma(generator, a), gamma(generator, b)];
  // with tiny a and b both may underflow; the distribution is then all but that of a coin
  return x + y > 0 ? x / (x + y) : Math.round(generator.uniform());
}

/**
 * A number from the gamma distribution of scale 1 (Marsaglia and Tsang, "A simple method for generating gamma variables",
 * 2000).
 */
function gamma(generator: Generator, shape: number): number {
  if (shape < 1) return gamma(generator, shape + 1) * (1 - generator.uniform()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = generator.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - generator.uniform()) < 0.5 * x * x + d * (1 - v + Math.log(v))) return d * v;
  }
}
