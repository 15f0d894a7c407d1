import { describe, expect, it } from 'vitest';
import { blockedElements } from '../../lib/backend/blocked.js';
import { CONV2D_FIELDS, CONVOLUTION_OPTION_FIELDS, type Conv2dGeometry, encode } from '../../lib/geometry.js';
import { CONVOLUTION_ALGORITHMS, type ConvolutionAlgorithm } from '../../lib/kernels/operations.js';
import { CONV2D_CASES, conv2dGeometry, randomConvolutions, tinyConvolutions } from '../cases/conv2d.js';
import { addon, noNative, reportNative, withReason } from '../conformance/backends.js';
import { input, type Layout, oracle, output } from '../conformance/call.js';
import { SMALLEST_NORMAL, U } from '../conformance/conform.js';
import { type Fill, integers, normals, positives } from '../conformance/data.js';
import { call, native } from './convolution.js';
import { block } from './layout.js';

/** The gradient of the weights of one layer, by one algorithm. */
interface GradWeight {
  g: Conv2dGeometry;
  algorithm: ConvolutionAlgorithm;
  x: Float32Array;
  dy: Float32Array;
}

const isas = addon?.isas ?? [];
const weights = (g: Conv2dGeometry) => g.oc * (g.ic / g.groups) * g.kh * g.kw;
const terms = ({ g }: GradWeight) => g.n * g.oh * g.ow;
const isWinograd = (algorithm: ConvolutionAlgorithm) => algorithm.startsWith('winograd');
const is3x3 = (g: Conv2dGeometry, stride: number) =>
  [g.kh, g.kw, g.strideH, g.strideW, g.dilationH, g.dilationW, g.groups].join() === `3,3,${stride},${stride},1,1,1`;

function gradWeight(g: Conv2dGeometry, algorithm: ConvolutionAlgorithm, fill: Fill): GradWeight {
  return { g, algorithm, x: fill(g.n * g.ic * g.h * g.w, 1), dy: fill(g.n * g.oc * g.oh * g.ow, 2) };
}

/** The TypeScript kernel in float64; with Math.abs the sums of absolute values. */
function expected({ g, x, dy }: GradWeight, of?: (value: number) => number): Float64Array {
  const list = [input(x), input(dy), output(weights(g)), encode(CONV2D_FIELDS, g)];
  return oracle({ kernel: 'conv2dGradWeight', arguments: list }, of)[0] as Float64Array;
}

/** Borders as wide as the padding, and more: wider ones must not change anything. */
const halos = (g: Conv2dGeometry) => ({
  haloIn: Math.max(g.padTop, g.padLeft, g.padBottom, g.padRight) + (g.w % 2),
  haloOut: g.h % 4,
});

function optionsOf(g: Conv2dGeometry, algorithm: ConvolutionAlgorithm): Int32Array {
  const code = CONVOLUTION_ALGORITHMS.indexOf(algorithm);
  const none = { blocksIn: 0, blocksOut: 0, haloResidual: 0, blocksResidual: 0, activation: 0, residualAfter: 0 };
  return encode(CONVOLUTION_OPTION_FIELDS, { pass: 2, algorithm: code, ...halos(g), ...none });
}

/** The gradient on the active instruction set. */
function sum({ g, algorithm, x, dy }: GradWeight, layout: Layout = 'guarded'): Float32Array {
  const { haloIn, haloOut } = halos(g);
  const source =
    algorithm === 'plainInput' ? x : block(x, { n: g.n, c: g.ic, h: g.h, w: g.w, halo: haloIn, blocks: 0 });
  const gradient = block(dy, { n: g.n, c: g.oc, h: g.oh, w: g.ow, halo: haloOut, blocks: 0 });
  const list = [input(source), input(gradient), output(weights(g)), encode(CONV2D_FIELDS, g)];
  return call('blockedConv2dGradWeight', [...list, optionsOf(g, algorithm)], layout);
}

