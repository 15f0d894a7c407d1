// A convolution to measure: its inputs, and whether an answer is right.
import { CONV2D_FIELDS, encode } from '../dist/geometry.js';
import { alignedFloats, fill } from './buffers.mjs';

/** Results checked per answer, besides the corners. */
const CHECKED = 800;

/** What a pass of a layer reads and writes; all tensors plain, NCHW and OIHW. */
export function problemOf(addon, layer, pass) {
  const { geometry: g, groups } = layer;
  const shapes = {
    x: [g.n, g.ic, g.h, g.w],
    weight: [g.oc, g.ic / groups, g.kh, g.kw],
    y: [g.n, g.oc, g.oh, g.ow],
  };
  const size = (shape) => shape.reduce((product, length) => product * length, 1);
  const make = (name, seed) => fill(alignedFloats(addon, size(shapes[name])), seed);
  const problem = { layer, pass, shapes, flat: encode(CONV2D_FIELDS, g) };
  if (pass !== 'gradInput') problem.x = make('x', 1);
  if (pass !== 'gradWeight') problem.weight = make('weight', 2);
  if (pass !== 'forward') problem.dy = make('y', 3);
  const result = { forward: 'y', gradInput: 'x', gradWeight: 'weight' }[pass];
  return { ...problem, resultShape: shapes[result], resultSize: size(shapes[result]) };
}

/**
 * Largest error of the answer as a multiple of the bound 2^-24 · Σ|terms| · (4 + √terms), the drift of rounding along
 * one sum. Looked at are the corners of the first and the last channel and 800 places more, each summed here in
 * float64; a number that is not finite anywhere counts as infinitely wrong.
 */
export function worstError(problem, result) {
  if (result.length !== problem.resultSize) return Number.POSITIVE_INFINITY;
  if (!result.every(Number.isFinite)) return Number.POSITIVE_INFINITY;
  const termsOf = { forward: termsOfY, gradInput: termsOfDx, gradWeight: termsOfDweight }[problem.pass];
  let worst = 0;
  for (const [index, place] of placesOf(problem.resultShape)) {
    let [sum, magnitude, count] = [0, 0, 0];
    termsOf(problem, place, (a, b) => {
      sum += a * b;
      magnitude += Math.abs(a * b);
      count++;
    });
    const bound = 2 ** -24 * magnitude * (4 + Math.sqrt(count)) + 1e-30;
    worst = Math.max(worst, Math.abs(result[index] - sum) / bound);
  }
  return worst;
}

/** [index, [a, b, c, d]] of the places to check in a tensor of four axes. */
export function placesOf(shape) {
  const [A, B, C, D] = shape;
  const ends = (length) => (length > 1 ? [0, length - 1] : [0]);
  const indexOf = ([a, b, c, d]) => ((a * B + b) * C + c) * D + d;
  const places = new Map();
  for (const a of ends(A)) {
    for (const b of ends(B)) {
      for (const c of ends(C)) {
        for (const d of ends(D)) places.set(indexOf([a, b, c, d]), [a, b, c, d]);
      }
    }
  }
  const total = A * B * C * D;
  // steps of the golden ratio spread evenly over the tensor and fall into step with none of its axes
  for (let i = 1; i <= CHECKED; i++) {
    const index = Math.floor(((i * 0.6180339887498949) % 1) * total);
    const place = [
      Math.floor(index / (B * C * D)),
      Math.floor(index / (C * D)) % B,
      Math.floor(index / D) % C,
      index % D,
    ];
    places.set(index, place);
  }
  return places;
}

function termsOfY({ layer: { geometry: g }, x, weight }, [n, oc, oh, ow], add) {
  const perGroup = g.ic / g.groups;
  const first = Math.floor(oc / (g.oc / g.groups)) * perGroup;
  for (let kh = 0; kh < g.kh; kh++) {
    const h = oh * g.strideH - g.padTop + kh * g.dilationH;
    if (h < 0 || h >= g.h) continue;
    for (let kw = 0; kw < g.kw; kw++) {
      const w = ow * g.strideW - g.padLeft + kw * g.dilationW;
      if (w < 0 || w >= g.w) continue;
      for (let ic = 0; ic < perGroup; ic++) {
        add(x[((n * g.ic + first + ic) * g.h + h) * g.w + w], weight[((oc * perGroup + ic) * g.kh + kh) * g.kw + kw]);
      }
    }
  }
}

function termsOfDx({ layer: { geometry: g }, dy, weight }, [n, ic, h, w], add) {
  const perGroup = g.ic / g.groups;
  const outputs = g.oc / g.groups;
  const first = Math.floor(ic / perGroup) * outputs;
  for (let kh = 0; kh < g.kh; kh++) {
    const oh = (h + g.padTop - kh * g.dilationH) / g.strideH;
    if (!Number.isInteger(oh) || oh < 0 || oh >= g.oh) continue;
    for (let kw = 0; kw < g.kw; kw++) {
      const ow = (w + g.padLeft - kw * g.dilationW) / g.strideW;
      if (!Number.isInteger(ow) || ow < 0 || ow >= g.ow) continue;
      for (let oc = first; oc < first + outputs; oc++) {
        add(
          dy[((n * g.oc + oc) * g.oh + oh) * g.ow + ow],
          weight[((oc * perGroup + (ic % perGroup)) * g.kh + kh) * g.kw + kw],
        );
      }
    }
  }
}

function termsOfDweight({ layer: { geometry: g }, x, dy }, [oc, ic, kh, kw], add) {
  const perGroup = g.ic / g.groups;
  const channel = Math.floor(oc / (g.oc / g.groups)) * perGroup + ic;
  for (let n = 0; n < g.n; n++) {
    for (let oh = 0; oh < g.oh; oh++) {
      const h = oh * g.strideH - g.padTop + kh * g.dilationH;
      if (h < 0 || h >= g.h) continue;
      for (let ow = 0; ow < g.ow; ow++) {
        const w = ow * g.strideW - g.padLeft + kw * g.dilationW;
        if (w < 0 || w >= g.w) continue;
        add(x[((n * g.ic + channel) * g.h + h) * g.w + w], dy[((n * g.oc + oc) * g.oh + oh) * g.ow + ow]);
      }
    }
  }
}
