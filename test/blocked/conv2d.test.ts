import { describe, expect, it } from 'vitest';
import { CONV2D_FIELDS, type Conv2dGeometry, encode } from '../../lib/geometry.js';
import { ACTIVATION_KINDS, CONVOLUTION_ALGORITHMS, type ConvolutionAlgorithm } from '../../lib/kernels/operations.js';
import { CONV2D_CASES, conv2dGeometry, randomConvolutions, tinyConvolutions } from '../cases/conv2d.js';
import { noNative, reportNative, withReason } from '../conformance/backends.js';
import { U } from '../conformance/conform.js';
import { type Fill, integers, normals, positives } from '../conformance/data.js';
import { activate } from './activations.js';
import { bound, conform, convolution, expected, isas, isWinograd, sizes, terms } from './conform.js';
import { type Convolution, choose, convolve, native, PASSES, type Pass, tensors } from './convolution.js';

/** Every algorithm that computes a convolution. */
function algorithmsOf(g: Conv2dGeometry, pass: Pass): ConvolutionAlgorithm[] {
  const whole = g.groups === 1 || ((g.ic / g.groups) % 16) + ((g.oc / g.groups) % 16) === 0;
  const found: ConvolutionAlgorithm[] = whole ? ['direct'] : [];
  if (g.groups === 1 && pass === 'forward') found.push('plainInput');
  const shape = [g.groups, g.kh, g.kw, g.strideH, g.strideW, g.dilationH, g.dilationW].join();
  if (shape === '1,3,3,1,1,1,1') found.push('winograd2', 'winograd4', 'winograd4Taps');
  if (shape === '1,3,3,2,2,1,1' && (pass === 'forward' ? g.ic : g.oc) % 16 === 0) found.push('winogradStrided');
  if (g.groups === 1 && pass === 'gradInput' && g.ic <= 16 && g.dilationW === 1) found.push('columns');
  return found;
}

/** Compares every algorithm with one and the same answer. */
function everyAlgorithm(pass: Pass, g: Conv2dGeometry, fill: Fill): void {
  const c = convolution(pass, g, 'direct', fill);
  const [of, s] = [expected(c), expected(c, Math.abs)];
  for (const algorithm of algorithmsOf(g, pass)) conform({ ...c, algorithm }, bound({ ...c, algorithm }, s), of);
}

