import type { Conv2dGeometry } from '../geometry.js';
import { directForward, directGradInput, directGradWeight, isThin } from './conv2ddirect.js';
import { conv2dGeometry, firstAtLeast } from './geometry.js';
import { multiplyPanels, packPanels, padded, TILE } from './panels.js';
import { scratch } from './scratch.js';
import type { Floats } from './types.js';

/**
 * Convolution as a matrix product with im2col's columns (see im2col.ts), a band of output pixels at a time, so that the
 * columns, kh·kw times the input, exist only as panels that fit the cache.
 *
 * Sizes per group: ocg = oc / groups, icg = ic / groups, depth = icg·kh·kw.
 */
interface Bands {
  icg: number;
  ocg: number;
  depth: number;
  pixels: number;
}

function bandsOf(g: Conv2dGeometry): Bands {
  const icg = g.ic / g.groups;
  return { icg, ocg: g.oc / g.groups, depth: icg * g.kh * g.kw, pixels: g.oh * g.ow };
}

/** Numbers the panels and the product of a band may take together: 1 MB in float64, about a second-level cache. */
const BAND_NUMBERS = 2 ** 17;

/** Pixels of a band that holds `numbersPerPixel`: a multiple of TILE, at least 64 lest the packing outweigh the product. */
function bandPixels(numbersPerPixel: number, pixels: number): number {
  const fitting = Math.floor(BAND_NUMBERS / numbersPerPixel / TILE) * TILE;
  return Math.min(Math.max(64, fitting), padded(pixels));
}

/**
 * y[n, oc, oh, ow] = bias[oc] + Σ weight[oc, ic/groups, kh, kw] · x[n, ic, oh·strideH − padTop + kh·dilationH, …]
 * (cross-correlation), channels of x outside the group of oc and positions outside x contributing nothing.
 *
 * `_exact`: 1 = by direct summation only, 0 = an implementation may use a faster algorithm that rounds more. These
 * kernels always sum directly.
 */
export function conv2dForward(
  x: Floats,
  weight: Floats,
  bias: Floats | null,
  y: Floats,
  flat: Int32Array,
  _exact: number,
): void {
  const g = conv2dGeometry(flat);
  if (isThin(g)) {
    directForward(x, weight, bias, y, g);
    return;
  }
  const { icg, ocg, depth, pixels } = bandsOf(g);
  const band = bandPixels(depth + ocg, pixels);
  const left = scratch('left', padded(ocg) * depth);
  const right = scratch('right', band * depth);
  const product = scratch('product', padded(ocg) * band);
  for (let group = 0; group < g.groups; group++) {
    packPanels(weight, group * ocg * depth, depth, 1, ocg, depth, left);
    for (let image = 0; image < g.n; image++) {
      const input = (image * g.ic + group * icg) * g.h * g.w;
      const output = (image * g.oc + group * ocg) * pixels;
      for (let begin = 0; begin < pixels; begin += band) {
        const width = Math.min(band, pixels - begin);
        packColumns(x, input, g, icg, begin, width, right, 'pixels');
        multiplyPanels(left, right, product, ocg, width, depth, false);
        for (let o = 0; o < ocg; o++) {
          const shift = bias ? bias[group * ocg + o] : 0;
          const from = o * padded(width);
          const to = output + o * pixels + begin;
          for (let i = 0; i < width; i++) y[to + i] = product[from + i] + shift;
        }
      }
    }
  }
}

/**
 * dx [n, ic, h, w] from dy [n, oc, oh, ow]: columns' gradient = weightᵀ · dy, added back to the pixels the columns were
 * taken from. `_exact` as in conv2dForward.
 */
export function conv2dGradInput(dy: Floats, weight: Floats, dx: Floats, flat: Int32Array, _exact: number): void {
  const g = conv2dGeometry(flat);
  if (isThin(g)) {
    directGradInput(dy, weight, dx, g);
    return;
  }
  const { icg, ocg, depth, pixels } = bandsOf(g);
  // Input channels taken at a time: their sums stay in float64 until complete, and shall not fill the memory.
  const channels = Math.max(1, Math.min(icg, Math.floor((4 * BAND_NUMBERS) / (g.h * g.w))));
  const taps = g.kh * g.kw;
  const band = bandPixels(channels * taps + ocg, pixels);
  const left = scratch('left', padded(channels * taps) * ocg);
  const right = scratch('right', band * ocg);
  const product = scratch('product', padded(channels * taps) * band);
  const sums = scratch('image', channels * g.h * g.w);
  for (let group = 0; group < g.groups; group++) {
    for (let first = 0; first < icg; first += channels) {
      const count = Math.min(channels, icg - first);
      packPanels(weight, group * ocg * depth + first * taps, 1, depth, count * taps, ocg, left);
      for (let image = 0; image < g.n; image++) {
        const gradient = (image * g.oc + group * ocg) * pixels;
        sums.fill(0);
        for (let begin = 0; begin < pixels; begin += band) {
          const width = Math.min(band, pixels - begin);
          packPanels(dy, gradient + begin, 1, pixels, width, ocg, right);
          multiplyPanels(left, right, product, count * taps, width, ocg, false);
          addColumns(product, sums, g, count, begin, width);
        }
        const to = (image * g.ic + group * icg + first) * g.h * g.w;
        for (let i = 0; i < count * g.h * g.w; i++) dx[to + i] = sums[i];
      }
    }
  }
}

