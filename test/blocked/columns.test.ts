import { describe, expect, it } from 'vitest';
import { ACTIVATION_KINDS } from '../../lib/kernels/operations.js';
import { conv2dGeometry } from '../cases/conv2d.js';
import { noNative, reportNative, withReason } from '../conformance/backends.js';
import { U } from '../conformance/conform.js';
import { integers, normals } from '../conformance/data.js';
import { activate } from './activations.js';
import { bound, conform, convolution, expected, isas, sizes } from './conform.js';
import { type Convolution, choose, convolve, native } from './convolution.js';

const layer = (ic: number, oc: number, size: number, kernel: number, more = {}) =>
  conv2dGeometry({ x: [2, ic, size, size + 1], oc, kernel: [kernel, kernel], ...more });

describe.skipIf(noNative)(withReason('gradients of inputs of few channels by columns'), () => {
  reportNative();

  it('of any number of channels, exact for whole numbers', () => {
    for (let ic = 1; ic <= 16; ic++)
      for (const oc of [1, 5, 16, 17, 40]) {
        conform(convolution('gradInput', layer(ic, oc, 9, 1 + (ic % 5)), 'columns', integers), () => 0);
        const c = convolution('gradInput', layer(ic, oc, 9, 3, { padding: 1 }), 'columns', normals);
        conform(c, bound(c));
      }
  });

  it('with strides, dilated rows, uneven padding, and rows of several tiles', () => {
    for (const more of [
      { stride: 2 },
      { stride: [3, 2] as const },
      { stride: 7 },
      { dilation: [3, 1] as const },
      { padding: [2, 0, 1, 3] as const },
      { padding: 6 },
      { stride: 3, padding: 2, dilation: [2, 1] as const },
    ]) {
      const c = convolution('gradInput', layer(6, 18, 13, 5, more), 'columns', normals);
      conform(c, bound(c));
    }
    const long = convolution(
      'gradInput',
      conv2dGeometry({ x: [1, 3, 4, 71], oc: 9, kernel: [2, 4] }),
      'columns',
      normals,
    );
    conform(long, bound(long));
  });

  it('with bias, residual and every activation, as a transposed convolution has them', () => {
    const g = layer(6, 18, 9, 5);
    const slopes = normals(6, 9);
    const plain = convolution('gradInput', g, 'columns', (length, seed) => normals(length, seed).map((v) => v / 8));
    const values = normals(sizes(g).x, 4);
    const [sums, s] = [expected(plain), expected(plain, Math.abs)];
    for (const activation of ACTIVATION_KINDS) {
      for (const after of [true, false]) {
        const of = sums.map((sum, i) => {
          const slope = slopes[Math.floor(i / (g.h * g.w)) % g.ic];
          return activate(activation, sum + (after ? 0 : values[i]), -0.5, 6, slope) + (after ? values[i] : 0);
        });
        const residual = { values, after };
        const c: Convolution = { ...plain, activation, slopes, alpha: -0.5, beta: 6, residual, halo: 1 };
        const allowed = bound(c, s);
        // no activation here is steeper than 3
        conform(c, (i) => 3 * allowed(i) + 8 * U * (1 + Math.abs(of[i]) + Math.abs(values[i])), of);
      }
    }
  });

  it('NaN and infinity reach the pixels that they touch and nothing else', () => {
    const g = layer(6, 18, 9, 5);
    for (const special of [Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const at of [0, 17, 400]) {
        const c = convolution('gradInput', g, 'columns', normals);
        c.source[at] = special;
        const of = expected(c);
        const clean = expected(convolution('gradInput', g, 'columns', normals));
        for (const isa of isas) {
          native.setIsa(isa);
          convolve(c).forEach((value, i) => {
            if (Number.isFinite(of[i])) expect(Math.abs(value - clean[i]), `${isa} ${i}`).toBeLessThan(1e-3);
            else expect(value, `${isa} ${i}`).toBe(of[i]);
          });
        }
      }
    }
  });

  it('are chosen for a batch of few channels that the kernel shrinks, and read no border', () => {
    const batch = (n: number, ic: number, padding = 0) =>
      conv2dGeometry({ x: [n, ic, 14, 14], oc: 16, kernel: [5, 5], padding });
    expect(choose(batch(64, 6), 'gradInput', false)).toMatchObject({ algorithm: 'columns', halo: 0 });
    expect(choose(batch(64, 6), 'gradInput', true).algorithm).toBe('columns');
    expect(choose(batch(1, 6), 'gradInput', false)).toMatchObject({ algorithm: 'direct', halo: 4 });
    expect(choose(batch(64, 16), 'gradInput', false).algorithm).toBe('direct');
    expect(choose(batch(64, 6), 'forward', false).algorithm).toBe('plainInput');
  });
});
