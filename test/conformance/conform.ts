import { backends } from './backends.js';
import { type Call, oracle, run } from './call.js';

/** Rounding unit of float32: the relative error of one operation is at most this. */
export const U = 2 ** -24;

/** Smallest normal float32. Kernels flush what is below to zero, and may do so with each term of a sum. */
export const SMALLEST_NORMAL = 2 ** -126;

/** The error allowed at each position of an output; `exact` only forgives results below the normal range. */
export type Bound = 'exact' | ((expected: number, index: number) => number);

/**
 * Bound of a float32 sum of K terms whose absolute values add up to S: |err| ≤ 2^-24 · S · (4 + √K). Errors of sums of
 * one sign grow like √K with any sensible order of additions; a single accumulator over a long axis does not pass.
 */
export function sumBound(s: ArrayLike<number>, k: number): Bound {
  return (_, i) => U * s[i] * (4 + Math.sqrt(k)) + SMALLEST_NORMAL * (1 + k);
}

/** Bound in units in the last place of the float32 result. */
export function ulpBound(ulps: number, floor = SMALLEST_NORMAL): Bound {
  return (expected) => ulps * ulpOf(expected) + floor;
}

export function ulpOf(value: number): number {
  return 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(value)))) - 23);
}

/** The position of the first value out of bounds, as a message; undefined when there is none. */
function mismatch(actual: ArrayLike<number>, expected: ArrayLike<number>, bound: Bound): string | undefined {
  const isFloat = actual instanceof Float32Array;
  for (let i = 0; i < expected.length; i++) {
    const rounded = isFloat ? Math.fround(expected[i]) : expected[i];
    if (actual[i] === rounded || (Number.isNaN(actual[i]) && Number.isNaN(rounded))) continue;
    const floor = isFloat && Math.abs(expected[i]) < SMALLEST_NORMAL ? SMALLEST_NORMAL : 0;
    const allowed = bound === 'exact' ? floor : bound(expected[i], i);
    if (Number.isFinite(rounded) && Math.abs(actual[i] - expected[i]) <= allowed) continue;
    return `[${i}] is ${actual[i]}, expected ${rounded}${allowed > 0 ? ` ± ${allowed.toPrecision(3)}` : ''}`;
  }
  return undefined;
}

/**
 * Runs a call on every backend and compares with the float64 oracle, one bound per output. Throws one error that lists
 * all backends that failed, since which ones do tells where to look.
 */
export function conform(call: Call, bounds: readonly Bound[], label = ''): void {
  const expected = oracle(call);
  if (expected.length !== bounds.length) throw new Error(`${call.kernel} has ${expected.length} outputs`);
  const problems: string[] = [];
  for (const backend of backends) {
    backend.activate();
    // Alignment and thread count do not interact, so each layout is tried with one of the two.
    const { outputs, damage } = run(backend.kernels, call, backend.threads === 1 ? 'guarded' : 'tight');
    const wrong = outputs.map((actual, i) => mismatch(actual, expected[i], bounds[i]));
    const first = wrong.findIndex((found) => found !== undefined);
    if (damage) problems.push(`${backend.name}: ${damage}`);
    if (first >= 0) problems.push(`${backend.name}: output ${first}${wrong[first]}`);
  }
  if (problems.length > 0) throw new Error(`${call.kernel} ${label}\n  ${problems.join('\n  ')}`);
}

/** {@link conform} for a kernel with one output that is a sum of `k` products, linear in the absolute values. */
export function conformSum(call: Call, k: number, label = ''): void {
  conform(call, [sumBound(oracle(call, Math.abs)[0], k)], label);
}
