import { describe, expect, it } from 'vitest';
import { ADAPTIVE_POOL2D_FIELDS, encode, POOL2D_FIELDS, type Pool2dGeometry } from '../../lib/geometry.js';
import { axisPairs, tinyAxes } from '../cases/conv2d.js';
import { ADAPTIVE_POOL2D_CASES, POOL2D_CASES, pool2dGeometry, randomPools } from '../cases/pool2d.js';
import { reportNative } from './backends.js';
import { type Call, input, oracle, output } from './call.js';
import { conform, sumBound } from './conform.js';
import { type Fill, integers, normals, positives } from './data.js';

const flat = (g: Pool2dGeometry) => encode(POOL2D_FIELDS, g);
const sizeX = (g: Pool2dGeometry) => g.n * g.c * g.h * g.w;
const sizeY = (g: Pool2dGeometry) => g.n * g.c * g.oh * g.ow;
const label = (g: Pool2dGeometry) => POOL2D_FIELDS.map((field) => `${field} ${g[field]}`).join(', ');

function maxForward(g: Pool2dGeometry, x: Float32Array): Call {
  return { kernel: 'maxPool2dForward', arguments: [input(x), output(sizeY(g)), output(sizeY(g), 'int32'), flat(g)] };
}

function checkMax(g: Pool2dGeometry, fill: Fill): void {
  const forward = maxForward(g, fill(sizeX(g), 1));
  conform(forward, ['exact', 'exact'], label(g));
  const indices = oracle(forward)[1] as Int32Array;
  checkIndexed(g, indices, fill);
}

/** The two kernels that follow given indices. */
function checkIndexed(g: Pool2dGeometry, indices: Int32Array, fill: Fill): void {
  const gather = [input(fill(sizeX(g), 2)), input(indices), output(sizeY(g)), flat(g)];
  conform({ kernel: 'maxPool2dGather', arguments: gather }, ['exact'], label(g));
  const dy = fill(sizeY(g), 3);
  const backward: Call = {
    kernel: 'maxPool2dBackward',
    arguments: [input(dy), input(indices), output(sizeX(g)), flat(g)],
  };
  conform(backward, [sumBound(oracle(backward, Math.abs)[0], g.kh * g.kw)], label(g));
}

function checkAverage(g: Pool2dGeometry, fill: Fill): void {
  const forward: Call = {
    kernel: 'avgPool2dForward',
    arguments: [input(fill(sizeX(g), 4)), output(sizeY(g)), flat(g)],
  };
  conform(forward, [sumBound(oracle(forward, Math.abs)[0], g.kh * g.kw)], label(g));
  const backward: Call = {
    kernel: 'avgPool2dBackward',
    arguments: [input(fill(sizeY(g), 5)), output(sizeX(g)), flat(g)],
  };
  conform(backward, [sumBound(oracle(backward, Math.abs)[0], g.kh * g.kw)], label(g));
}

const withNaN: Fill = (length, seed) => integers(length, seed).map((v, i) => (i % 11 === 4 ? Number.NaN : v));

describe('pooling kernels', () => {
  reportNative();

  for (const entry of POOL2D_CASES) {
    const g = pool2dGeometry(entry);
    it(`max: ${entry.why}`, () => {
      checkMax(g, normals);
      checkMax(g, integers); // full of equal values, of which the first must win
    });
    if (entry.dilation === undefined) {
      it(`average: ${entry.why}`, () => {
        checkAverage(g, normals);
        checkAverage(g, positives);
      });
    }
  }

  for (const { why, x, output: size } of ADAPTIVE_POOL2D_CASES) {
    it(`adaptive: ${why}`, () => {
      const [n, c, h, w] = x;
      const [oh, ow] = size;
      const g = encode(ADAPTIVE_POOL2D_FIELDS, { n, c, h, w, oh, ow });
      const [inputs, outputs] = [n * c * h * w, n * c * oh * ow];
      const windows = Math.ceil(h / oh + 1) * Math.ceil(w / ow + 1);
      const reached = Math.ceil(oh / h + 1) * Math.ceil(ow / w + 1);
      for (const fill of [normals, positives]) {
        const forward: Call = {
          kernel: 'adaptiveAvgPool2dForward',
          arguments: [input(fill(inputs, 6)), output(outputs), g],
        };
        conform(forward, [sumBound(oracle(forward, Math.abs)[0], windows)]);
        const backward: Call = {
          kernel: 'adaptiveAvgPool2dBackward',
          arguments: [input(fill(outputs, 7)), output(inputs), g],
        };
        conform(backward, [sumBound(oracle(backward, Math.abs)[0], reached)]);
      }
      for (const fill of [normals, integers, withNaN]) {
        const x = input(fill(inputs, 8));
        const maxima = [output(outputs), output(outputs, 'int32')];
        conform({ kernel: 'adaptiveMaxPool2dForward', arguments: [x, ...maxima, g] }, ['exact', 'exact'], fill.name);
      }
    });
  }

  it('sizes drawn at random', () => {
    for (const g of randomPools(200)) {
      checkMax(g, integers);
      if (g.dilationH === 1 && g.dilationW === 1) checkAverage(g, integers);
    }
  });

  it('every tiny geometry', () => {
    // Pooling pads by at most half its kernel.
    const paddings = [[0, 0], [1, 1], [0, 1], [2, 2], [1, 2]] as const; // biome-ignore format: pairs
    const axes = tinyAxes(paddings).filter(({ kernel, padStart, padEnd }) => 2 * Math.max(padStart, padEnd) <= kernel);
    let count = 0;
    for (const [h, w] of axisPairs(axes, 4)) {
      const g = pool2dGeometry({
        x: [1 + (count % 2), 2, h.size, w.size],
        kernel: [h.kernel, w.kernel],
        stride: [h.stride, w.stride],
        dilation: [h.dilation, w.dilation],
        padding: [h.padStart, w.padStart, h.padEnd, w.padEnd],
        ceilMode: count % 3 === 0,
        countIncludePad: count % 2 === 0,
      });
      checkMax(g, integers);
      if (h.dilation === 1 && w.dilation === 1) checkAverage(g, integers);
      count++;
    }
    expect(count).toBe(4 * axes.length);
    expect(axes.length).toBeGreaterThan(200);
  });
});

