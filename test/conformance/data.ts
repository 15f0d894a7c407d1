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

const INT32_ENDS = [-(2 ** 31), 2 ** 31 - 1, -(2 ** 31) + 1, 65536, -65536, 46341, 1, 0, -1, 2, 3, -7, 31];

/** int32 of all sizes: small ones, the ends of the range, and those whose products and sums pass it. */
export function int32s(length: number, seed: number): Int32Array {
  const random = new Generator(seed);
  const next = () => {
    const kind = random.bits() % 4;
    if (kind === 0) return INT32_ENDS[random.bits() % INT32_ENDS.length];
    return kind === 1 ? random.bits() | 0 : (random.bits() % 41) - 20;
  };
  return Int32Array.from({ length }, next);
}

/** Bytes, half of them 0. */
export function flags(length: number, seed: number): Uint8Array {
  const random = new Generator(seed);
  return Uint8Array.from({ length }, () => (random.bits() % 2 === 0 ? 0 : random.bits() % 256));
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
