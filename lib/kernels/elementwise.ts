import { erf, erfc } from './erf.js';
import { BINARY_OPERATIONS, COMPARE_OPERATIONS, UNARY_OPERATIONS } from './operations.js';
import { forEachRow, stridedWalk } from './strides.js';
import type { Elements, Floats } from './types.js';

// A switch around the loops, not inside: a loop over one operation runs several times faster than one that dispatches
// per element.

/** y = operation(x), elementwise; x and y have one length, may be the same array, alpha and beta as the operation says. */
export function unary(operation: number, x: Floats, y: Floats, alpha: number, beta: number): void {
  const length = y.length;
  switch (UNARY_OPERATIONS[operation]) {
    case 'neg':
      for (let i = 0; i < length; i++) y[i] = -x[i];
      break;
    case 'abs':
      for (let i = 0; i < length; i++) y[i] = Math.abs(x[i]);
      break;
    case 'sign':
      for (let i = 0; i < length; i++) y[i] = x[i] > 0 ? 1 : x[i] < 0 ? -1 : 0; // of a NaN 0, as in PyTorch
      break;
    case 'exp':
      for (let i = 0; i < length; i++) y[i] = Math.exp(x[i]);
      break;
    case 'log':
      for (let i = 0; i < length; i++) y[i] = Math.log(x[i]);
      break;
    case 'sqrt':
      for (let i = 0; i < length; i++) y[i] = Math.sqrt(x[i]);
      break;
    case 'square':
      for (let i = 0; i < length; i++) y[i] = x[i] * x[i];
      break;
    case 'reciprocal':
      for (let i = 0; i < length; i++) y[i] = 1 / x[i];
      break;
    case 'erf':
      for (let i = 0; i < length; i++) y[i] = erf(x[i]);
      break;
    case 'tanh':
      for (let i = 0; i < length; i++) y[i] = Math.tanh(x[i]);
      break;
    case 'sigmoid':
      for (let i = 0; i < length; i++) y[i] = sigmoid(x[i]);
      break;
    case 'relu':
      for (let i = 0; i < length; i++) y[i] = Math.max(0, x[i]);
      break;
    case 'leakyRelu':
      for (let i = 0; i < length; i++) y[i] = x[i] > 0 ? x[i] : alpha * x[i];
      break;
    case 'elu':
      for (let i = 0; i < length; i++) y[i] = x[i] > 0 ? x[i] : alpha * Math.expm1(x[i]);
      break;
    case 'gelu':
      // 1 + erf(x/√2) = erfc(−x/√2), which keeps its digits for negative x
      for (let i = 0; i < length; i++) y[i] = 0.5 * x[i] * erfc(-x[i] * Math.SQRT1_2);
      break;
    case 'silu':
      for (let i = 0; i < length; i++) y[i] = x[i] * sigmoid(x[i]);
      break;
    case 'softplus':
      // log(1 + e^x) = max(x, 0) + log(1 + e^−|x|), whose exponential cannot overflow
      for (let i = 0; i < length; i++) y[i] = Math.max(x[i], 0) + Math.log1p(Math.exp(-Math.abs(x[i])));
      break;
    case 'clip':
      for (let i = 0; i < length; i++) y[i] = Math.min(beta, Math.max(alpha, x[i]));
      break;
    case 'affine':
      for (let i = 0; i < length; i++) y[i] = alpha * x[i] + beta;
      break;
    case 'floor':
      for (let i = 0; i < length; i++) y[i] = Math.floor(x[i]);
      break;
    case 'ceil':
      for (let i = 0; i < length; i++) y[i] = Math.ceil(x[i]);
      break;
    case 'round':
      for (let i = 0; i < length; i++) y[i] = roundHalfToEven(x[i]);
      break;
    case 'hardSigmoid':
      for (let i = 0; i < length; i++) y[i] = Math.min(1, Math.max(0, alpha * x[i] + beta));
      break;
    case 'hardSwish':
      for (let i = 0; i < length; i++) y[i] = x[i] * Math.min(1, Math.max(0, x[i] / 6 + 0.5));
      break;
    case 'mish':
      for (let i = 0; i < length; i++) y[i] = mish(x[i]);
      break;
  }
}

function roundHalfToEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : -(-below - 1); // of −1/2 it is −0, as everywhere
}

/** x · tanh(log(1 + e^x)); the tangent is n / (n + 2) with n = e^x·(e^x + 2), and 1 where e^x might overflow. */
function mish(x: number): number {
  if (x > 40) return x;
  const e = Math.exp(x);
  const n = e * (e + 2);
  return (x * n) / (n + 2);
}

