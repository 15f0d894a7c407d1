import {
  BINARY_INT_OPERATIONS,
  COMPARE_OPERATIONS,
  REDUCE_INT_OPERATIONS,
  UNARY_INT_OPERATIONS,
} from './operations.js';
import { forEachRow, stridedWalk } from './strides.js';

// Arithmetic on int32. Results outside the range wrap around, which storing them in an Int32Array does by itself as long
// as they are exact in float64; products are not, so they go through Math.imul.

type Unary = (x: number, alpha: number, beta: number) => number;
type Binary = (a: number, b: number) => number;

const UNARY: Record<(typeof UNARY_INT_OPERATIONS)[number], Unary> = {
  neg: (x) => -x,
  abs: Math.abs,
  sign: Math.sign,
  clip: (x, alpha, beta) => Math.min(beta, Math.max(alpha, x)),
};

const BINARY: Record<(typeof BINARY_INT_OPERATIONS)[number], Binary> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: Math.imul,
  div: (a, b) => (b === 0 ? 0 : a / b),
  max: Math.max,
  min: Math.min,
  pow: power,
  mod(a, b) {
    const rest = b === 0 ? 0 : a % b;
    return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
  },
  fmod: (a, b) => (b === 0 ? 0 : a % b),
};

const COMPARE: Record<(typeof COMPARE_OPERATIONS)[number], (a: number, b: number) => boolean> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
};

/** a^b by squaring, every product wrapping around. */
function power(a: number, b: number): number {
  if (b < 0) return a === 1 ? 1 : a === -1 ? (b % 2 === 0 ? 1 : -1) : 0;
  let result = 1;
  for (let square = a, rest = b; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = Math.imul(result, square);
    square = Math.imul(square, square);
  }
  return result;
}

/** y = operation(x), elementwise; x and y have one length and may be the same array. */
export function unaryInt(operation: number, x: Int32Array, y: Int32Array, alpha: number, beta: number): void {
  const f = UNARY[UNARY_INT_OPERATIONS[operation]];
  for (let i = 0; i < y.length; i++) y[i] = f(x[i], alpha, beta);
}

/** y = operation(a, b) with broadcasting by strides; y is contiguous over the shape. */
export function binaryInt(operation: number, a: Int32Array, b: Int32Array, y: Int32Array, g: Int32Array): void {
  const f = BINARY[BINARY_INT_OPERATIONS[operation]];
  forEachPair(g, (at, ia, ib) => {
    y[at] = f(a[ia], b[ib]);
  });
}

/** y = 1 where the comparison of a and b holds, else 0. */
export function compareInt(operation: number, a: Int32Array, b: Int32Array, y: Uint8Array, g: Int32Array): void {
  const f = COMPARE[COMPARE_OPERATIONS[operation]];
  forEachPair(g, (at, ia, ib) => {
    y[at] = f(a[ia], b[ib]) ? 1 : 0;
  });
}

/** Calls `visit` with each position of y and of the two operands of a strided geometry. */
export function forEachPair(g: Int32Array, visit: (at: number, ia: number, ib: number) => void): void {
  const walk = stridedWalk(g, 2);
  const last = walk.shape.length - 1;
  const length = walk.shape[last];
  const [stepA, stepB] = walk.strides.map((row) => row[last]);
  let at = 0;
  forEachRow(walk, ([offsetA, offsetB]) => {
    for (let i = 0; i < length; i++) visit(at++, offsetA + i * stepA, offsetB + i * stepB);
  });
}

const REDUCE: Record<(typeof REDUCE_INT_OPERATIONS)[number], { start: number; step: Binary }> = {
  sum: { start: 0, step: (a, b) => (a + b) | 0 },
  max: { start: -(2 ** 31), step: Math.max },
  min: { start: 2 ** 31 - 1, step: Math.min },
  prod: { start: 1, step: Math.imul },
};

/**
 * x [outer, size, inner] → y [outer, inner]: sum, max, min or product over the middle axis. Over nothing the sum is 0, the
 * product 1, max and min the least and the greatest int32.
 */
export function reduceInt(operation: number, x: Int32Array, y: Int32Array, g: Int32Array): void {
  const [outer, size, inner] = g;
  const { start, step } = REDUCE[REDUCE_INT_OPERATIONS[operation]];
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let total = start;
      for (let s = 0; s < size; s++) total = step(total, x[(o * size + s) * inner + i]);
      y[o * inner + i] = total;
    }
  }
}
