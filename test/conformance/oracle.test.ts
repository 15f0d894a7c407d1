import { describe, expect, it } from 'vitest';
import { typescriptKernels as kernels } from '../../lib/backend/typescript.js';
import {
  CONV2D_FIELDS,
  type Conv2dGeometry,
  encode,
  GEMM_FIELDS,
  POOL2D_FIELDS,
  type Pool2dGeometry,
} from '../../lib/geometry.js';
import { axisPairs, CONV2D_CASES, conv2dGeometry, tinyAxes } from '../cases/conv2d.js';
import { POOL2D_CASES, pool2dGeometry } from '../cases/pool2d.js';
import { integers } from './data.js';

// The TypeScript kernels are the oracle of all other tests, and those of convolution are anything but obvious. Here they
// meet their definitions, written as slowly and plainly as possible.

const numbers = (length: number, seed: number) => Float64Array.from(integers(length, seed));

/** Calls `visit` for every product weight · x that a convolution adds to an output: positions in x, weight and y. */
function eachProduct(g: Conv2dGeometry, visit: (x: number, weight: number, y: number) => void): void {
  const [icg, ocg] = [g.ic / g.groups, g.oc / g.groups];
  for (let n = 0; n < g.n; n++)
    for (let oc = 0; oc < g.oc; oc++)
      for (let oh = 0; oh < g.oh; oh++)
        for (let ow = 0; ow < g.ow; ow++)
          for (let ic = 0; ic < icg; ic++)
            for (let kh = 0; kh < g.kh; kh++)
              for (let kw = 0; kw < g.kw; kw++) {
                const h = oh * g.strideH - g.padTop + kh * g.dilationH;
                const w = ow * g.strideW - g.padLeft + kw * g.dilationW;
                if (h < 0 || h >= g.h || w < 0 || w >= g.w) continue;
                const channel = Math.floor(oc / ocg) * icg + ic;
                visit(
                  ((n * g.ic + channel) * g.h + h) * g.w + w,
                  ((oc * icg + ic) * g.kh + kh) * g.kw + kw,
                  ((n * g.oc + oc) * g.oh + oh) * g.ow + ow,
                );
              }
}

function checkConvolution(g: Conv2dGeometry): void {
  const flat = encode(CONV2D_FIELDS, g);
  const x = numbers(g.n * g.ic * g.h * g.w, 1);
  const weight = numbers(g.oc * (g.ic / g.groups) * g.kh * g.kw, 2);
  const bias = numbers(g.oc, 3);
  const dy = numbers(g.n * g.oc * g.oh * g.ow, 4);
  const expectedY = new Float64Array(dy.length).map((_, i) => bias[Math.floor(i / (g.oh * g.ow)) % g.oc]);
  const expectedDx = new Float64Array(x.length);
  const expectedDweight = new Float64Array(weight.length);
  eachProduct(g, (ix, iw, iy) => {
    expectedY[iy] += x[ix] * weight[iw];
    expectedDx[ix] += dy[iy] * weight[iw];
    expectedDweight[iw] += dy[iy] * x[ix];
  });
  const [y, dx, dweight] = [expectedY, expectedDx, expectedDweight].map(({ length }) =>
    new Float64Array(length).fill(Number.NaN),
  );
  kernels.conv2dForward(x, weight, bias, y, flat, 1);
  kernels.conv2dGradInput(dy, weight, dx, flat, 1);
  kernels.conv2dGradWeight(x, dy, dweight, flat, 1);
  const label = CONV2D_FIELDS.map((field) => `${field} ${g[field]}`).join(', ');
  expect({ y, dx, dweight }, label).toEqual({ y: expectedY, dx: expectedDx, dweight: expectedDweight });
}

/** Positions h·W + w of a window in its plane, in row order, and its first row and column. */
function windowOf(g: Pool2dGeometry, oh: number, ow: number) {
  const [top, left] = [oh * g.strideH - g.padTop, ow * g.strideW - g.padLeft];
  const positions: number[] = [];
  for (let kh = 0; kh < g.kh; kh++) {
    for (let kw = 0; kw < g.kw; kw++) {
      const [h, w] = [top + kh * g.dilationH, left + kw * g.dilationW];
      if (h >= 0 && h < g.h && w >= 0 && w < g.w) positions.push(h * g.w + w);
    }
  }
  return { positions, top, left };
}

