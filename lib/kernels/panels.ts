import type { Floats } from './types.js';

/**
 * The matrix product under gemm and the convolutions. Both operands are first copied into panels: groups of {@link TILE}
 * rows of the left one, or columns of the right one, interleaved so that a step along the common axis (the depth) reads
 * TILE adjacent numbers:
 *
 *     panels[⌊lane / TILE⌋][depth][lane mod TILE]
 *
 * Panels and products are always float64. That makes the hot loop see one kind of array (V8 compiles a slow loop once it
 * has met two), spares it a conversion per number loaded, and keeps float32 results free of accumulated rounding.
 *
 * A last panel that is not full has lanes nobody writes. What they hold only reaches rows and columns of the product
 * that lie outside it and that nobody reads, so neither copying nor multiplying has code for edges.
 */
export const TILE = 4;

/** Lanes rounded up to whole panels; also the distance of two rows of a product. */
export function padded(lanes: number): number {
  return Math.ceil(lanes / TILE) * TILE;
}

/** Copies a strided matrix [lanes, depth] that begins at source[begin] into panels. */
export function packPanels(
  source: Floats,
  begin: number,
  laneStride: number,
  depthStride: number,
  lanes: number,
  depth: number,
  panels: Float64Array,
): void {
  const whole = lanes - (lanes % TILE);
  for (let lane = 0; lane < whole; lane += TILE) {
    let from0 = begin + lane * laneStride;
    let from1 = from0 + laneStride;
    let from2 = from1 + laneStride;
    let from3 = from2 + laneStride;
    let to = lane * depth;
    for (let p = 0; p < depth; p++) {
      panels[to] = source[from0];
      panels[to + 1] = source[from1];
      panels[to + 2] = source[from2];
      panels[to + 3] = source[from3];
      to += 4;
      from0 += depthStride;
      from1 += depthStride;
      from2 += depthStride;
      from3 += depthStride;
    }
  }
  for (let lane = whole; lane < lanes; lane++) {
    const from = begin + lane * laneStride;
    const to = whole * depth + lane - whole;
    for (let p = 0; p < depth; p++) panels[to + p * TILE] = source[from + p * depthStride];
  }
}

/**
 * product [m, n] = left · right, or added to it when `accumulate` is set. Rows of the product are padded(n) apart, and
 * padded(m) of them are written.
 *
 * One TILE×TILE block is kept in local variables over the whole depth: a step loads 8 numbers for 16 multiply-adds, where
 * the textbook loop loads 2 for 1.
 */
export function multiplyPanels(
  left: Float64Array,
  right: Float64Array,
  product: Float64Array,
  m: number,
  n: number,
  depth: number,
  accumulate: boolean,
): void {
  const rowStride = padded(n);
  // 4 stands for TILE: the block below is written out for it, and V8 would check an exported constant in every step.
  for (let j = 0; j < n; j += 4) {
    for (let i = 0; i < m; i += 4) {
      let c00 = 0;
      let c01 = 0;
      let c02 = 0;
      let c03 = 0;
      let c10 = 0;
      let c11 = 0;
      let c12 = 0;
      let c13 = 0;
      let c20 = 0;
      let c21 = 0;
      let c22 = 0;
      let c23 = 0;
      let c30 = 0;
      let c31 = 0;
      let c32 = 0;
      let c33 = 0;
      let a = i * depth;
      let b = j * depth;
      for (const end = a + depth * 4; a < end; a += 4, b += 4) {
        const b0 = right[b];
        const b1 = right[b + 1];
        const b2 = right[b + 2];
        const b3 = right[b + 3];
        const a0 = left[a];
        c00 += a0 * b0;
        c01 += a0 * b1;
        c02 += a0 * b2;
        c03 += a0 * b3;
        const a1 = left[a + 1];
        c10 += a1 * b0;
        c11 += a1 * b1;
        c12 += a1 * b2;
        c13 += a1 * b3;
        const a2 = left[a + 2];
        c20 += a2 * b0;
        c21 += a2 * b1;
        c22 += a2 * b2;
        c23 += a2 * b3;
        const a3 = left[a + 3];
        c30 += a3 * b0;
        c31 += a3 * b1;
        c32 += a3 * b2;
        c33 += a3 * b3;
      }
      const row0 = i * rowStride + j;
      const row1 = row0 + rowStride;
      const row2 = row1 + rowStride;
      const row3 = row2 + rowStride;
      if (accumulate) {
        c00 += product[row0];
        c01 += product[row0 + 1];
        c02 += product[row0 + 2];
        c03 += product[row0 + 3];
        c10 += product[row1];
        c11 += product[row1 + 1];
        c12 += product[row1 + 2];
        c13 += product[row1 + 3];
        c20 += product[row2];
        c21 += product[row2 + 1];
        c22 += product[row2 + 2];
        c23 += product[row2 + 3];
        c30 += product[row3];
        c31 += product[row3 + 1];
        c32 += product[row3 + 2];
        c33 += product[row3 + 3];
      }
      product[row0] = c00;
      product[row0 + 1] = c01;
      product[row0 + 2] = c02;
      product[row0 + 3] = c03;
      product[row1] = c10;
      product[row1 + 1] = c11;
      product[row1 + 2] = c12;
      product[row1 + 3] = c13;
      product[row2] = c20;
      product[row2 + 1] = c21;
      product[row2 + 2] = c22;
      product[row2 + 3] = c23;
      product[row3] = c30;
      product[row3 + 1] = c31;
      product[row3 + 2] = c32;
      product[row3 + 3] = c33;
    }
  }
}