/** 1 / (1 + e^−x), with the exponential of a number ≤ 0 in either branch, so that small results keep their digits. */
function sigmoid(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

/** y = operation(a, b) with broadcasting by strides; y is contiguous over the shape. pow is Math.pow. */
export function binary(operation: number, a: Floats, b: Floats, y: Floats, g: Int32Array): void {
  const walk = stridedWalk(g, 2);
  const last = walk.shape.length - 1;
  const length = walk.shape[last];
  const [stepA, stepB] = walk.strides.map((row) => row[last]);
  let start = 0;
  forEachRow(walk, ([offsetA, offsetB]) => {
    binaryRow(operation, a, offsetA, stepA, b, offsetB, stepB, y, start, start + length);
    start += length;
  });
}

function binaryRow(
  operation: number,
  a: Floats,
  ia: number,
  stepA: number,
  b: Floats,
  ib: number,
  stepB: number,
  y: Floats,
  begin: number,
  end: number,
): void {
  switch (BINARY_OPERATIONS[operation]) {
    case 'add':
      for (let i = begin; i < end; i++, ia += stepA, ib += stepB) y[i] = a[ia] + b[ib];
      break;
    case 'sub':
      for (let i = begin; i < end; i++, ia += stepA, ib += stepB) y[i] = a[ia] - b[ib];
      break;
    case 'mul':
      for (let i = begin; i < end; i++, ia += stepA, ib += stepB) y[i] = a[ia] * b[ib];
      break;
    case 'div':
      for (let i = begin; i < end; i++, ia += stepA, ib += stepB) y[i] = a[ia] / b[ib];
      break;
    case 'max':
      for (let i = begin; i < end; i++, ia += stepA, ib += stepB) y[i] = Math.max(a[ia], b[ib]);
      break;
    case 'min':
      for (let i = begin; i < end; i++, ia += stepA, ib += stepB) y[i] = Math.min(a[ia], b[ib]);
      break;
    case 'pow':
      for (let i = begin; i < end; i++, ia += stepA, ib += stepB) y[i] = a[ia] ** b[ib];
      break;
    case 'reluGrad':
      for (let i = begin; i < end; i++, ia += stepA, ib += stepB) y[i] = b[ib] <= 0 ? 0 : a[ia];
      break;
    case 'prelu':
      for (let i = begin; i < end; i++, ia += stepA, ib += stepB) y[i] = a[ia] > 0 ? a[ia] : b[ib] * a[ia];
      break;
    case 'mod':
      for (let i = begin; i < end; i++, ia += stepA, ib += stepB) y[i] = modulo(a[ia], b[ib]);
      break;
    case 'fmod':
      for (let i = begin; i < end; i++, ia += stepA, ib += stepB) y[i] = a[ia] % b[ib];
      break;
  }
}

/** The remainder with the sign of the divisor. */
function modulo(a: number, b: number): number {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

/** y = 1 where the comparison of a and b holds, else 0. IEEE: a NaN is unequal to everything and neither less nor greater. */
export function compare(operation: number, a: Floats, b: Floats, y: Uint8Array, g: Int32Array): void {
  const walk = stridedWalk(g, 2);
  const last = walk.shape.length - 1;
  const length = walk.shape[last];
  const [stepA, stepB] = walk.strides.map((row) => row[last]);
  let start = 0;
  forEachRow(walk, ([offsetA, offsetB]) => {
    compareRow(operation, a, offsetA, stepA, b, offsetB, stepB, y, start, start + length);
    start += length;
  });
}

function compareRow(
  operation: number,
  a: Floats,
  ia: number,
  stepA: number,
  b: Floats,
  ib: number,
  stepB: number,
  y: Uint8Array,
  begin: number,
  end: number,
): void {
  switch (COMPARE_OPERATIONS[operation]) {
    case 'eq':
      for (let i = begin; i < end; i++, ia += stepA, ib += stepB) y[i] = a[ia] === b[ib] ? 1 : 0;
      break;
    case 'ne':
      for (let i = begin; i < end; i++, ia += stepA, ib += stepB) y[i] = a[ia] !== b[ib] ? 1 : 0;
      break;
    case 'lt':
      for (let i = begin; i < end; i++, ia += stepA, ib += stepB) y[i] = a[ia] < b[ib] ? 1 : 0;
      break;
    case 'le':
      for (let i = begin; i < end; i++, ia += stepA, ib += stepB) y[i] = a[ia] <= b[ib] ? 1 : 0;
      break;
    case 'gt':
      for (let i = begin; i < end; i++, ia += stepA, ib += stepB) y[i] = a[ia] > b[ib] ? 1 : 0;
      break;
    case 'ge':
      for (let i = begin; i < end; i++, ia += stepA, ib += stepB) y[i] = a[ia] >= b[ib] ? 1 : 0;
      break;
  }
}

/** y = condition ≠ 0 ? a : b with broadcasting by strides; y is contiguous over the shape. a, b and y are of one kind. */
export function where(condition: Uint8Array, a: Elements, b: Elements, y: Elements, g: Int32Array): void {
  const walk = stridedWalk(g, 3);
  const last = walk.shape.length - 1;
  const length = walk.shape[last];
  const [stepC, stepA, stepB] = walk.strides.map((row) => row[last]);
  let start = 0;
  forEachRow(walk, ([offsetC, offsetA, offsetB]) => {
    let [ic, ia, ib] = [offsetC, offsetA, offsetB];
    const end = start + length;
    for (let i = start; i < end; i++, ic += stepC, ia += stepA, ib += stepB) y[i] = condition[ic] !== 0 ? a[ia] : b[ib];
    start = end;
  });
}
