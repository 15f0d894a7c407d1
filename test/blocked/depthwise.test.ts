import { describe, expect, it } from 'vitest';
import { CONV2D_FIELDS, CONVOLUTION_OPTION_FIELDS, type Conv2dGeometry, encode } from '../../lib/geometry.js';
import { ACTIVATION_KINDS, CONVOLUTION_ALGORITHMS, type ConvolutionAlgorithm } from '../../lib/kernels/operations.js';
import { CONV2D_CASES, conv2dGeometry, randomConvolutions, tinyConvolutions } from '../cases/conv2d.js';
import { noNative, reportNative, withReason } from '../conformance/backends.js';
import { type Call, input, oracle, output } from '../conformance/call.js';
import { U } from '../conformance/conform.js';
import { type Fill, integers, normals, positives } from '../conformance/data.js';
import { activate } from './activations.js';
import { bound, conform, convolution, expected, isas, sameBits, sizes } from './conform.js';
import { call, choose, convolve, native, PASSES } from './convolution.js';
import { block } from './layout.js';

/** [groups, channels in and channels out of a group] of what each algorithm is for. */
const GROUPS: Partial<Record<ConvolutionAlgorithm, readonly (readonly [number, number, number])[]>> = {
  depthwise: [
    [5, 1, 1],
    [16, 1, 1],
    [19, 1, 1],
    [9, 1, 2],
    [6, 1, 3],
    [1, 1, 17],
  ],
  grouped: [
    [9, 2, 2],
    [4, 4, 4],
    [5, 4, 4],
    [3, 8, 8],
    [1, 2, 2],
  ],
};
const ALGORITHMS = Object.keys(GROUPS) as ConvolutionAlgorithm[];

function algorithmsOf(g: Conv2dGeometry): ConvolutionAlgorithm[] {
  const [ic, oc] = [g.ic / g.groups, g.oc / g.groups];
  if (ic === 1) return ['depthwise'];
  return ic === oc && [2, 4, 8].includes(ic) ? ['grouped'] : [];
}

