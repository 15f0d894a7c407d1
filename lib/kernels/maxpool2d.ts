import { firstAtLeast, pool2dGeometry } from './geometry.js';
import { scratch } from './scratch.js';
import type { Floats } from './types.js';

/**
 * y[n, c, oh, ow] = the largest element of each window of x [n, c, h, w]; indices = its position h·W + w in the plane.
 * Padding never takes part. The first maximum in row order wins, and so does the first NaN. A window without any element
 * gives −∞ and index −1.
 */
export function maxPool2dForward(x: Floats, y: Floats, indices: Int32Array, flat: Int32Array): void {
  const g = pool2dGeometry(flat);
  const rows = tapRanges(g.oh, g.strideH, g.padTop, g.dilationH, g.kh, g.h);
  const columns = tapRanges(g.ow, g.strideW, g.padLeft, g.dilationW, g.kw, g.w);
  let out = 0;
  for (let plane = 0; plane < g.n * g.c; plane++) {
    const base = plane * g.h * g.w;
    for (let oh = 0; oh < g.oh; oh++) {
      const { start: top, end: bottom } = rows[oh];
      for (let ow = 0; ow < g.ow; ow++, out++) {
        const { start: left, end: right } = columns[ow];
        const isEmpty = top >= bottom || left >= right;
        let index = isEmpty ? -1 : top * g.w + left;
        let best = isEmpty ? -Infinity : x[base + index];
        for (let ih = top; ih < bottom; ih += g.dilationH) {
          for (let iw = left; iw < right; iw += g.dilationW) {
            const value = x[base + ih * g.w + iw];
            // Greater, or the first NaN: a NaN is not ≤ anything, and nothing replaces it.
            if (!(value <= best) && !Number.isNaN(best)) {
              best = value;
              index = ih * g.w + iw;
            }
          }
        }
        y[out] = best;
        indices[out] = index;
      }
    }
  }
}

/** For every window along one axis the first input position it takes and the end of those it may take. */
function tapRanges(outputs: number, stride: number, padStart: number, dilation: number, kernel: number, size: number) {
  return Array.from({ length: outputs }, (_, i) => {
    const origin = i * stride - padStart;
    const start = origin + firstAtLeast(0, origin, dilation, kernel) * dilation;
    const end = Math.min(size, origin + kernel * dilation);
    return { start, end };
  });
}

/** dx[n, c, h, w] = Σ dy[n, c, oh, ow] over the windows whose maximum sits there. Indices outside the plane are skipped. */
export function maxPool2dBackward(dy: Floats, indices: Int32Array, dx: Floats, flat: Int32Array): void {
  const { n, c, h, w, oh, ow } = pool2dGeometry(flat);
  const image = scratch('image', h * w);
  for (let plane = 0; plane < n * c; plane++) {
    image.fill(0);
    const end = (plane + 1) * oh * ow;
    for (let i = plane * oh * ow; i < end; i++) {
      const index = indices[i];
      if (index >= 0 && index < h * w) image[index] += dy[i];
    }
    dx.set(image, plane * h * w);
  }
}

/** y[n, c, oh, ow] = x[n, c, index]: the adjoint of the backward pass. An index outside the plane gives 0. */
export function maxPool2dGather(x: Floats, indices: Int32Array, y: Floats, flat: Int32Array): void {
  const { n, c, h, w, oh, ow } = pool2dGeometry(flat);
  for (let plane = 0; plane < n * c; plane++) {
    const end = (plane + 1) * oh * ow;
    for (let i = plane * oh * ow; i < end; i++) {
      const index = indices[i];
      y[i] = index >= 0 && index < h * w ? x[plane * h * w + index] : 0;
    }
  }
}