describe.skipIf(noNative)(withReason('convolution of blocked tensors'), () => {
  reportNative();

  describe.each(PASSES)('%s', (pass) => {
    it('of whole numbers is exact on every small shape', () => {
      const channels = [
        [1, 16, 40],
        [1, 19, 16],
        [2, 16, 16],
      ] as const;
      tinyConvolutions(
        (i) => channels[i % 3],
        (i) => 1 + (i % 2),
      ).forEach((g, i) => {
        const isPlain = i % 4 === 0 && g.groups === 1 && pass === 'forward';
        for (const algorithm of isPlain ? (['direct', 'plainInput'] as const) : (['direct'] as const))
          conform(convolution(pass, g, algorithm, integers), () => 0);
      });
    });

    it.each(CONV2D_CASES.filter(({ x }) => x[2] * x[3] < 2000))('$why', (entry) => {
      const g = conv2dGeometry(entry);
      everyAlgorithm(pass, g, positives);
      const whole = convolution(pass, g, 'direct', integers);
      const of = expected(whole);
      for (const algorithm of algorithmsOf(g, pass))
        if (!isWinograd(algorithm)) conform({ ...whole, algorithm }, () => 0, of);
    });

    it('of random shapes', () => {
      for (const g of randomConvolutions(60, 2e6)) everyAlgorithm(pass, g, normals);
    });
  });

  const g = conv2dGeometry({ x: [2, 24, 9, 11], oc: 35, kernel: [3, 3], padding: 1 });

  describe('activations and residuals', () => {
    const slopes = normals(35, 9);

    it.each(ACTIVATION_KINDS)('%s, with and without a residual, before and after it', (activation) => {
      const plain = convolution('forward', g, 'direct', (length, seed) => normals(length, seed).map((v) => v / 8));
      const values = normals(sizes(g).y, 4);
      const [sums, s] = [expected(plain), expected(plain, Math.abs)];
      for (const residual of [undefined, 'before', 'after'] as const) {
        const of = sums.map((sum, i) => {
          const channel = Math.floor(i / (g.oh * g.ow)) % g.oc;
          const argument = sum + (residual === 'before' ? values[i] : 0);
          return activate(activation, argument, -0.5, 6, slopes[channel]) + (residual === 'after' ? values[i] : 0);
        });
        for (const algorithm of algorithmsOf(g, 'forward')) {
          const c: Convolution = { ...plain, algorithm, activation, slopes, alpha: -0.5, beta: 6 };
          if (residual) c.residual = { values, after: residual === 'after' };
          const allowed = bound(c, s);
          // no activation here is steeper than 3
          conform(c, (i) => 3 * allowed(i) + 8 * U * (1 + Math.abs(of[i]) + Math.abs(values[i])), of);
        }
      }
    });
  });

  it('with weights transformed as they are used, for any number of tiles', () => {
    // 1 to 4 tiles are summed in registers, 2 of them where there are few; more pass through memory
    for (const pass of PASSES) {
      for (const [size, n] of [
        [3, 1],
        [4, 2],
        [1, 3],
        [8, 1],
        [5, 2],
        [13, 1],
        [12, 3],
      ]) {
        for (const [ic, oc] of [
          [1, 1],
          [16, 33],
          [31, 16],
          [33, 17],
          [80, 48],
        ]) {
          const shape = conv2dGeometry({ x: [n, ic, size, size], oc, kernel: [3, 3], padding: 1 });
          const c = convolution(pass, shape, 'winograd4Taps', normals);
          conform(c, bound(c));
        }
      }
    }
  });

  it('with stride 2 by four kinds of taps, for any number of tiles and any padding', () => {
    for (const pass of PASSES) {
      for (const [h, w, n] of [
        [3, 3, 1],
        [4, 5, 2],
        [8, 9, 3],
        [16, 7, 2],
        [17, 33, 1],
        [32, 32, 8],
      ]) {
        for (const padding of [0, 1, 2]) {
          for (const channels of n === 8
            ? [[16, 16]]
            : [
                [16, 5],
                [32, 33],
                [48, 80],
              ]) {
            const [ic, oc] = pass === 'forward' ? channels : channels.toReversed();
            const shape = conv2dGeometry({ x: [n, ic, h, w], oc, kernel: [3, 3], stride: 2, padding });
            const c = convolution(pass, shape, 'winogradStrided', normals);
            conform(c, bound(c));
          }
        }
      }
    }
  });

  // layers of both strides: some algorithms are for one of them
  const layers = [g, conv2dGeometry({ x: [2, 32, 9, 11], oc: 48, kernel: [3, 3], stride: 2, padding: 1 })];
  it.each(layers)('passes NaN and infinity on to what they touch and to nothing else, stride $strideH', (g) => {
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
            // For such pixels weights that are kept transformed are recovered from that, to within the rounding of the
            // largest of a kernel; normal weights stay below 5.
            const isRecovered = algorithm === 'winograd2' || algorithm === 'winograd4';
            const recovered = place === 'source' && Number.isFinite(special) && isRecovered ? 64 * 5 * special : 0;
            for (const isa of isas) {
              native.setIsa(isa);
              convolve({ ...c, activation: 'relu' }).forEach((value, i) => {
                // Padding is multiplied like any other number: in the gradient too, a NaN among the weights shows there.
                const [y, x] = [Math.floor(i / g.w) % g.h, i % g.w];
                const isEdge = y === 0 || x === 0 || y === g.h - 1 || x === g.w - 1;
                if (pass === 'gradInput' && place === 'weight' && isEdge) return;
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

  it('of any number of channels, which may leave half of a vector empty', () => {
    for (let oc = 1; oc <= 48; oc++) {
      const layer = conv2dGeometry({ x: [1, 18, 3, 17], oc, kernel: [1, 1], padding: oc % 2 });
      const c = convolution('forward', layer, 'direct', normals);
      conform({ ...c, residual: { values: new Float32Array(sizes(layer).y), after: false } }, bound(c));
      const source = convolution(
        'gradInput',
        conv2dGeometry({ x: [1, oc, 3, 17], oc: 18, kernel: [1, 1] }),
        'direct',
        normals,
      );
      conform(source, bound(source));
    }
  });

  it('by Winograd of images of 16 tiles whose kernels exceed a cache', () => {
    const layer = conv2dGeometry({ x: [1, 128, 14, 13], oc: 80, kernel: [3, 3], padding: 1 });
    for (const algorithm of ['winograd4', 'winograd2'] as const) {
      const c = convolution('forward', layer, algorithm, normals);
      conform(c, bound(c));
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
          for (const algorithm of ['winograd4', 'winograd4Taps'] as const)
            expect(rms(convolve({ ...c, algorithm }), of) / direct, `${isa} ${pass} ${algorithm}`).toBeLessThan(2.5);
          expect(rms(convolve({ ...c, algorithm: 'winograd2' }), of) / direct, `${isa} ${pass} F(2)`).toBeLessThan(1);
        }
        const strided = conv2dGeometry({
          x: [1, channels, 28, 28],
          oc: channels,
          kernel: [3, 3],
          stride: 2,
          padding: 1,
        });
        const s = { ...convolution(pass, strided, 'direct', normals), bias: undefined, weight: c.weight };
        const ofStrided = expected(s);
        for (const isa of isas) {
          native.setIsa(isa);
          const error = rms(convolve({ ...s, algorithm: 'winogradStrided' }), ofStrided);
          expect(error / rms(convolve(s), ofStrided), `${isa} ${pass} with stride 2`).toBeLessThan(1.7);
        }
      }
    }
  });

  describe('the choice', () => {
    const layer = (ic: number, size: number, oc: number, kernel = 3, groups = 1) =>
      conv2dGeometry({ x: [1, ic, size, size], oc, kernel: [kernel, kernel], padding: kernel >> 1, groups });

    it('is Winograd for 3x3 with many channels, unless exact results are asked for', () => {
      expect(choose(layer(64, 56, 64), 'forward', false).algorithm).toBe('winograd4');
      expect(choose(layer(16, 8, 32), 'forward', false).algorithm).toBe('winograd4');
      expect(choose(layer(64, 56, 64), 'gradInput', false).algorithm).toBe('winograd4');
      expect(choose(layer(64, 56, 64), 'forward', true).algorithm).toBe('direct');
    });

    it('transforms the many weights of small images as they are used', () => {
      const { algorithm, packed } = choose(layer(512, 7, 512), 'forward', false);
      expect(algorithm).toBe('winograd4Taps');
      // the bias, the weights, and a number for each panel of them
      expect(packed - 512 * (1 + 512 * 9)).toBeLessThan(256);
      expect(choose(layer(256, 8, 256), 'gradInput', false).algorithm).toBe('winograd4Taps');
      expect(choose(layer(64, 56, 64), 'forward', false).algorithm).toBe('winograd4');
      expect(choose(layer(512, 7, 512), 'forward', true).algorithm).toBe('direct');
    });

    it('is four kinds of taps for 3x3 with stride 2, whose weights are kept as they are', () => {
      const strided = (ic: number, size: number, oc: number) =>
        conv2dGeometry({ x: [8, ic, size, size], oc, kernel: [3, 3], stride: 2, padding: 1 });
      for (const pass of PASSES) {
        expect(choose(strided(64, 32, 128), pass, false)).toMatchObject({ algorithm: 'winogradStrided', halo: 1 });
        expect(choose(strided(64, 32, 128), pass, true).algorithm).toBe('direct');
        const { packed } = choose(strided(512, 32, 512), pass, false);
        expect(packed - 512 * (1 + 512 * 9)).toBeLessThan(256);
        expect(choose(strided(16, 4, 16), pass, false).algorithm).toBe('direct');
      }
      // the last row and column of the input get no gradient, which is to be 0 and not almost
      const unseen = conv2dGeometry({ x: [8, 64, 32, 32], oc: 128, kernel: [3, 3], stride: 2 });
      expect(choose(unseen, 'gradInput', false).algorithm).toBe('direct');
      expect(choose(strided(60, 32, 128), 'forward', false).algorithm).toBe('direct');
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
      const list = Int32Array.of(0, 0, source.halo, result.halo, 0, 0, result.halo, 0, 0, 0);
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
      ['a short residual', { residual: y.subarray(1) }, 'blockedConv2d: residual is shorter than its shape'],
      ['prelu without slopes', { options: options({ 8: ACTIVATION_KINDS.indexOf('prelu') }) }, 'blockedConv2d: slopes is shorter than the channels of y'],
      ['a border narrower than the padding', { options: options({ 2: 0 }) }, 'blockedConv2d: the border of x is narrower than the padding'],
      ['a negative border', { options: options({ 3: -1 }) }, 'blockedConv2d: the border is not valid'],
      ['a range of a narrower tensor', { options: options({ 4: 1 }) }, 'blockedConv2d: x is shorter than its shape'],
      ['a range that y does not hold', { options: options({ 5: 5 }) }, 'blockedConv2d: y is shorter than its shape'],
      ['an unknown pass', { options: options({ 0: 2 }) }, 'blockedConv2d: the geometry is not valid'],
      ['an unknown algorithm', { options: options({ 1: CONVOLUTION_ALGORITHMS.length }) }, 'blockedConv2d: the algorithm does not compute this convolution'],
      ['an unknown activation', { options: options({ 8: ACTIVATION_KINDS.length }) }, 'blockedConv2d: there is no such activation'],
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
          if (next(3) === 0) list[2 + next(6)] = strange[next(strange.length)];
          else geometry[next(geometry.length)] = strange[next(strange.length)];
        }
        const guard = new Float32Array(y.length + 64).fill(7);
        try {
          attempt({ g: geometry, options: list, y: guard.subarray(32, 32 + y.length), residual: y })();
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