/** dweight [oc, ic/groups, kh, kw] = Σ over images of dy · columnsᵀ. `_exact` as in conv2dForward. */
export function conv2dGradWeight(x: Floats, dy: Floats, dweight: Floats, flat: Int32Array, _exact: number): void {
  const g = conv2dGeometry(flat);
  if (isThin(g)) {
    directGradWeight(x, dy, dweight, g);
    return;
  }
  const { icg, ocg, depth, pixels } = bandsOf(g);
  const band = bandPixels(depth + ocg, pixels);
  const left = scratch('left', padded(ocg) * band);
  const right = scratch('right', padded(depth) * band);
  const product = scratch('product', padded(ocg) * padded(depth));
  for (let group = 0; group < g.groups; group++) {
    product.fill(0);
    for (let image = 0; image < g.n; image++) {
      const input = (image * g.ic + group * icg) * g.h * g.w;
      const gradient = (image * g.oc + group * ocg) * pixels;
      for (let begin = 0; begin < pixels; begin += band) {
        const width = Math.min(band, pixels - begin);
        packPanels(dy, gradient + begin, pixels, 1, ocg, width, left);
        packColumns(x, input, g, icg, begin, width, right, 'rows');
        multiplyPanels(left, right, product, ocg, depth, width, true);
      }
    }
    for (let o = 0; o < ocg; o++) {
      const from = o * padded(depth);
      const to = (group * ocg + o) * depth;
      for (let i = 0; i < depth; i++) dweight[to + i] = product[from + i];
    }
  }
}

/**
 * Packs the columns of `channels` input planes at x[input] for the output pixels [begin, begin + width). The lanes of the
 * panels are the pixels (the depth being the rows of the columns), or the other way round.
 */
function packColumns(
  x: Floats,
  input: number,
  g: Conv2dGeometry,
  channels: number,
  begin: number,
  width: number,
  panels: Float64Array,
  lanes: 'pixels' | 'rows',
): void {
  const line = scratch('line', padded(width));
  const depth = channels * g.kh * g.kw;
  let row = 0;
  for (let channel = 0; channel < channels; channel++) {
    const plane = input + channel * g.h * g.w;
    for (let kh = 0; kh < g.kh; kh++) {
      for (let kw = 0; kw < g.kw; kw++, row++) {
        gatherLine(x, plane, g, kh, kw, begin, width, line);
        if (lanes === 'pixels') scatterToPanels(line, panels, row * TILE, depth * TILE);
        else {
          const to = (row - (row % TILE)) * width + (row % TILE);
          for (let i = 0; i < width; i++) panels[to + i * TILE] = line[i];
        }
      }
    }
  }
}

/** Writes a line, TILE numbers to each panel. */
function scatterToPanels(line: Float64Array, panels: Float64Array, begin: number, panelSize: number): void {
  let to = begin;
  for (let i = 0; i < line.length; i += TILE, to += panelSize) {
    panels[to] = line[i];
    panels[to + 1] = line[i + 1];
    panels[to + 2] = line[i + 2];
    panels[to + 3] = line[i + 3];
  }
}

/** What the tap (kh, kw) sees of one input plane from the output pixels [begin, begin + width); zero in the padding. */
function gatherLine(
  x: Floats,
  plane: number,
  g: Conv2dGeometry,
  kh: number,
  kw: number,
  begin: number,
  width: number,
  line: Float64Array,
): void {
  const { h, w, ow, strideW } = g;
  const left = kw * g.dilationW - g.padLeft;
  const owBegin = firstAtLeast(0, left, strideW, ow);
  const owEnd = firstAtLeast(w, left, strideW, ow);
  const end = begin + width;
  for (let oh = Math.floor(begin / ow); oh * ow < end; oh++) {
    const ih = oh * g.strideH + kh * g.dilationH - g.padTop;
    const isInside = ih >= 0 && ih < h;
    // Positions in the line where this output row starts and ends, and between them where the tap is inside x.
    const start = oh * ow - begin;
    const rowBegin = Math.max(0, start);
    const rowEnd = Math.min(width, start + ow);
    const insideBegin = isInside ? Math.min(Math.max(rowBegin, start + owBegin), rowEnd) : rowEnd;
    const insideEnd = isInside ? Math.max(insideBegin, Math.min(rowEnd, start + owEnd)) : rowEnd;
    let from = plane + ih * w + left + (insideBegin - start) * strideW;
    for (let i = rowBegin; i < insideBegin; i++) line[i] = 0;
    for (let i = insideBegin; i < insideEnd; i++, from += strideW) line[i] = x[from];
    for (let i = insideEnd; i < rowEnd; i++) line[i] = 0;
  }
}

/** The adjoint of the gathering: adds columns [channels·kh·kw, width] to the input planes they come from. */
function addColumns(
  columns: Float64Array,
  planes: Float64Array,
  g: Conv2dGeometry,
  channels: number,
  begin: number,
  width: number,
): void {
  const { h, w, ow, strideW } = g;
  const end = begin + width;
  let line = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let kh = 0; kh < g.kh; kh++) {
      for (let kw = 0; kw < g.kw; kw++, line += padded(width)) {
        const left = kw * g.dilationW - g.padLeft;
        const owBegin = firstAtLeast(0, left, strideW, ow);
        const owEnd = firstAtLeast(w, left, strideW, ow);
        for (let oh = Math.floor(begin / ow); oh * ow < end; oh++) {
          const ih = oh * g.strideH + kh * g.dilationH - g.padTop;
          if (ih < 0 || ih >= h) continue;
          const start = oh * ow - begin;
          const insideBegin = Math.max(0, start + owBegin);
          const insideEnd = Math.min(width, start + owEnd);
          let to = (channel * h + ih) * w + left + (insideBegin - start) * strideW;
          for (let i = insideBegin; i < insideEnd; i++, to += strideW) planes[to] += columns[line + i];
        }
      }
    }
  }
}
