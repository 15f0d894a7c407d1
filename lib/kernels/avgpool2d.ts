import type { Pool2dGeometry } from '../geometry.js';
import { pool2dGeometry } from './geometry.js';
import { scratch } from './scratch.js';
import type { Floats } from './types.js';

/** The input positions [begin, end) of one output position along one axis, and their share in the divisor. */
interface Span {
  begin: number;
  end: number;
  divisor: number;
}

/**
 * The windows of ordinary pooling along one axis. With countIncludePad the divisor counts the padding a window covers,
 * but not what ceil mode adds beyond it (PyTorch's rule).
 */
function pooledSpans(
  outputs: number,
  size: number,
  kernel: number,
  stride: number,
  padStart: number,
  padEnd: number,
  countIncludePad: number,
): Span[] {
  return Array.from({ length: outputs }, (_, i) => {
    const start = i * stride - padStart;
    const begin = Math.max(0, start);
    const end = Math.max(begin, Math.min(start + kernel, size));
    const divisor = countIncludePad ? Math.min(start + kernel, size + padEnd) - start : end - begin;
    return { begin, end, divisor };
  });
}

/** Adaptive pooling: output i averages [⌊i·size/outputs⌋, ⌈(i + 1)·size/outputs⌉). */
export function adaptiveSpans(outputs: number, size: number): Span[] {
  return Array.from({ length: outputs }, (_, i) => {
    const begin = Math.floor((i * size) / outputs);
    const end = Math.ceil(((i + 1) * size) / outputs);
    return { begin, end, divisor: end - begin };
  });
}

/** y[plane, i, j] = mean of x[plane] over rows[i] × columns[j]; a window without elements gives 0. */
function averageForward(
  x: Floats,
  y: Floats,
  planes: number,
  h: number,
  w: number,
  rows: Span[],
  columns: Span[],
): void {
  let out = 0;
  for (let plane = 0; plane < planes; plane++) {
    for (const row of rows) {
      for (const column of columns) {
        let sum = 0;
        for (let ih = row.begin; ih < row.end; ih++) {
          const base = (plane * h + ih) * w;
          for (let iw = column.begin; iw < column.end; iw++) sum += x[base + iw];
        }
        const isEmpty = row.end === row.begin || column.end === column.begin;
        y[out++] = isEmpty ? 0 : sum / (row.divisor * column.divisor);
      }
    }
  }
}

/** The adjoint: dx[plane, h, w] = Σ dy / divisor over the windows that cover the position. */
function averageBackward(
  dy: Floats,
  dx: Floats,
  planes: number,
  h: number,
  w: number,
  rows: Span[],
  columns: Span[],
): void {
  const image = scratch('image', h * w);
  let out = 0;
  for (let plane = 0; plane < planes; plane++) {
    image.fill(0);
    for (const row of rows) {
      for (const column of columns) {
        const share = dy[out++] / (row.divisor * column.divisor);
        for (let ih = row.begin; ih < row.end; ih++) {
          for (let iw = column.begin; iw < column.end; iw++) image[ih * w + iw] += share;
        }
      }
    }
    dx.set(image, plane * h * w);
  }
}

function rowsOf(g: Pool2dGeometry): Span[] {
  return pooledSpans(g.oh, g.h, g.kh, g.strideH, g.padTop, g.padBottom, g.countIncludePad);
}

function columnsOf(g: Pool2dGeometry): Span[] {
  return pooledSpans(g.ow, g.w, g.kw, g.strideW, g.padLeft, g.padRight, g.countIncludePad);
}

/** x [n, c, h, w] → y [n, c, oh, ow], the mean of each window. Dilation is 1. */
export function avgPool2dForward(x: Floats, y: Floats, flat: Int32Array): void {
  const g = pool2dGeometry(flat);
  averageForward(x, y, g.n * g.c, g.h, g.w, rowsOf(g), columnsOf(g));
}

/** dy [n, c, oh, ow] → dx [n, c, h, w] */
export function avgPool2dBackward(dy: Floats, dx: Floats, flat: Int32Array): void {
  const g = pool2dGeometry(flat);
  averageBackward(dy, dx, g.n * g.c, g.h, g.w, rowsOf(g), columnsOf(g));
}

/** x [n, c, h, w] → y [n, c, oh, ow] with windows that divide the input as evenly as whole pixels allow. */
export function adaptiveAvgPool2dForward(x: Floats, y: Floats, g: Int32Array): void {
  const [n, c, h, w, oh, ow] = g;
  averageForward(x, y, n * c, h, w, adaptiveSpans(oh, h), adaptiveSpans(ow, w));
}

/** dy [n, c, oh, ow] → dx [n, c, h, w] */
export function adaptiveAvgPool2dBackward(dy: Floats, dx: Floats, g: Int32Array): void {
  const [n, c, h, w, oh, ow] = g;
  averageBackward(dy, dx, n * c, h, w, adaptiveSpans(oh, h), adaptiveSpans(ow, w));
}
