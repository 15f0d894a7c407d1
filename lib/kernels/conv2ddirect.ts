import type { Conv2dGeometry } from '../geometry.js';
import { scratch } from './scratch.js';
import type { Floats } from './types.js';

/**
 * Convolution without columns, for groups with so few output channels (depthwise above all) that packing columns would
 * cost more than the arithmetic. Each plane is copied once into a larger one with the padding around it; after that all
 * three directions are the same sum, see {@link correlate}.
 */
export function isThin(g: Conv2dGeometry): boolean {
  return g.oc / g.groups <= 2 && g.kh * g.kw > 1;
}

/**
 * sums[i] += Σ_t weights[t] · plane[starts[i] + offsets[t]]
 *
 * Four outputs at a time, so that weight and offset are loaded once for four multiply-adds and the additions need not
 * wait for each other. The length of starts and sums is a multiple of 4.
 */
function correlate(
  plane: Float64Array,
  weights: Float64Array,
  offsets: Int32Array,
  starts: Int32Array,
  sums: Float64Array,
): void {
  for (let i = 0; i < starts.length; i += 4) {
    const p0 = starts[i];
    const p1 = starts[i + 1];
    const p2 = starts[i + 2];
    const p3 = starts[i + 3];
    let s0 = sums[i];
    let s1 = sums[i + 1];
    let s2 = sums[i + 2];
    let s3 = sums[i + 3];
    for (let t = 0; t < offsets.length; t++) {
      const weight = weights[t];
      const offset = offsets[t];
      s0 += weight * plane[p0 + offset];
      s1 += weight * plane[p1 + offset];
      s2 += weight * plane[p2 + offset];
      s3 += weight * plane[p3 + offset];
    }
    sums[i] = s0;
    sums[i + 1] = s1;
    sums[i + 2] = s2;
    sums[i + 3] = s3;
  }
}

/** Positions row·rowStep + column·columnStep in row-major order, filled up with zeros to a multiple of 4. */
function positions(rows: number, rowStep: number, columns: number, columnStep: number): Int32Array {
  const list = new Int32Array(Math.ceil((rows * columns) / 4) * 4);
  let i = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) list[i++] = row * rowStep + column * columnStep;
  }
  return list;
}

/**
 * Copies a plane [h, w] at x[from] into a larger one of the given width: row r goes to row top + r·stepH, columns
 * likewise. What falls outside is dropped, what is not written must be zero already.
 */
function embed(
  x: Floats,
  from: number,
  h: number,
  w: number,
  plane: Float64Array,
  width: number,
  top: number,
  stepH: number,
  left: number,
  stepW: number,
): void {
  const height = plane.length / width;
  for (let row = 0; row < h; row++) {
    const r = top + row * stepH;
    if (r < 0 || r >= height) continue;
    for (let column = 0, c = left; column < w; column++, c += stepW) {
      if (c >= 0 && c < width) plane[r * width + c] = x[from + row * w + column];
    }
  }
}

/** Copies a line of x into the float64 that correlate works with. */
function widen(x: Floats, from: number, line: Float64Array): void {
  for (let i = 0; i < line.length; i++) line[i] = x[from + i];
}

/** The padded input: its size, and where outputs and taps sit in it. */
function paddedInput(g: Conv2dGeometry) {
  // The rows and columns that windows reach; padding or input beyond the last window is not needed.
  const height = (g.oh - 1) * g.strideH + (g.kh - 1) * g.dilationH + 1;
  const width = (g.ow - 1) * g.strideW + (g.kw - 1) * g.dilationW + 1;
  const plane = scratch('image', height * width).fill(0);
  const outputs = positions(g.oh, g.strideH * width, g.ow, g.strideW);
  const taps = positions(g.kh, g.dilationH * width, g.kw, g.dilationW);
  return { plane, width, outputs, taps };
}

