import { multiplyPanels, packPanels, padded } from './panels.js';
import { scratch } from './scratch.js';
import type { Floats } from './types.js';

/**
 * Rows and columns of one block of the product, and the depth taken at a time. Panels and product of a block take
 * 128·256·8 B + 256·256·8 B + 128·256·8 B = 1 MB, about a second-level cache, and every number packed is used at least
 * 128 times (if the matrices are that large).
 */
const BLOCK_M = 128;
const BLOCK_N = 256;
const BLOCK_K = 256;

/** Rows or columns of c up to which packing the other operand costs more than multiplying with it. */
const THIN = 2;

/** A stack of matrices: lanes are the rows of op(a) or the columns of op(b), the depth is the axis summed over. */
interface Operand {
  data: Floats;
  lanes: number;
  laneStride: number;
  depthStride: number;
  matrixStride: number;
}

/** Where the product of lane i of one operand and lane j of the other goes: begin + i·strideI + j·strideJ. */
interface Target {
  data: Floats;
  begin: number;
  strideI: number;
  strideJ: number;
  alpha: number;
  beta: number;
}

/**
 * For each of `batch` matrices: c = alpha·op(a)·op(b) + beta·c with c [m, n], op(a) [m, k], op(b) [k, n]; op transposes
 * what is stored the other way round. strideA and strideB are the elements from one matrix to the next, 0 to share one.
 * With beta 0 the old c is not read, with k 0 the product is zero (the BLAS rules).
 */
export function gemm(a: Floats, b: Floats, c: Floats, g: Int32Array, alpha: number, beta: number): void {
  const [batch, m, n, k, transA, transB, strideA, strideB] = g;
  const rows = {
    data: a,
    lanes: m,
    laneStride: transA ? 1 : k,
    depthStride: transA ? m : 1,
    matrixStride: strideA,
  };
  const columns = {
    data: b,
    lanes: n,
    laneStride: transB ? k : 1,
    depthStride: transB ? 1 : n,
    matrixStride: strideB,
  };
  for (let matrix = 0; matrix < batch; matrix++) {
    const target = { data: c, begin: matrix * m * n, strideI: n, strideJ: 1, alpha, beta };
    if (m <= THIN) thinProduct(rows, columns, matrix, k, target);
    else if (n <= THIN) thinProduct(columns, rows, matrix, k, { ...target, strideI: 1, strideJ: n });
    else blockedProduct(rows, columns, matrix, k, target);
  }
}

function blockedProduct(a: Operand, b: Operand, matrix: number, k: number, target: Target): void {
  const [m, n] = [a.lanes, b.lanes];
  const blockK = Math.min(k, BLOCK_K);
  const left = scratch('left', padded(Math.min(m, BLOCK_M)) * blockK);
  const right = scratch('right', padded(Math.min(n, BLOCK_N)) * blockK);
  const product = scratch('product', padded(Math.min(m, BLOCK_M)) * padded(Math.min(n, BLOCK_N)));
  for (let i = 0; i < m; i += BLOCK_M) {
    const rows = Math.min(BLOCK_M, m - i);
    for (let j = 0; j < n; j += BLOCK_N) {
      const columns = Math.min(BLOCK_N, n - j);
      // Once at least, for k = 0 has a product too: zero.
      for (let p = 0; p < Math.max(k, 1); p += BLOCK_K) {
        const depth = Math.min(BLOCK_K, k - p);
        packBlock(a, matrix, i, rows, p, depth, left);
        packBlock(b, matrix, j, columns, p, depth, right);
        multiplyPanels(left, right, product, rows, columns, depth, p > 0);
      }
      for (let row = 0; row < rows; row++) {
        const from = row * padded(columns);
        for (let column = 0; column < columns; column++) store(target, i + row, j + column, product[from + column]);
      }
    }
  }
}

/** Packs the given lanes and depths of one matrix. */
function packBlock(
  operand: Operand,
  matrix: number,
  lane: number,
  lanes: number,
  p: number,
  depth: number,
  panels: Float64Array,
): void {
  const { data, laneStride, depthStride, matrixStride } = operand;
  const begin = matrix * matrixStride + lane * laneStride + p * depthStride;
  packPanels(data, begin, laneStride, depthStride, lanes, depth, panels);
}

/**
 * The product of one or two lanes with many. Every number of `many` is used so rarely that it is read in place; four
 * lanes at a time, lest each addition wait for the one before.
 */
function thinProduct(few: Operand, many: Operand, matrix: number, k: number, target: Target): void {
  const { data, lanes, laneStride, depthStride } = many;
  const vector = scratch('left', k);
  for (let i = 0; i < few.lanes; i++) {
    const from = matrix * few.matrixStride + i * few.laneStride;
    for (let p = 0; p < k; p++) vector[p] = few.data[from + p * few.depthStride];
    for (let j = 0; j < lanes; j += 4) {
      // A last group of less than four repeats the last lane.
      const begin = matrix * many.matrixStride;
      let p0 = begin + j * laneStride;
      let p1 = begin + Math.min(j + 1, lanes - 1) * laneStride;
      let p2 = begin + Math.min(j + 2, lanes - 1) * laneStride;
      let p3 = begin + Math.min(j + 3, lanes - 1) * laneStride;
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let p = 0; p < vector.length; p++) {
        const factor = vector[p];
        s0 += factor * data[p0];
        s1 += factor * data[p1];
        s2 += factor * data[p2];
        s3 += factor * data[p3];
        p0 += depthStride;
        p1 += depthStride;
        p2 += depthStride;
        p3 += depthStride;
      }
      store(target, i, j, s0);
      if (j + 1 < lanes) store(target, i, j + 1, s1);
      if (j + 2 < lanes) store(target, i, j + 2, s2);
      if (j + 3 < lanes) store(target, i, j + 3, s3);
    }
  }
}

/** c = alpha·value + beta·c for one element. */
function store(target: Target, i: number, j: number, value: number): void {
  const { data, begin, strideI, strideJ, alpha, beta } = target;
  const at = begin + i * strideI + j * strideJ;
  data[at] = beta === 0 ? alpha * value : alpha * value + beta * data[at];
}