function checkPooling(g: Pool2dGeometry): void {
  const flat = encode(POOL2D_FIELDS, g);
  const planes = g.n * g.c;
  const x = numbers(planes * g.h * g.w, 1);
  const size = planes * g.oh * g.ow;
  const [largest, mean] = [new Float64Array(size), new Float64Array(size)];
  const winners = new Int32Array(size);
  for (let i = 0; i < size; i++) {
    const { positions, top, left } = windowOf(g, Math.floor(i / g.ow) % g.oh, i % g.ow);
    const plane = x.subarray(Math.floor(i / (g.oh * g.ow)) * g.h * g.w);
    largest[i] = Math.max(...positions.map((p) => plane[p]));
    winners[i] = positions.find((p) => plane[p] === largest[i]) as number;
    const covered = (Math.min(top + g.kh, g.h + g.padBottom) - top) * (Math.min(left + g.kw, g.w + g.padRight) - left);
    mean[i] = positions.reduce((sum, p) => sum + plane[p], 0) / (g.countIncludePad ? covered : positions.length);
  }
  const [y, indices] = [new Float64Array(size), new Int32Array(size)];
  const label = POOL2D_FIELDS.map((field) => `${field} ${g[field]}`).join(', ');
  kernels.maxPool2dForward(x, y, indices, flat);
  expect({ y, indices }, label).toEqual({ y: largest, indices: winners });
  if (g.dilationH > 1 || g.dilationW > 1) return;
  kernels.avgPool2dForward(x, y, flat);
  expect(y, label).toEqual(mean);
}

describe('the oracle agrees with the definition of', () => {
  const small = CONV2D_CASES.map(conv2dGeometry).filter(
    (g) => g.n * g.oc * g.oh * g.ow * (g.ic / g.groups) * g.kh * g.kw < 5e5,
  );
  const paddings = [
    [0, 0],
    [1, 1],
    [2, 0],
    [0, 3],
  ] as const;

  it('convolution and its gradients: the case table', () => {
    expect(small.length).toBeGreaterThan(30);
    for (const g of small) checkConvolution(g);
  });

  it('convolution and its gradients: tiny geometries', () => {
    let count = 0;
    for (const [h, w] of axisPairs(tinyAxes(paddings), 1)) {
      const [groups, ic, oc] = [
        [1, 2, 3],
        [2, 4, 6],
        [3, 3, 3],
      ][count++ % 3];
      checkConvolution(
        conv2dGeometry({
          x: [2, ic, h.size, w.size],
          oc,
          kernel: [h.kernel, w.kernel],
          stride: [h.stride, w.stride],
          dilation: [h.dilation, w.dilation],
          padding: [h.padStart, w.padStart, h.padEnd, w.padEnd],
          groups,
        }),
      );
    }
    expect(count).toBeGreaterThan(400);
  });

  it('pooling', () => {
    for (const entry of POOL2D_CASES.filter(({ x }) => x[0] * x[1] * x[2] * x[3] < 5e4))
      checkPooling(pool2dGeometry(entry));
  });

  it('matrix products', () => {
    for (let size = 1; size <= 12; size++) {
      const [m, n, k] = [size, 13 - size, (size * 5) % 11];
      for (const transA of [0, 1]) {
        for (const transB of [0, 1]) {
          const [a, b, c] = [numbers(m * k, 1), numbers(k * n, 2), numbers(m * n, 3)];
          const expected = c.map((old, i) => {
            const [row, column] = [Math.floor(i / n), i % n];
            let sum = 0;
            for (let p = 0; p < k; p++)
              sum += a[transA ? p * m + row : row * k + p] * b[transB ? column * k + p : p * n + column];
            return 2 * sum - 3 * old;
          });
          kernels.gemm(
            a,
            b,
            c,
            encode(GEMM_FIELDS, { batch: 1, m, n, k, transA, transB, strideA: 0, strideB: 0 }),
            2,
            -3,
          );
          expect(c).toEqual(expected);
        }
      }
    }
  });
});
