import { describe, expect, it } from 'vitest';
import { CONV2D_FIELDS, type Conv2dGeometry, encode } from '../../lib/geometry.js';
import { ArgumentError, backendInfo, conv2d, setBackend, setPrecision, tensor } from '../../lib/index.js';
import { Generator } from '../../lib/random.js';
import { type Conv2dCase, conv2dGeometry } from '../cases/conv2d.js';
import { backends, reportNative } from './backends.js';
import { type Call, input, oracle, output, run } from './call.js';
import { conform, SMALLEST_NORMAL, U } from './conform.js';
import { normals } from './data.js';

// 3x3 convolutions that native kernels compute by Winograd's algorithm unless told to be exact.

type Pass = 'conv2dForward' | 'conv2dGradInput';
const PASSES: readonly Pass[] = ['conv2dForward', 'conv2dGradInput'];

interface Sum {
  pass: Pass;
  g: Conv2dGeometry;
  x: Float32Array;
  weight: Float32Array;
}

const elementsOf = ({ n, ic, h, w, oc, oh, ow }: Conv2dGeometry) => ({
  x: n * ic * h * w,
  weight: oc * ic * 9,
  y: n * oc * oh * ow,
});

/** Random pixels after a ReLU, with weights that keep the variance: what a trained layer sees. */
function layer(pass: Pass, g: Conv2dGeometry): Sum {
  const size = elementsOf(g);
  const scale = Math.sqrt(2 / (9 * (pass === 'conv2dForward' ? g.ic : g.oc)));
  const x = normals(pass === 'conv2dForward' ? size.x : size.y, 1).map((value) => Math.max(0, value));
  return { pass, g, x, weight: normals(size.weight, 2).map((value) => value * scale) };
}

function callOf({ pass, g, x, weight }: Sum, exact: 0 | 1): Call {
  const flat = encode(CONV2D_FIELDS, g);
  const bias = pass === 'conv2dForward' ? [null] : [];
  const size = elementsOf(g);
  const length = pass === 'conv2dForward' ? size.y : size.x;
  return { kernel: pass, arguments: [input(x), input(weight), ...bias, output(length), flat, exact] };
}

/** Larger of the bounds of F(4x4, 3x3) and F(2x2, 3x3). */
const bound = (s: ArrayLike<number>, terms: number) => (_: number, i: number) =>
  U * s[i] * (30 + Math.sqrt(terms)) + SMALLEST_NORMAL * (1 + terms);

/**
 * S for Winograd: the transforms see a whole patch, so what counts is the largest pixel of each channel near the result,
 * as if all pixels under the window had its size.
 */
function magnitudes(sum: Sum): ArrayLike<number> {
  const { pass, g } = sum;
  const [h, w] = pass === 'conv2dForward' ? [g.h, g.w] : [g.oh, g.ow];
  const x = new Float32Array(sum.x.length);
  for (let plane = 0; plane < x.length; plane += h * w) {
    for (let i = 0; i < h; i++) {
      for (let j = 0; j < w; j++) {
        let largest = 0;
        for (let p = Math.max(0, i - 5); p < Math.min(h, i + 6); p++)
          for (let q = Math.max(0, j - 5); q < Math.min(w, j + 6); q++)
            largest = Math.max(largest, Math.abs(sum.x[plane + p * w + q]));
        x[plane + i * w + j] = largest;
      }
    }
  }
  return oracle(callOf({ ...sum, x, weight: sum.weight.map(Math.abs) }, 1))[0];
}

const terms = ({ pass, g }: Sum) => 9 * (pass === 'conv2dForward' ? g.ic : g.oc);