/** See conv2dForward. */
export function directForward(x: Floats, weight: Floats, bias: Floats | null, y: Floats, g: Conv2dGeometry): void {
  const icg = g.ic / g.groups;
  const ocg = g.oc / g.groups;
  const tapCount = g.kh * g.kw;
  const { plane, width, outputs, taps } = paddedInput(g);
  const offsets = taps.subarray(0, tapCount);
  const kernel = scratch('left', tapCount);
  const sums = scratch('product', outputs.length);
  for (let image = 0; image < g.n; image++) {
    for (let o = 0; o < g.oc; o++) {
      sums.fill(bias ? bias[o] : 0);
      for (let i = 0; i < icg; i++) {
        const channel = Math.floor(o / ocg) * icg + i;
        embed(x, (image * g.ic + channel) * g.h * g.w, g.h, g.w, plane, width, g.padTop, 1, g.padLeft, 1);
        widen(weight, (o * icg + i) * tapCount, kernel);
        correlate(plane, kernel, offsets, outputs, sums);
      }
      y.set(sums.subarray(0, g.oh * g.ow), (image * g.oc + o) * g.oh * g.ow);
    }
  }
}

/**
 * See conv2dGradInput. An input position is reached by tap kh from output row (position + padTop − kh·dilationH) / strideH
 * if that is whole: dy, spread out by the stride, is correlated with the kernel turned by 180°.
 */
export function directGradInput(dy: Floats, weight: Floats, dx: Floats, g: Conv2dGeometry): void {
  const icg = g.ic / g.groups;
  const ocg = g.oc / g.groups;
  const tapCount = g.kh * g.kw;
  const top = (g.kh - 1) * g.dilationH - g.padTop;
  const left = (g.kw - 1) * g.dilationW - g.padLeft;
  const width = g.w + (g.kw - 1) * g.dilationW;
  const plane = scratch('image', (g.h + (g.kh - 1) * g.dilationH) * width).fill(0);
  const inputs = positions(g.h, width, g.w, 1);
  const offsets = positions(g.kh, g.dilationH * width, g.kw, g.dilationW).subarray(0, tapCount);
  const kernel = scratch('left', tapCount);
  const sums = scratch('product', inputs.length);
  for (let image = 0; image < g.n; image++) {
    for (let channel = 0; channel < g.ic; channel++) {
      const group = Math.floor(channel / icg);
      sums.fill(0);
      for (let o = group * ocg; o < (group + 1) * ocg; o++) {
        const from = (image * g.oc + o) * g.oh * g.ow;
        embed(dy, from, g.oh, g.ow, plane, width, top, g.strideH, left, g.strideW);
        widen(weight, (o * icg + channel - group * icg) * tapCount, kernel);
        correlate(plane, kernel.reverse(), offsets, inputs, sums);
      }
      dx.set(sums.subarray(0, g.h * g.w), (image * g.ic + channel) * g.h * g.w);
    }
  }
}

/** See conv2dGradWeight. The gradient of a tap is the sum over the outputs: outputs and taps change places. */
export function directGradWeight(x: Floats, dy: Floats, dweight: Floats, g: Conv2dGeometry): void {
  const icg = g.ic / g.groups;
  const ocg = g.oc / g.groups;
  const tapCount = g.kh * g.kw;
  const { plane, width, outputs, taps } = paddedInput(g);
  const offsets = outputs.subarray(0, g.oh * g.ow);
  const gradient = scratch('left', g.oh * g.ow);
  const sums = scratch('product', taps.length);
  for (let o = 0; o < g.oc; o++) {
    for (let i = 0; i < icg; i++) {
      const channel = Math.floor(o / ocg) * icg + i;
      sums.fill(0);
      for (let image = 0; image < g.n; image++) {
        embed(x, (image * g.ic + channel) * g.h * g.w, g.h, g.w, plane, width, g.padTop, 1, g.padLeft, 1);
        widen(dy, (image * g.oc + o) * g.oh * g.ow, gradient);
        correlate(plane, gradient, offsets, taps, sums);
      }
      dweight.set(sums.subarray(0, tapCount), (o * icg + i) * tapCount);
    }
  }
}
