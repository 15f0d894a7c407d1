import { conv2dGeometry, firstAtLeast } from './geometry.js';
import { scratch } from './scratch.js';
import type { Floats } from './types.js';

/**
 * x [n, ic, h, w] → columns [n, ic·kh·kw, oh·ow]: one column per window, rows in the order ic, kh, kw, zero where the
 * window is in the padding. A convolution is then weight [oc, ic·kh·kw] times columns. Groups play no part.
 */
export function im2col(x: Floats, columns: Floats, flat: Int32Array): void {
  const g = conv2dGeometry(flat);
  let out = 0;
  for (let plane = 0; plane < g.n * g.ic; plane++) {
    for (let kh = 0; kh < g.kh; kh++) {
      for (let kw = 0; kw < g.kw; kw++) {
        const left = kw * g.dilationW - g.padLeft;
        const owBegin = firstAtLeast(0, left, g.strideW, g.ow);
        const owEnd = firstAtLeast(g.w, left, g.strideW, g.ow);
        for (let oh = 0; oh < g.oh; oh++, out += g.ow) {
          const ih = oh * g.strideH + kh * g.dilationH - g.padTop;
          const isInside = ih >= 0 && ih < g.h;
          const begin = isInside ? owBegin : g.ow;
          const end = isInside ? owEnd : g.ow;
          const base = (plane * g.h + ih) * g.w + left;
          for (let ow = 0; ow < begin; ow++) columns[out + ow] = 0;
          for (let ow = begin; ow < end; ow++) columns[out + ow] = x[base + ow * g.strideW];
          for (let ow = end; ow < g.ow; ow++) columns[out + ow] = 0;
        }
      }
    }
  }
}

/** The adjoint of im2col: every element of columns is added to the element of x it was copied from. x is overwritten. */
export function col2im(columns: Floats, x: Floats, flat: Int32Array): void {
  const g = conv2dGeometry(flat);
  const image = scratch('image', g.h * g.w);
  let from = 0;
  for (let plane = 0; plane < g.n * g.ic; plane++) {
    image.fill(0);
    for (let kh = 0; kh < g.kh; kh++) {
      for (let kw = 0; kw < g.kw; kw++) {
        const left = kw * g.dilationW - g.padLeft;
        const owBegin = firstAtLeast(0, left, g.strideW, g.ow);
        const owEnd = firstAtLeast(g.w, left, g.strideW, g.ow);
        for (let oh = 0; oh < g.oh; oh++, from += g.ow) {
          const ih = oh * g.strideH + kh * g.dilationH - g.padTop;
          if (ih < 0 || ih >= g.h) continue;
          const base = ih * g.w + left;
          for (let ow = owBegin; ow < owEnd; ow++) image[base + ow * g.strideW] += columns[from + ow];
        }
      }
    }
    x.set(image, plane * g.h * g.w);
  }
}
