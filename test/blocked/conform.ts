import { expect } from 'vitest';
import { CONV2D_FIELDS, type Conv2dGeometry, encode } from '../../lib/geometry.js';
import type { ConvolutionAlgorithm } from '../../lib/kernels/operations.js';
import { addon } from '../conformance/backends.js';
import { type Call, input, oracle, output } from '../conformance/call.js';
import { SMALLEST_NORMAL, U } from '../conformance/conform.js';
import type { Fill } from '../conformance/data.js';
import { type Convolution, convolve, native, type Pass } from './convolution.js';

/** Instruction sets of this machine. */
export const isas = addon?.isas ?? [];

/** Whether two arrays hold the same bits. */
export const sameBits = (a: ArrayBufferView, b: ArrayBufferView) =>
  Buffer.compare(
    Buffer.from(a.buffer, a.byteOffset, a.byteLength),
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  ) === 0;

export const sizes = (g: Conv2dGeometry) => ({
  x: g.n * g.ic * g.h * g.w,
  weight: g.oc * (g.ic / g.groups) * g.kh * g.kw,
  y: g.n * g.oc * g.oh * g.ow,
});

export function convolution(pass: Pass, g: Conv2dGeometry, algorithm: ConvolutionAlgorithm, fill: Fill): Convolution {
  const size = sizes(g);
  const rows = pass === 'forward' ? g.oc : g.ic;
  const source = fill(pass === 'forward' ? size.x : size.y, 1);
  return { pass, g, algorithm, source, weight: fill(size.weight, 2), bias: fill(rows, 3), halo: g.h % 3 };
}

/** The TypeScript kernels in float64; with Math.abs the sums of absolute values. */
export function expected({ pass, g, source, weight, bias }: Convolution, of?: (value: number) => number): Float64Array {
  const flat = encode(CONV2D_FIELDS, g);
  const size = sizes(g);
  const forward = [input(source), input(weight), bias ? input(bias) : null, output(size.y), flat, 1];
  const backward = [input(source), input(weight), output(size.x), flat, 1];
  const call: Call =
    pass === 'forward'
      ? { kernel: 'conv2dForward', arguments: forward }
      : { kernel: 'conv2dGradInput', arguments: backward };
  const values = oracle(call, of)[0] as Float64Array;
  if (pass === 'forward' || !bias) return values;
  return values.map((value, i) => value + (of ?? ((b) => b))(bias[Math.floor(i / (g.h * g.w)) % g.ic]));
}

export const terms = ({ pass, g }: Convolution) => ((pass === 'forward' ? g.ic : g.oc) / g.groups) * g.kh * g.kw + 1;

/** Runs a convolution on every instruction set, with one thread and with two, and compares; the bits must be those of one thread. */
export function conform(c: Convolution, allowed: (i: number) => number, of = expected(c)): void {
  for (const isa of isas) {
    native.setIsa(isa);
    native.setThreads(1);
    const label = `${isa}, ${c.pass} by ${c.algorithm}, ${CONV2D_FIELDS.map((f) => `${f} ${c.g[f]}`).join(' ')}`;
    const one = convolve(c, 'guarded');
    const wrong = one.findIndex((value, i) => !(Math.abs(value - of[i]) <= allowed(i)) && !Object.is(value, of[i]));
    if (wrong >= 0) throw new Error(`${label}: [${wrong}] is ${one[wrong]}, expected ${of[wrong]} ± ${allowed(wrong)}`);
    native.setThreads(2);
    expect(sameBits(one, convolve(c, 'tight')), label).toBe(true);
  }
}

export const isWinograd = (algorithm: ConvolutionAlgorithm) => algorithm.startsWith('winograd');
/** Transforms see whole patches: errors are relative to the largest terms around a result, not to its own. */
export function bound(c: Convolution, s = expected(c, Math.abs)): (i: number) => number {
  const largest = s.reduce((a, b) => Math.max(a, b), 0);
  const k = terms(c);
  if (isWinograd(c.algorithm)) return () => U * largest * (30 + Math.sqrt(k)) + SMALLEST_NORMAL * (1 + k);
  return (i) => U * s[i] * (4 + Math.sqrt(k)) + SMALLEST_NORMAL * (1 + k);
}