// biome-ignore format: one case a line
const CASES: readonly Omit<Conv2dCase, 'kernel'>[] = [
  { why: 'the usual layer', x: [1, 64, 28, 28], oc: 64, padding: 1 },
  { why: 'fewer tiles than channels', x: [1, 128, 14, 14], oc: 128, padding: 1 },
  { why: 'more source channels than are transformed at once', x: [1, 200, 8, 8], oc: 136, padding: 1 },
  { why: 'no size is a multiple of anything', x: [2, 37, 19, 23], oc: 43, padding: 1 },
  { why: 'no padding', x: [1, 32, 18, 18], oc: 48, padding: 0 },
  { why: 'padding by two on every side', x: [1, 32, 13, 14], oc: 48, padding: 2 },
  { why: 'uneven padding', x: [1, 24, 15, 17], oc: 32, padding: [0, 1, 2, 2] },
  { why: 'windows that see nothing but padding: exactly 0', x: [1, 24, 15, 17], oc: 32, padding: [0, 1, 2, 3] },
  { why: 'small images, many of them: chunks across images', x: [33, 64, 6, 5], oc: 40, padding: 1 },
  { why: 'results of 2x2', x: [32, 96, 2, 2], oc: 96, padding: 1 },
  { why: 'one row of tiles, wider than a chunk', x: [1, 64, 4, 500], oc: 33, padding: 1 },
  { why: 'one column of tiles', x: [1, 40, 120, 3], oc: 40, padding: 1 },
];

describe('fast 3x3 convolutions', () => {
  reportNative();

  for (const pass of PASSES) {
    describe(pass, () => {
      for (const { why, ...entry } of CASES) {
        it(why, () => {
          const sum = layer(pass, conv2dGeometry({ ...entry, kernel: [3, 3] }));
          conform(callOf(sum, 0), [bound(magnitudes(sum), terms(sum))], why);
        });
      }
    });
  }

  it('take the bias', () => {
    const g = conv2dGeometry({ x: [2, 32, 9, 9], oc: 35, kernel: [3, 3], padding: 1 });
    const sum = layer('conv2dForward', g);
    const bias = normals(g.oc, 3);
    const [x, weight, , y, flat, exact] = callOf(sum, 0).arguments;
    const s = Float64Array.from(magnitudes(sum), (value, i) => value + Math.abs(bias[Math.floor(i / 81) % g.oc]));
    const call: Call = { kernel: 'conv2dForward', arguments: [x, weight, input(bias), y, flat, exact] };
    conform(call, [bound(s, terms(sum) + 1)]);
  });
});

describe('rounding of fast convolutions', () => {
  const rms = (actual: ArrayLike<number>, expected: ArrayLike<number>) => {
    let sum = 0;
    for (let i = 0; i < expected.length; i++) sum += (actual[i] - expected[i]) ** 2;
    return Math.sqrt(sum / expected.length);
  };

  /** One accumulator over channels and taps, rounded after each product. */
  function sequential({ g, x, weight }: Sum): Float32Array {
    const y = new Float32Array(elementsOf(g).y);
    for (let at = 0; at < y.length; at++) {
      const [o, i, j] = [Math.floor(at / (g.oh * g.ow)) % g.oc, Math.floor(at / g.ow) % g.oh, at % g.ow];
      let sum = 0;
      for (let c = 0; c < g.ic; c++) {
        for (let p = 0; p < 3; p++) {
          for (let q = 0; q < 3; q++) {
            const pixel = x[(c * g.h + i + p) * g.w + j + q];
            sum = Math.fround(sum + pixel * weight[(o * g.ic + c) * 9 + p * 3 + q]);
          }
        }
      }
      y[at] = sum;
    }
    return y;
  }

  // Side of the image, without padding, images, and how much of the rounding error of plain direct summation is allowed:
  // tiles of 4x4 or of 2x2.
  for (const [size, images, limit] of [
    [12, 1, 2.5],
    [4, 24, 1],
  ]) {
    for (const channels of [64, 128, 256]) {
      it(`${channels} channels on ${size}x${size}: at most ${limit} times that of one accumulator`, () => {
        const g = conv2dGeometry({ x: [images, channels, size, size], oc: channels, kernel: [3, 3] });
        const sum = layer('conv2dForward', g);
        const expected = oracle(callOf(sum, 1))[0];
        const allowed =
          limit * rms(sequential({ ...sum, g: { ...g, n: 1 } }), expected.subarray(0, elementsOf(g).y / images));
        for (const backend of backends) {
          backend.activate();
          const { outputs } = run(backend.kernels, callOf(sum, 0), 'guarded');
          expect(rms(outputs[0], expected), backend.name).toBeLessThanOrEqual(allowed);
        }
      });
    }
  }
});