/** Compares on every instruction set; two threads must give the bits of one. */
function conform(c: GradWeight, allowed: (i: number) => number, of = expected(c)): void {
  for (const isa of isas) {
    native.setIsa(isa);
    native.setThreads(1);
    const label = `${isa}, by ${c.algorithm}, ${CONV2D_FIELDS.map((f) => `${f} ${c.g[f]}`).join(' ')}`;
    const one = sum(c, 'guarded');
    const wrong = one.findIndex((value, i) => !(Math.abs(value - of[i]) <= allowed(i)) && !Object.is(value, of[i]));
    if (wrong >= 0) throw new Error(`${label}: [${wrong}] is ${one[wrong]}, expected ${of[wrong]} ± ${allowed(wrong)}`);
    native.setThreads(2);
    const two = sum(c, 'tight');
    expect(Buffer.compare(new Uint8Array(one.buffer, one.byteOffset, one.byteLength), new Uint8Array(two.buffer))).toBe(
      0,
    );
  }
}

/** Transforms see whole patches: errors are relative to the largest terms around, not to those of a weight. */
function bound(c: GradWeight): (i: number) => number {
  const s = expected(c, Math.abs);
  const k = terms(c);
  const largest = s.reduce((a, b) => Math.max(a, b), 0);
  if (isWinograd(c.algorithm)) return () => U * largest * (30 + Math.sqrt(k)) + SMALLEST_NORMAL * (1 + k);
  return (i) => U * s[i] * (4 + Math.sqrt(k)) + SMALLEST_NORMAL * (1 + k);
}

/** Every algorithm that takes a layer. */
function algorithmsOf(g: Conv2dGeometry): ConvolutionAlgorithm[] {
  const found: ConvolutionAlgorithm[] = [];
  if (g.groups === 1 || ((g.ic / g.groups) % 16) + ((g.oc / g.groups) % 16) === 0) found.push('direct');
  if (g.groups === 1) found.push('plainInput');
  if (is3x3(g, 1)) found.push('winograd2', 'winograd4');
  if (is3x3(g, 2)) found.push('winogradStrided');
  return found;
}

const CASES = [
  ...CONV2D_CASES.filter(({ x, groups }) => groups === undefined && x[2] * x[3] < 20_000),
  { why: 'rows that are cut', x: [1, 5, 3, 1200], oc: 9, kernel: [3, 3], padding: 1 } as const,
];