describe('values that break a maximum', () => {
  const geometries = [
    { why: 'windows side by side', x: [2, 3, 8, 38], kernel: [2, 2], stride: 2 },
    { why: 'overlapping, with padding', x: [1, 3, 9, 37], kernel: [3, 3], stride: 2, padding: 1 },
    { why: 'stride 1 with padding', x: [1, 2, 6, 35], kernel: [3, 3], padding: 1 },
    { why: 'ceil mode', x: [1, 2, 7, 21], kernel: [2, 2], stride: 2, ceilMode: true },
    { why: 'dilation', x: [1, 2, 9, 40], kernel: [3, 3], dilation: 2, padding: 1 },
    { why: 'wide', x: [1, 2, 3, 60], kernel: [2, 13], stride: [1, 3] },
  ] as const;

  const fills: Record<string, Fill> = {
    'nothing but NaN': (length) => new Float32Array(length).fill(Number.NaN),
    'nothing but −∞': (length) => new Float32Array(length).fill(Number.NEGATIVE_INFINITY),
    'one NaN in eleven': (length, seed) => normals(length, seed).map((v, i) => (i % 11 === 4 ? Number.NaN : v)),
    'NaN among equal values': (length) => new Float32Array(length).map((_, i) => (i % 5 === 2 ? Number.NaN : 1)),
    '−∞ and NaN': (length) =>
      new Float32Array(length).map((_, i) => (i % 3 === 1 ? Number.NaN : Number.NEGATIVE_INFINITY)),
    '+∞ in places': (length, seed) => normals(length, seed).map((v, i) => (i % 7 === 3 ? Number.POSITIVE_INFINITY : v)),
    'the lowest finite values': (length) => new Float32Array(length).fill(-3.4028234663852886e38),
    'zeros of both signs': (length) => new Float32Array(length).map((_, i) => (i % 2 ? -0 : 0)),
    'equal values everywhere': (length) => new Float32Array(length).fill(2),
  };

  for (const [name, fill] of Object.entries(fills)) {
    for (const { why, ...entry } of geometries) {
      it(`${name}: ${why}`, () => {
        const g = pool2dGeometry(entry);
        const call = maxForward(g, fill(sizeX(g), 1));
        conform(call, ['exact', 'exact'], label(g));
        checkIndexed(g, oracle(call)[1] as Int32Array, normals);
      });
    }
  }

  it('a window wholly in padding gives −∞ and index −1, as no public operation can ask for', () => {
    const g: Pool2dGeometry = {
      ...pool2dGeometry({ x: [1, 2, 4, 20], kernel: [2, 2], stride: 2 }),
      padTop: 4,
      padLeft: 20,
    };
    conform(maxForward(g, normals(sizeX(g), 1)), ['exact', 'exact']);
    const [y, indices] = oracle(maxForward(g, normals(sizeX(g), 1)));
    expect([y[0], indices[0]]).toEqual([Number.NEGATIVE_INFINITY, -1]);
    checkIndexed(g, indices as Int32Array, normals);
  });

  it('indices outside the plane are skipped', () => {
    const g = pool2dGeometry({ x: [2, 2, 6, 10], kernel: [2, 2], stride: 2 });
    const wild = [-1, -2, 60, 61, 1000, 2 ** 31 - 1, -(2 ** 31), 0, 59];
    const indices = Int32Array.from({ length: sizeY(g) }, (_, i) => wild[i % wild.length]);
    checkIndexed(g, indices, normals);
  });
});
