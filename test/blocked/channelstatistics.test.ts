import { describe, expect, it } from 'vitest';
import type { BlockedGeometry } from '../../lib/geometry.js';
import { noNative, reportNative, withReason } from '../conformance/backends.js';
import { type Call, input, oracle, output } from '../conformance/call.js';
import { SMALLEST_NORMAL, U } from '../conformance/conform.js';
import { normals, positives } from '../conformance/data.js';
import { isas } from './conform.js';
import { native } from './convolution.js';
import {
  blockedInput,
  compute,
  emptyShapes,
  everywhere,
  expectNear,
  flat,
  shapes,
  survivesStrangeSizes,
} from './everywhere.js';
import { block } from './layout.js';
import { channelOf, elements, growth, label, perChannel, plain, type Shape } from './norms.js';

describe.skipIf(noNative)(withReason('statistics of blocked tensors'), () => {
  reportNative();

  function check(s: Shape, lie: BlockedGeometry, x: Float32Array): void {
    const count = s.n * s.h * s.w;
    const reference: Call = {
      kernel: 'batchNormStatistics',
      arguments: [input(x), output(s.c), output(s.c), plain(s)],
    };
    const [mean, variance] = oracle(reference);
    const absolute = perChannel(s, (i) => Math.abs(x[i]));
    const ofMean = (c: number) => (U * growth(s) * absolute[c]) / count + SMALLEST_NORMAL;
    // A mean that is off by d adds d² to the variance, whose own sum has terms of one sign.
    const ofVariance = (c: number) => U * growth(s) * variance[c] + ((U * growth(s) * absolute[c]) / count) ** 2;
    everywhere(
      'blockedChannelStatistics',
      [blockedInput(x, lie), output(s.c), output(s.c), flat(lie)],
      (found, isa) => {
        expectNear(found[0], mean, ofMean, `mean, ${isa}, ${label(s)}`);
        expectNear(found[1], variance, ofVariance, `variance, ${isa}, ${label(s)}`);
      },
    );
  }

  it('of every shape', () => {
    for (const s of shapes()) {
      check(s, s.lie(0), normals(elements(s), 1));
      check(s, s.lie(1), positives(elements(s), 2));
    }
  });

  it('whose means are a thousand times the deviation, and another one in each channel', () => {
    for (const s of shapes())
      check(
        s,
        s.lie(0),
        normals(elements(s), 1).map((v, i) => v + 1000 * (channelOf(s, i) % 3)),
      );
  });

  it('of elements that are far from the first ones', () => {
    const s = { n: 5, c: 18, h: 40, w: 41 };
    const size = s.h * s.w;
    const lie = { ...s, halo: 1, blocks: 0 };
    // some channels climb from image to image, some from row to row, some jump in the end
    const climb = (i: number) => [Math.floor(i / (s.c * size)), (i % size) / size, i % size > size - 50 ? 1 : 0];
    check(
      s,
      lie,
      normals(elements(s), 1).map((v, i) => v + 300 * climb(i)[channelOf(s, i) % 3]),
    );
  });

  it('of channels that are constant: the variance is 0', () => {
    const s = { n: 3, c: 17, h: 30, w: 31 };
    const lie = { ...s, halo: 0, blocks: 0 };
    const x = Float32Array.from({ length: elements(s) }, (_, i) => Math.fround(1000 + channelOf(s, i) / 3));
    everywhere(
      'blockedChannelStatistics',
      [blockedInput(x, lie), output(17), output(17), flat(lie)],
      ([mean, variance]) => {
        mean.forEach((value, c) => {
          expect(value).toBe(Math.fround(1000 + c / 3));
        });
        expect(variance.every((value) => value === 0)).toBe(true);
      },
    );
  });

  it('NaN and infinity stay in their channels, whose neighbours keep their bits', () => {
    const s = { n: 2, c: 20, h: 35, w: 36 };
    const lie = { ...s, halo: 1, blocks: 0 };
    const clean = normals(elements(s), 1).map((v, i) => v + 100 * channelOf(s, i));
    const size = s.h * s.w;
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38]) {
      // in the first, in a later part, and in the last image
      const x = clean.slice();
      for (const [image, channel, pixel] of [
        [0, 3, 0],
        [0, 17, size - 1],
        [1, 8, 700],
      ])
        x[(image * s.c + channel) * size + pixel] = value;
      for (const isa of isas) {
        native.setIsa(isa);
        const of = (values: Float32Array) =>
          compute('blockedChannelStatistics', [blockedInput(values, lie), output(s.c), output(s.c), flat(lie)]);
        const [found, expected] = [of(x), of(clean)];
        for (const [i, values] of found.entries()) {
          for (let c = 0; c < s.c; c++) {
            const isHit = c === 3 || c === 8 || c === 17;
            if (!isHit) expect(Object.is(values[c], expected[i][c]), `${isa} ${value} channel ${c}`).toBe(true);
            else if (i === 1 || value !== 3e38) expect(Number.isFinite(values[c]), `${isa} ${value}`).toBe(false);
          }
        }
      }
    }
  });

  it('of nothing are NaN', () => {
    for (const lie of emptyShapes()) {
      const list = [blockedInput(new Float32Array(0), lie), output(lie.c), output(lie.c), flat(lie)];
      everywhere('blockedChannelStatistics', list, (found) => {
        for (const values of found) expect(values.every(Number.isNaN)).toBe(true);
      });
    }
  });

  it('refuse short buffers and strange sizes', () => {
    const lie = { n: 2, c: 5, h: 3, w: 4, halo: 1, blocks: 0 };
    const x = block([], lie);
    const five = new Float32Array(5);
    const short = (values: Float32Array) => values.subarray(1);
    const attempt = (a: Float32Array, mean: Float32Array, variance: Float32Array) => () =>
      native.kernels.blockedChannelStatistics(a, mean, variance, flat(lie));
    expect(attempt(x, five, five)).not.toThrow();
    expect(attempt(short(x), five, five)).toThrow('blockedChannelStatistics: x is shorter than its shape');
    expect(attempt(x, short(five), five)).toThrow('blockedChannelStatistics: mean is shorter than the channels');
    expect(attempt(x, five, short(five))).toThrow('blockedChannelStatistics: variance is shorter than the channels');
    survivesStrangeSizes((change, out) => {
      native.kernels.blockedChannelStatistics(x, out(5), out(5), change(flat(lie)));
    });
  });
});
