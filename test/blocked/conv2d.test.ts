import { describe, expect, it } from 'vitest';
import { CONV2D_FIELDS, type Conv2dGeometry, encode } from '../../lib/geometry.js';
import {
  ACTIVATION_KINDS,
  type ActivationKind,
  CONVOLUTION_ALGORITHMS,
  type ConvolutionAlgorithm,
} from '../../lib/kernels/operations.js';
import { CONV2D_CASES, conv2dGeometry, randomConvolutions, tinyAxes } from '../cases/conv2d.js';
import { addon, noNative, reportNative, withReason } from '../conformance/backends.js';
import { type Call, input, oracle, output } from '../conformance/call.js';
import { SMALLEST_NORMAL, U } from '../conformance/conform.js';
import { type Fill, integers, normals, positives } from '../conformance/data.js';
import { type Convolution, choose, convolve, native, PASSES, type Pass, tensors } from './convolution.js';

const sizes = (g: Conv2dGeometry) => ({
  x: g.n * g.ic * g.h * g.w,
  weight: g.oc * (g.ic / g.groups) * g.kh * g.kw,
  y: g.n * g.oc * g.oh * g.ow,
});

function convolution(pass: Pass, g: Conv2dGeometry, algorithm: ConvolutionAlgorithm, fill: Fill): Convolution {
  const size = sizes(g);
  const rows = pass === 'forward' ? g.oc : g.ic;
  const source = fill(pass === 'forward' ? size.x : size.y, 1);
  return { pass, g, algorithm, source, weight: fill(size.weight, 2), bias: fill(rows, 3), halo: g.h % 3 };
}