describe.skipIf(noNative)(withReason('depthwise and grouped convolution of blocked tensors'), () => {
  reportNative();

  describe.each(PASSES)('%s', (pass) => {
    it.each(ALGORITHMS)('%s of whole numbers is exact on every small shape', (algorithm) => {
      const choices = GROUPS[algorithm] ?? [];
      for (const g of tinyConvolutions(
        (i) => choices[i % choices.length],
        (i) => 1 + (i % 2),
      ))
        conform(convolution(pass, g, algorithm, integers), () => 0);
    });

    it('in tiles of every length', () => {
      for (const kernel of [3, 5]) {
        for (const stride of [1, 2]) {
          for (let size = 1; size <= 26; size += 1 + (size >> 2)) {
            for (const [groups, channels] of [
              [18, 1],
              [6, 4],
            ]) {
              const c = groups * channels;
              const g = conv2dGeometry({
                x: [1, c, 5, size],
                oc: c,
                groups,
                kernel: [kernel, kernel],
                stride,
                padding: [kernel >> 1, (kernel >> 1) * (1 + (size % 3))],
                dilation: [1, 1 + (size % 3)],
              });
              conform(convolution(pass, g, algorithmsOf(g)[0], integers), () => 0);
            }
          }
        }
      }
    });

    it.each(CONV2D_CASES.filter(({ groups = 1, x }) => groups > 1 && x[2] * x[3] < 5000))('$why', (entry) => {
      const g = conv2dGeometry(entry);
      for (const algorithm of algorithmsOf(g)) {
        conform(convolution(pass, g, algorithm, integers), () => 0);
        const c = convolution(pass, g, algorithm, positives);
        conform(c, bound(c));
      }
    });

    it('of random shapes', () => {
      let met = 0;
      for (const g of randomConvolutions(40, 2e6)) {
        for (const algorithm of g.groups > 1 ? algorithmsOf(g) : []) {
          const c = convolution(pass, g, algorithm, normals);
          conform(c, bound(c));
          met++;
        }
      }
      expect(met).toBeGreaterThan(4);
    });
  });

  const LAYERS: readonly [ConvolutionAlgorithm, Conv2dGeometry][] = [
    ['depthwise', conv2dGeometry({ x: [2, 19, 9, 11], oc: 19, kernel: [3, 3], padding: 1, groups: 19 })],
    ['depthwise', conv2dGeometry({ x: [1, 10, 9, 11], oc: 20, kernel: [2, 3], padding: 1, stride: 3, groups: 10 })],
    ['grouped', conv2dGeometry({ x: [2, 20, 9, 11], oc: 20, kernel: [3, 3], padding: 1, groups: 5 })],
  ];

  it.each(ACTIVATION_KINDS)('%s, with and without a residual, before and after it', (activation) => {
    for (const [algorithm, g] of LAYERS) {
      for (const pass of PASSES) {
        const [channels, size] = pass === 'forward' ? [g.oc, g.oh * g.ow] : [g.ic, g.h * g.w];
        const slopes = normals(channels, 9);
        const values = normals(g.n * channels * size, 4);
        const plain = convolution(pass, g, algorithm, (length, seed) => normals(length, seed).map((v) => v / 2));
        const sums = expected(plain);
        const allowed = bound(plain);
        for (const residual of [undefined, 'before', 'after'] as const) {
          const of = sums.map((sum, i) => {
            const argument = sum + (residual === 'before' ? values[i] : 0);
            const slope = slopes[Math.floor(i / size) % channels];
            return activate(activation, argument, -0.5, 6, slope) + (residual === 'after' ? values[i] : 0);
          });
          const extra = residual ? { residual: { values, after: residual === 'after' } } : {};
          const c = { ...plain, activation, slopes, alpha: -0.5, beta: 6, ...extra };
          // no activation here is steeper than 3
          conform(c, (i) => 3 * allowed(i) + 8 * U * (1 + Math.abs(of[i]) + Math.abs(values[i])), of);
        }
      }
    }
  });

  it('passes NaN and infinity on to what they touch and to nothing else', () => {
    for (const [algorithm, g] of LAYERS) {
      for (const pass of PASSES) {
        for (const special of [Number.NaN, Number.POSITIVE_INFINITY]) {
          const c = convolution(pass, g, algorithm, integers);
          c.source[c.source.length >> 1] = special;
          conform(c, () => 0, expected(c));
        }
      }
    }
  });

  it('is chosen, with the border its windows need', () => {
    const layer = (groups: number, channels: number, kernel: number, dilation = 1) =>
      conv2dGeometry({
        x: [1, groups * channels, 14, 14],
        oc: groups * channels,
        kernel: [kernel, kernel],
        padding: (kernel >> 1) * dilation,
        dilation,
        groups,
      });
    for (const pass of PASSES) {
      expect(choose(layer(32, 1, 3), pass, false)).toEqual({ algorithm: 'depthwise', halo: 1, packed: 2 * 160 });
      expect(choose(layer(20, 1, 5, 2), pass, false)).toMatchObject({ algorithm: 'depthwise', halo: 4 });
      expect(choose(layer(32, 4, 3), pass, false)).toEqual({ algorithm: 'grouped', halo: 1, packed: 8 * 37 * 16 });
      expect(choose(layer(5, 3, 3), pass, false).algorithm).toBeUndefined();
    }
  });

  it('does not read past packed weights or the last pixel', () => {
    for (const [algorithm, g] of LAYERS) {
      const { packed } = choose(g, 'forward', false);
      const c = convolution('forward', g, algorithm, normals);
      expect(sameBits(convolve(c, 'guarded'), convolve({ ...c, packedLength: packed }, 'tight'))).toBe(true);
    }
  });

  describe('gradient of depthwise weights', () => {
    function check(g: Conv2dGeometry, fill: Fill): void {
      const size = sizes(g);
      const flat = encode(CONV2D_FIELDS, g);
      const x = fill(size.x, 1);
      const dy = fill(size.y, 2);
      const reference: Call = {
        kernel: 'conv2dGradWeight',
        arguments: [input(x), input(dy), output(size.weight), flat, 1],
      };
      const of = oracle(reference)[0];
      const sums = oracle(reference, Math.abs)[0];
      const growth = 4 + Math.sqrt(g.n * g.oh * g.ow);
      const source = { n: g.n, c: g.ic, h: g.h, w: g.w, halo: choose(g, 'forward', false).halo, blocks: 0 };
      const gradient = { n: g.n, c: g.oc, h: g.oh, w: g.ow, halo: g.w % 2, blocks: 0 };
      const options = encode(CONVOLUTION_OPTION_FIELDS, {
        pass: 2,
        algorithm: CONVOLUTION_ALGORITHMS.indexOf('depthwise'),
        haloIn: source.halo,
        haloOut: gradient.halo,
        blocksIn: 0,
        blocksOut: 0,
        haloResidual: 0,
        blocksResidual: 0,
        activation: 0,
        residualAfter: 0,
      });
      const list = [input(block(x, source)), input(block(dy, gradient)), output(size.weight), flat, options];
      for (const isa of isas) {
        native.setIsa(isa);
        native.setThreads(1);
        const label = `${isa} ${CONV2D_FIELDS.map((f) => `${f} ${g[f]}`).join(' ')}`;
        const one = call('blockedConv2dGradWeight', list, 'guarded');
        one.forEach((value, i) => {
          const allowed = fill === integers ? 0 : U * sums[i] * growth;
          if (!(Math.abs(value - of[i]) <= allowed)) throw new Error(`${label}: [${i}] is ${value}, expected ${of[i]}`);
        });
        native.setThreads(2);
        const two = call('blockedConv2dGradWeight', list, 'tight');
        expect(sameBits(one, two), label).toBe(true);
      }
    }

    it('is exact on every small shape', () => {
      const choices = GROUPS.depthwise ?? [];
      for (const g of tinyConvolutions(
        (i) => choices[i % 5],
        (i) => 1 + (i % 3),
      ))
        check(g, integers);
    });

    it('rounds long sums like trees', () => {
      for (const x of [
        [4, 20, 65, 70],
        [1, 3, 200, 130],
      ] as const) {
        const g = conv2dGeometry({ x, oc: x[1], groups: x[1], kernel: [3, 3], padding: 1 });
        check(g, positives);
        check(g, normals);
      }
    });
  });
});
