import { Generator } from '../../lib/random.js';

export type Fill = (length: number, seed: number) => Float32Array;

function filled(length: number, next: () => number): Float32Array {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = next();
  return values;
}

/**
 * Whole numbers from −3 to 3: all sums a test case makes of their products are exact in float32, so every implementation
 * must give the same bits whatever its order of additions.
 */
export function integers(length: number, seed: number): Float32Array {
  const random = new Generator(seed);
  return filled(length, () => (random.bits() % 7) - 3);
}

/** Normally distributed numbers: sums of both signs cancel. */
export function normals(length: number, seed: number): Float32Array {
  const random = new Generator(seed);
  return filled(length, () => random.normal());
}

/** Numbers in [0.5, 1.5): sums of one sign, whose rounding errors drift furthest. */
export function positives(length: number, seed: number): Float32Array {
  const random = new Generator(seed);
  return filled(length, () => 0.5 + random.bits() / 2 ** 32);
}

/** Numbers of both signs with magnitudes from 2^-20 to 2^20. */
export function wide(length: number, seed: number): Float32Array {
  const random = new Generator(seed);
  return filled(length, () => random.normal() * 2 ** random.uniform(-20, 20));
}