/** The TypeScript kernels in float64; with Math.abs the sums of absolute values. */
function expected({ pass, g, source, weight, bias }: Convolution, of?: (value: number) => number): Float64Array {
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

const terms = ({ pass, g }: Convolution) => ((pass === 'forward' ? g.ic : g.oc) / g.groups) * g.kh * g.kw + 1;

const isas = addon?.isas ?? [];

/** Runs a convolution on every instruction set, with one thread and with two, and compares; the bits must be those of one thread. */
function conform(c: Convolution, allowed: (i: number) => number, of = expected(c)): void {
  for (const isa of isas) {
    native.setIsa(isa);
    native.setThreads(1);
    const label = `${isa}, ${c.pass} by ${c.algorithm}, ${CONV2D_FIELDS.map((f) => `${f} ${c.g[f]}`).join(' ')}`;
    const one = convolve(c, 'guarded');
    const wrong = one.findIndex((value, i) => !(Math.abs(value - of[i]) <= allowed(i)) && !Object.is(value, of[i]));
    if (wrong >= 0) throw new Error(`${label}: [${wrong}] is ${one[wrong]}, expected ${of[wrong]} ± ${allowed(wrong)}`);
    native.setThreads(2);
    expect(Buffer.compare(Buffer.from(one.buffer), Buffer.from(convolve(c, 'tight').buffer)), label).toBe(0);
  }
}

const isWinograd = (algorithm: ConvolutionAlgorithm) => algorithm.startsWith('winograd');
/** Transforms see whole patches: errors are relative to the largest terms around a result, not to its own. */
function bound(c: Convolution): (i: number) => number {
  const s = expected(c, Math.abs);
  const largest = s.reduce((a, b) => Math.max(a, b), 0);
  const k = terms(c);
  if (isWinograd(c.algorithm)) return () => U * largest * (30 + Math.sqrt(k)) + SMALLEST_NORMAL * (1 + k);
  return (i) => U * s[i] * (4 + Math.sqrt(k)) + SMALLEST_NORMAL * (1 + k);
}

/** Every algorithm that computes a convolution. */
function algorithmsOf(g: Conv2dGeometry, pass: Pass): ConvolutionAlgorithm[] {
  const whole = g.groups === 1 || ((g.ic / g.groups) % 16) + ((g.oc / g.groups) % 16) === 0;
  const found: ConvolutionAlgorithm[] = whole ? ['direct'] : [];
  if (g.groups === 1 && pass === 'forward') found.push('plainInput');
  const is3x3 = [g.kh, g.kw, g.strideH, g.strideW, g.dilationH, g.dilationW].join() === '3,3,1,1,1,1';
  if (g.groups === 1 && is3x3) found.push('winograd2', 'winograd4');
  return found;
}

describe.skipIf(noNative)(withReason('convolution of blocked tensors'), () => {
  reportNative();

  describe.each(PASSES)('%s', (pass) => {
    it('of whole numbers is exact on every small shape', () => {
      const axes = tinyAxes([
        [0, 0],
        [1, 1],
        [2, 1],
      ]);
      axes.forEach((across, i) => {
        const down = axes[(i * 7 + 3) % axes.length];
        const [ic, oc, groups] = [
          [16, 40, 1],
          [19, 16, 1],
          [32, 32, 2],
        ][i % 3];
        const g = conv2dGeometry({
          x: [1 + (i % 2), ic, down.size, across.size],
          oc,
          groups,
          kernel: [down.kernel, across.kernel],
          stride: [down.stride, across.stride],
          dilation: [down.dilation, across.dilation],
          padding: [down.padStart, across.padStart, down.padEnd, across.padEnd],
        });
        for (const algorithm of [
          'direct',
          ...(i % 4 === 0 && groups === 1 && pass === 'forward' ? ['plainInput'] : []),
        ])
          conform(convolution(pass, g, algorithm as ConvolutionAlgorithm, integers), () => 0);
      });
    });

    it.each(CONV2D_CASES.filter(({ x }) => x[2] * x[3] < 2000))('$why', (entry) => {
      const g = conv2dGeometry(entry);
      for (const algorithm of algorithmsOf(g, pass)) {
        if (!isWinograd(algorithm)) conform(convolution(pass, g, algorithm, integers), () => 0);
        const c = convolution(pass, g, algorithm, positives);
        conform(c, bound(c));
      }
    });

    it('of random shapes', () => {
      for (const g of randomConvolutions(60, 2e6)) {
        for (const algorithm of algorithmsOf(g, pass)) {
          const c = convolution(pass, g, algorithm, normals);
          conform(c, bound(c));
        }
      }
    });
  });

  const g = conv2dGeometry({ x: [2, 24, 9, 11], oc: 35, kernel: [3, 3], padding: 1 });

  describe('activations and residuals', () => {
    const slopes = normals(35, 9);
    const erf = (x: number) => {
      // Abramowitz and Stegun 7.1.26 would not do: the series converges quickly enough for the arguments here
      let [term, sum] = [x, x];
      for (let k = 1; k < 200; k++) {
        term *= -(x * x) / k;
        sum += term / (2 * k + 1);
      }
      return Math.abs(x) > 5 ? Math.sign(x) : (sum * 2) / Math.sqrt(Math.PI);
    };
    const gate = (x: number, alpha: number, beta: number) => Math.min(1, Math.max(0, alpha * x + beta));
    const functions: Record<ActivationKind, (x: number, channel: number) => number> = {
      identity: (x) => x,
      relu: (x) => Math.max(0, x),
      clip: (x) => Math.min(6, Math.max(-0.5, x)),
      leakyRelu: (x) => (x > 0 ? x : -0.5 * x),
      prelu: (x, channel) => (x > 0 ? x : slopes[channel] * x),
      hardSigmoid: (x) => gate(x, -0.5, 6),
      hardSwish: (x) => x * gate(x, 1 / 6, 0.5),
      sigmoid: (x) => 1 / (1 + Math.exp(-x)),
      tanh: Math.tanh,
      silu: (x) => x / (1 + Math.exp(-x)),
      gelu: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)),
    };

    it.each(ACTIVATION_KINDS)('%s, with and without a residual, before and after it', (activation) => {
      for (const algorithm of ['direct', 'plainInput', 'winograd2', 'winograd4'] as const) {
        for (const residual of [undefined, 'before', 'after'] as const) {
          const plain = convolution('forward', g, algorithm, (length, seed) => normals(length, seed).map((v) => v / 8));
          const values = normals(sizes(g).y, 4);
          const sums = expected(plain);
          const allowed = bound(plain);
          const c: Convolution = { ...plain, activation, slopes, alpha: -0.5, beta: 6 };
          if (residual) c.residual = { values, after: residual === 'after' };
          const of = sums.map((sum, i) => {
            const channel = Math.floor(i / (g.oh * g.ow)) % g.oc;
            const argument = sum + (residual === 'before' ? values[i] : 0);
            return functions[activation](argument, channel) + (residual === 'after' ? values[i] : 0);
          });
          // no activation here is steeper than 3
          conform(c, (i) => 3 * allowed(i) + 8 * U * (1 + Math.abs(of[i]) + Math.abs(values[i])), of);
        }
      }
    });
  });

  it('passes NaN and infinity on to what they touch and to nothing else', () => {
    for (const pass of PASSES) {
      for (const algorithm of algorithmsOf(g, pass)) {
        for (const special of [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 120]) {
          for (const place of ['source', 'weight'] as const) {
            const c = convolution(pass, g, algorithm, normals);
            c[place][c[place].length >> 1] = special;
            const of = expected(c);
            const finite = expected(c, (value) =>
              Number.isFinite(value) && Math.abs(value) < 1e9 ? Math.abs(value) : 0,
            );
            const k = terms(c);
            // For such pixels weights are recovered from their transforms, to within the rounding of the largest of
            // a kernel; normal weights stay below 5.
            const recovered =
              place === 'source' && Number.isFinite(special) && isWinograd(algorithm) ? 64 * 5 * special : 0;
            for (const isa of isas) {
              native.setIsa(isa);
              convolve({ ...c, activation: 'relu' }).forEach((value, i) => {
                const wanted = Number.isNaN(of[i]) ? of[i] : Math.fround(Math.max(0, of[i]));
                const ordinary = finite[i] * (30 + Math.sqrt(k)) + Math.abs(of[i]) * 30;
                const near = Math.abs(value - wanted) <= U * (ordinary + recovered);
                expect(
                  near || Object.is(value, wanted),
                  `${isa} ${pass} ${algorithm} ${special} in ${place}: [${i}] ${value} for ${wanted}`,
                ).toBe(true);
              });
            }
          }
        }
      }
    }
  });

  it('by Winograd rounds as little as is documented', () => {
    // pixels after a ReLU, weights that keep the variance
    const rms = (actual: ArrayLike<number>, of: ArrayLike<number>) => {
      let sum = 0;
      for (let i = 0; i < of.length; i++) sum += (actual[i] - of[i]) ** 2;
      return Math.sqrt(sum);
    };
    for (const channels of [64, 256]) {
      const layer = conv2dGeometry({ x: [1, channels, 14, 14], oc: channels, kernel: [3, 3], padding: 1 });
      for (const pass of PASSES) {
        const c = { ...convolution(pass, layer, 'direct', normals), bias: undefined };
        c.source = c.source.map((value) => Math.max(0, value));
        c.weight = c.weight.map((value) => value * Math.sqrt(2 / (9 * channels)));
        const of = expected(c);
        for (const isa of isas) {
          native.setIsa(isa);
          const direct = rms(convolve(c), of);
          // baseline rounds each product of a direct sum, and so has less to lose
          expect(rms(convolve({ ...c, algorithm: 'winograd4' }), of) / direct, `${isa} ${pass} F(4)`).toBeLessThan(2.5);
          expect(rms(convolve({ ...c, algorithm: 'winograd2' }), of) / direct, `${isa} ${pass} F(2)`).toBeLessThan(1);
        }
      }
    }
  });

  describe('the choice', () => {
    const layer = (ic: number, size: number, oc: number, kernel = 3, groups = 1) =>
      conv2dGeometry({ x: [1, ic, size, size], oc, kernel: [kernel, kernel], padding: kernel >> 1, groups });

    it('is Winograd for 3x3 with many channels, unless exact results are asked for', () => {
      expect(choose(layer(64, 56, 64), 'forward', false).algorithm).toBe('winograd4');
      expect(choose(layer(512, 7, 512), 'forward', false).algorithm).toBe('winograd2');
      expect(choose(layer(64, 56, 64), 'gradInput', false).algorithm).toBe('winograd4');
      expect(choose(layer(64, 56, 64), 'forward', true).algorithm).toBe('direct');
    });

    it('is the plain input for a first layer, direct for other kernels', () => {
      expect(choose(layer(3, 224, 64, 7), 'forward', false)).toMatchObject({ algorithm: 'plainInput', halo: 3 });
      expect(choose(layer(64, 56, 256, 1), 'forward', false)).toMatchObject({ algorithm: 'direct', halo: 0 });
      expect(choose(layer(64, 56, 64, 5), 'gradInput', false)).toMatchObject({ algorithm: 'direct', halo: 2 });
    });

    it('says how long packed weights are', () => {
      const { packed, algorithm } = choose(layer(64, 8, 64), 'forward', true);
      expect(algorithm).toBe('direct');
      expect(packed).toBe(64 + 64 * 64 * 9);
    });
  });

  describe('refuses', () => {
    const flat = encode(CONV2D_FIELDS, g);
    const { source, result } = tensors({ pass: 'forward', g });
    const options = (change: Partial<Record<number, number>> = {}) => {
      const list = Int32Array.of(0, 0, source.halo, result.halo, 0, 0);
      for (const [i, value] of Object.entries(change)) list[Number(i)] = value as number;
      return list;
    };
    const packed = new Float32Array(48 * (1 + 24 * 9));
    const x = new Float32Array(2 * 2 * 11 * 13 * 16);
    const y = new Float32Array(2 * 3 * 9 * 11 * 16);
    const attempt =
      (
        list: Partial<{
          x: Float32Array;
          packed: Float32Array;
          y: Float32Array;
          residual: Float32Array;
          g: Int32Array;
          options: Int32Array;
        }>,
      ) =>
      () => {
        const all = { x, packed, y, residual: null, g: flat, options: options(), ...list };
        native.kernels.blockedConv2d(all.x, all.packed, all.residual, null, all.y, all.g, all.options, 0, 0);
      };

    it('nothing that is right', () => {
      expect(attempt({})).not.toThrow();
    });

    // biome-ignore format: one case a line
    it.each([
      ['a short x', { x: x.subarray(1) }, 'blockedConv2d: x is shorter than its shape'],
      ['short packed weights', { packed: packed.subarray(1) }, 'blockedConv2d: packed is shorter than the packed weights'],
      ['a short y', { y: y.subarray(1) }, 'blockedConv2d: y is shorter than its shape'],
      ['a short residual', { residual: y.subarray(1) }, 'blockedConv2d: residual is shorter than y'],
      ['prelu without slopes', { options: options({ 4: ACTIVATION_KINDS.indexOf('prelu') }) }, 'blockedConv2d: slopes is shorter than the channels of y'],
      ['a border narrower than the padding', { options: options({ 2: 0 }) }, 'blockedConv2d: the border of x is narrower than the padding'],
      ['a negative border', { options: options({ 3: -1 }) }, 'blockedConv2d: the border is not valid'],
      ['an unknown pass', { options: options({ 0: 2 }) }, 'blockedConv2d: the geometry is not valid'],
      ['an unknown algorithm', { options: options({ 1: CONVOLUTION_ALGORITHMS.length }) }, 'blockedConv2d: the algorithm does not compute this convolution'],
      ['an unknown activation', { options: options({ 4: ACTIVATION_KINDS.length }) }, 'blockedConv2d: there is no such activation'],
    ])('%s', (_, list, message) => {
      expect(attempt(list)).toThrow(expect.objectContaining({ message, code: 'ERR_NATIVE' }));
    });

    it('or computes safely whatever sizes it is given', () => {
      let state = 1;
      const next = (n: number) => {
        state = (state * 1103515245 + 12345) % 2 ** 31;
        return Math.floor((state / 2 ** 31) * n);
      };
      const strange = [-1, 0, 1, 2, 3, 5, 7, 16, 1000, 65536, 2 ** 31 - 1, -(2 ** 31)];
      let agreed = 0;
      for (let i = 0; i < 4000; i++) {
        const geometry = flat.slice();
        const list = options({ 1: next(4), 0: next(2) });
        for (let change = next(3); change >= 0; change--) {
          if (next(3) === 0) list[2 + next(2)] = strange[next(strange.length)];
          else geometry[next(geometry.length)] = strange[next(strange.length)];
        }
        const guard = new Float32Array(y.length + 64).fill(7);
        try {
          attempt({ g: geometry, options: list, y: guard.subarray(32, 32 + y.length) })();
          agreed++;
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_NATIVE' });
        }
        expect(guard.subarray(0, 32).every((v) => v === 7) && guard.subarray(-32).every((v) => v === 7)).toBe(true);
      }
      expect(agreed).toBeGreaterThan(100);
    });
  });
});
