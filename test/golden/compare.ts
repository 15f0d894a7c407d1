import type { FloatDType, Tensor } from '../../lib/index.js';
import type { Stored, StoredTensors } from './cases.js';

/** Relative error of one operation. */
export const U: Record<FloatDType, number> = { float32: 2 ** -24, float64: 2 ** -53 };
/** The files have nine digits: half a unit in the last one, relative to a leading 1. */
const DIGITS = 5e-9;
/** Kernels may flush what is below the normal range to zero. */
const SMALLEST_NORMAL = 2 ** -126;

/** The first element that is further off than `bound`, in words; undefined when there is none. */
function mismatch(
  actual: Tensor | null | undefined,
  { shape, data }: Stored,
  bound: (i: number) => number,
): string | undefined {
  if (!actual) return 'there is none';
  if (actual.shape.join() !== shape.join()) return `has shape [${actual.shape}] instead of [${shape}]`;
  for (let i = 0; i < data.length; i++) {
    const value = Number(actual.storage.values[i]);
    const allowed = bound(i) + DIGITS * Math.abs(data[i]) + SMALLEST_NORMAL;
    // Written so that a NaN is a mismatch.
    if (!(Math.abs(value - data[i]) <= allowed)) return `[${i}] is ${value} instead of ${data[i]} ± ${allowed}`;
  }
  return undefined;
}

/** All mismatches among named tensors. `bounds` are in units of u. */
export function mismatches(
  actual: Record<string, Tensor | null | undefined>,
  expected: StoredTensors,
  bound: (name: string, i: number) => number,
): string[] {
  return Object.entries(expected).flatMap(([name, stored]) => {
    const problem = mismatch(actual[name], stored, (i) => bound(name, i));
    return problem ? [`${name} ${problem}`] : [];
  });
}

/**
 * No simple bound holds over many steps or through composed functions. There the files say how far PyTorch's float32 run
 * strays from its float64 run, at most over a tensor: rounding errors of two orders of summation are alike in size but
 * not equal, so eight times that is allowed, and no less than two roundings of the largest number.
 */
export function strayBound({ data }: Stored, strays: number, dtype: FloatDType): number {
  const largest = Math.max(...data.map(Math.abs));
  return 8 * Math.max(strays, 2 * U.float32 * largest) * (U[dtype] / U.float32);
}