describe('numbers that the transforms cannot take', () => {
  const geometries = [
    conv2dGeometry({ x: [2, 32, 21, 22], oc: 40, kernel: [3, 3], padding: 1 }),
    conv2dGeometry({ x: [1, 144, 9, 9], oc: 150, kernel: [3, 3], padding: 2 }),
  ];

  /** `change` is applied to one element of the pixels or of the weights. */
  function withOne(pass: Pass, g: Conv2dGeometry, where: 'x' | 'weight', value: number): Sum {
    const sum = layer(pass, g);
    const data = sum[where];
    data[new Generator(g.ic).integer(data.length)] = value;
    return sum;
  }

  for (const pass of PASSES) {
    for (const where of ['x', 'weight'] as const) {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        it(`${pass}: ${value} in ${where} reaches only the results that see it`, () => {
          for (const g of geometries) {
            const sum = withOne(pass, g, where, value);
            conform(callOf(sum, 0), [bound(magnitudes(withOne(pass, g, where, 1)), terms(sum))], where);
          }
        });
      }
      it(`${pass}: a huge number in ${where} overflows nothing that direct summation would not`, () => {
        for (const g of geometries) {
          const sum = withOne(pass, g, where, 2 ** 120);
          conform(callOf(sum, 0), [bound(magnitudes(sum), terms(sum))], where);
        }
      });
    }
  }
});

describe('the number of threads', () => {
  it('changes no bit', () => {
    for (const { why, ...entry } of CASES) {
      const g = conv2dGeometry({ ...entry, kernel: [3, 3] });
      for (const pass of PASSES) {
        const call = callOf(layer(pass, g), 0);
        const results = backends.map((backend) => {
          backend.activate();
          return run(backend.kernels, call, 'guarded').outputs[0];
        });
        for (let i = 1; i + 1 < results.length; i += 2)
          expect(
            Buffer.compare(bytesOf(results[i]), bytesOf(results[i + 1])),
            `${backends[i].name}: ${pass}, ${why}`,
          ).toBe(0);
      }
    }
  });

  const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
    new Uint8Array(buffer, byteOffset, byteLength);
});

describe('setPrecision', () => {
  it('decides which algorithm conv2d and its gradient use', () => {
    const g = conv2dGeometry({ x: [1, 64, 14, 14], oc: 64, kernel: [3, 3], padding: 1 });
    const sum = layer('conv2dForward', g);
    const weight = tensor(sum.weight, [64, 64, 3, 3]);
    const dy = normals(sum.x.length, 3);
    const gradient = layer('conv2dGradInput', g);
    for (const backend of backends) {
      backend.activate();
      setBackend(backend.name === 'typescript' ? 'typescript' : 'native');
      for (const precision of ['fast', 'exact'] as const) {
        setPrecision(precision);
        expect(backendInfo().precision).toBe(precision);
        const x = tensor(sum.x, [1, 64, 14, 14]);
        x.requiresGrad = true;
        const y = conv2d(x, weight, null, { padding: 1 });
        y.mul(tensor(dy, y.shape)).sum().backward();
        const exact = precision === 'exact' ? 1 : 0;
        expect(y.data).toEqual(run(backend.kernels, callOf(sum, exact), 'guarded').outputs[0]);
        const pass = callOf({ ...gradient, x: dy, weight: sum.weight }, exact);
        expect(x.grad?.data).toEqual(run(backend.kernels, pass, 'guarded').outputs[0]);
      }
    }
    setPrecision('fast');
  });

  it('refuses any other word', () => {
    expect(() => setPrecision('quick' as 'fast')).toThrow(
      new ArgumentError(`setPrecision: precision must be 'fast' or 'exact', got "quick"`),
    );
    expect(backendInfo().precision).toBe('fast');
  });
});

describe('exact convolutions', () => {
  // whole numbers are what tells the two apart: direct summation makes no error in them
  it('never go through the transforms', () => {
    const g = conv2dGeometry({ x: [1, 64, 14, 14], oc: 64, kernel: [3, 3], padding: 1 });
    for (const pass of PASSES) {
      const whole = (values: Float32Array) => values.map((value) => Math.round(8 * value));
      const sum = layer(pass, g);
      conform(callOf({ ...sum, x: whole(sum.x), weight: whole(sum.weight.map((value) => 16 * value)) }, 1), ['exact']);
    }
  });
});