describe.skipIf(noNative)(withReason('gradient of weights on blocked tensors'), () => {
  reportNative();

  it('of whole numbers is exact on every small shape', () => {
    const channels = [
      [1, 16, 40],
      [1, 19, 16],
      [1, 3, 33],
      [2, 16, 16],
    ] as const;
    for (const g of tinyConvolutions(
      (i) => channels[i % 4],
      (i) => 1 + (i % 5),
    ))
      for (const algorithm of g.groups === 1 ? (['direct', 'plainInput'] as const) : (['direct'] as const))
        conform(gradWeight(g, algorithm, integers), () => 0);
  });

  it.each(CASES)('$why', (entry) => {
    const g = conv2dGeometry(entry);
    for (const algorithm of algorithmsOf(g)) {
      if (!isWinograd(algorithm)) conform(gradWeight(g, algorithm, integers), () => 0);
      const c = gradWeight(g, algorithm, positives);
      conform(c, bound(c));
    }
  });

  it('of random shapes', () => {
    for (const g of randomConvolutions(60, 2e6)) {
      for (const algorithm of algorithmsOf(g)) {
        const c = gradWeight(g, algorithm, normals);
        conform(c, bound(c));
      }
    }
  });

  it.each([
    [16, 16, 3],
    [24, 40, 2],
    [40, 80, 5],
    [80, 24, 1],
    [3, 150, 4],
  ])('%i to %i channels, %i images', (ic, oc, n) => {
    for (const [kernel, stride] of [
      [1, 1],
      [3, 1],
      [3, 2],
      [5, 1],
      [7, 2],
    ]) {
      const g = conv2dGeometry({ x: [n, ic, 13, 19], oc, kernel: [kernel, kernel], stride, padding: kernel >> 1 });
      for (const algorithm of algorithmsOf(g)) {
        const c = gradWeight(g, algorithm, normals);
        conform(c, bound(c));
      }
    }
  });

  it('of groups that are whole blocks', () => {
    for (const [ic, oc] of [
      [16, 16],
      [32, 48],
      [48, 16],
    ]) {
      const g = conv2dGeometry({ x: [2, 3 * ic, 7, 9], oc: 3 * oc, kernel: [3, 3], padding: 1, groups: 3 });
      conform(gradWeight(g, 'direct', integers), () => 0);
    }
  });

  const layer = (n: number, channels: number, size: number, stride = 1) =>
    conv2dGeometry({ x: [n, channels, size, size], oc: channels, kernel: [3, 3], stride, padding: 1 });

  describe('rounding', () => {
    const rms = (actual: ArrayLike<number>, of: ArrayLike<number>) => {
      let total = 0;
      for (let i = 0; i < of.length; i++) total += (actual[i] - of[i]) ** 2;
      return Math.sqrt(total / of.length);
    };

    /** One accumulator over images and positions, rounded after each product. */
    function sequential({ g, x, dy }: GradWeight): Float32Array {
      const dweight = new Float32Array(weights(g));
      for (let at = 0; at < dweight.length; at++) {
        const [o, c, p, q] = [Math.floor(at / 9 / g.ic), Math.floor(at / 9) % g.ic, Math.floor(at / 3) % 3, at % 3];
        let total = 0;
        for (let n = 0; n < g.n; n++) {
          for (let i = 0; i < g.oh; i++) {
            const y = i * g.strideH + p - g.padTop;
            if (y < 0 || y >= g.h) continue;
            for (let j = 0; j < g.ow; j++) {
              const column = j * g.strideW + q - g.padLeft;
              if (column < 0 || column >= g.w) continue;
              const pixel = x[((n * g.ic + c) * g.h + y) * g.w + column];
              total = Math.fround(total + pixel * dy[((n * g.oc + o) * g.oh + i) * g.ow + j]);
            }
          }
        }
        dweight[at] = total;
      }
      return dweight;
    }

    // Times the rounding error of one accumulator: the longer the sums, the more it has lost to theirs.
    it.each([
      ['winograd4', 32, 32, 8, 0.7],
      ['winograd4', 48, 16, 16, 1],
      ['winograd4', 64, 8, 16, 1.9],
      ['winograd2', 48, 16, 16, 0.6],
      ['winograd2', 64, 8, 16, 1],
      ['winogradStrided', 48, 32, 16, 0.6],
      ['winogradStrided', 64, 16, 16, 1.2],
      ['direct', 48, 16, 16, 0.6],
    ] as const)('by %s, %i channels, %i pixels wide, %i images: at most %f times that of one accumulator', (...row) => {
      const [algorithm, channels, size, n, limit] = row;
      const c = gradWeight(layer(n, channels, size, algorithm === 'winogradStrided' ? 2 : 1), algorithm, normals);
      c.x = c.x.map((value) => Math.max(0, value));
      const of = expected(c);
      const allowed = limit * rms(sequential(c), of);
      for (const isa of isas) {
        native.setIsa(isa);
        expect(rms(sum(c), of), isa).toBeLessThanOrEqual(allowed);
      }
    });

    it('of equal terms stays within the bound of the sum', () => {
      for (const algorithm of ['direct', 'plainInput'] as const) {
        const c = gradWeight(layer(3, 16, 60), algorithm, (length, seed) => new Float32Array(length).fill(0.1 * seed));
        const s = expected(c, Math.abs);
        // a run of 256 equal terms in one accumulator may drift by half a unit each time
        conform(c, (i) => U * s[i] * (128 + Math.sqrt(terms(c))));
      }
    });
  });

  describe('NaN, infinity and huge numbers', () => {
    const layers = [1, 2].map((stride) =>
      conv2dGeometry({ x: [2, 40, 9, 11], oc: 50, kernel: [3, 3], stride, padding: 1 }),
    );
    const cases = layers.flatMap((g) => algorithmsOf(g).map((algorithm) => [algorithm, g.strideH, g] as const));
    it.each(cases)('by %s with stride %i reach the weights that see them and no others', (algorithm, _, g) => {
      const places = { x: [0, 10, 59, g.h * g.w - 1], dy: [0, g.ow - 1, g.ow, g.oh * g.ow - 1] }; // corners and edges
      for (const where of ['x', 'dy'] as const) {
        for (const special of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 124]) {
          places[where].forEach((place, channel) => {
            const c = gradWeight(g, algorithm, normals);
            c[where][(17 + 3 * channel) * (where === 'x' ? g.h * g.w : g.oh * g.ow) + place] = special;
            const of = expected(c);
            const finite = expected(c, (value) => (Math.abs(value) < 1e9 ? Math.abs(value) : 0));
            const largest = finite.reduce((a, b) => Math.max(a, b), 0);
            conform(
              c,
              (i) => U * (largest * 50 + (Number.isFinite(of[i]) ? Math.abs(of[i]) * 20 : 0)),
              of.map(Math.fround),
            );
          });
        }
      }
    });
  });

  it('refuses what it cannot compute', () => {
    const g = layer(1, 16, 6);
    const c = gradWeight(g, 'direct', integers);
    const run = (of: Partial<Conv2dGeometry>, algorithm: ConvolutionAlgorithm | number, options: number[] = []) => {
      const changed = { ...g, ...of };
      const flat = optionsOf(g, typeof algorithm === 'number' ? 'direct' : algorithm);
      if (typeof algorithm === 'number') flat[1] = algorithm;
      options.forEach((value, i) => {
        flat[2 + i] = value;
      });
      const x = new Float32Array(blockedElements({ n: 1, c: 16, h: 6, w: 6, halo: 1, blocks: 0 }));
      const list = [
        x,
        new Float32Array(16 * 8 * 8 * 4),
        new Float32Array(weights(c.g)),
        encode(CONV2D_FIELDS, changed),
      ];
      return () => (native.kernels.blockedConv2dGradWeight as (...values: unknown[]) => void)(...list, flat);
    };
    expect(run({}, 'direct', [1, 1])).not.toThrow();
    expect(run({}, 'direct', [0, 1])).toThrow('windows reach beyond the border of x');
    expect(run({ padTop: 2 }, 'direct', [1, 1])).toThrow('windows reach beyond the border of x');
    expect(run({ dilationH: 2 ** 30, dilationW: 2 ** 30 }, 'direct', [1, 1])).toThrow('windows reach beyond');
    expect(run({ dilationH: 2 ** 30, dilationW: 2 ** 30 }, 'plainInput', [1, 1])).toThrow('the kernel reaches too far');
    expect(run({}, 'direct', [-1, 1])).toThrow('x is shorter than its shape');
    expect(run({}, 'direct', [2 ** 30, 1])).toThrow('x is shorter than its shape');
    expect(run({}, 'direct', [1, 2 ** 30])).toThrow('dy is shorter than its shape');
    expect(run({ groups: 2 }, 'direct', [1, 1])).toThrow('groups are not whole blocks of channels');
    expect(run({ strideH: 2 }, 'winograd4', [8, 1])).toThrow(/x is shorter|for 3x3 kernels with stride 1/);
    expect(run({ strideH: 2, oh: 3 }, 'winograd4', [1, 1])).toThrow('for 3x3 kernels with stride 1');
    expect(run({}, 'winogradStrided', [1, 1])).toThrow('for 3x3 kernels with stride 2');
    expect(run({}, 77, [1, 1])).toThrow('no such algorithm');
    expect(run({ oc: 17 }, 'direct', [1, 1])).toThrow('shorter than its shape');
    expect(run({ n: 0, h: 0, oh: 0 }, 'winograd4', [1, 1])).not.toThrow();
  });
});
