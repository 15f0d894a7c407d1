/** One product of matrices: c[batch] = alpha·op(a)·op(b) + beta·c. */
export interface GemmCase {
  why: string;
  m: number;
  n: number;
  k: number;
  batch?: number;
  transA?: boolean;
  transB?: boolean;
  /** One matrix for the whole batch. */
  sharedA?: boolean;
  sharedB?: boolean;
  alpha?: number;
  beta?: number;
}

// biome-ignore format: one case a line
export const GEMM_CASES: readonly GemmCase[] = [
  { why: 'the smallest there is', m: 1, n: 1, k: 1 },
  { why: 'a fully connected layer: b is stored transposed', m: 64, n: 10, k: 128, transB: true },
  { why: 'its gradient with respect to the weight', m: 10, n: 128, k: 64, transA: true },
  { why: 'primes', m: 61, n: 67, k: 71 },
  { why: 'primes, both transposed', m: 53, n: 59, k: 47, transA: true, transB: true },
  { why: 'powers of two: rows that share cache sets', m: 128, n: 128, k: 128 },
  { why: 'powers of two, a transposed', m: 64, n: 256, k: 128, transA: true },
  { why: 'a row times a matrix', m: 1, n: 333, k: 129 },
  { why: 'a row times a transposed matrix', m: 1, n: 333, k: 129, transB: true },
  { why: 'a matrix times a column', m: 333, n: 1, k: 129 },
  { why: 'a transposed matrix times a column', m: 333, n: 1, k: 129, transA: true },
  { why: 'an inner product', m: 1, n: 1, k: 5000 },
  { why: 'an outer product', m: 37, n: 41, k: 1 },
  { why: 'a long sum: k is cut into blocks', m: 5, n: 18, k: 4111 },
  { why: 'a long sum, both transposed', m: 7, n: 9, k: 2500, transA: true, transB: true },
  { why: 'tall and narrow', m: 700, n: 3, k: 20 },
  { why: 'wide and flat', m: 3, n: 1500, k: 20 },
  { why: 'more rows and columns than a block', m: 290, n: 530, k: 33 },
  { why: 'twice the last product, added to half of c', m: 33, n: 35, k: 20, alpha: 2, beta: 0.5 },
  { why: 'added to c', m: 30, n: 65, k: 17, beta: 1 },
  { why: 'added to c, k in several blocks', m: 15, n: 34, k: 2100, beta: 1 },
  { why: 'subtracted from c', m: 9, n: 70, k: 40, alpha: -1, beta: 1, transB: true },
  { why: 'a row added to c', m: 1, n: 77, k: 50, alpha: 0.5, beta: 2 },
  { why: 'alpha 0: only c is left', m: 8, n: 20, k: 12, alpha: 0, beta: 0.5 },
  { why: 'k 0: only c is left', m: 5, n: 19, k: 0, beta: 0.5 },
  { why: 'k 0 and beta 0: zero', m: 5, n: 19, k: 0 },
  { why: 'a batch', m: 9, n: 17, k: 12, batch: 5 },
  { why: 'a batch that shares a', m: 20, n: 33, k: 16, batch: 4, sharedA: true },
  { why: 'a batch that shares b, both transposed', m: 20, n: 33, k: 16, batch: 4, sharedB: true, transA: true, transB: true },
  { why: 'a batch of rows', m: 1, n: 40, k: 30, batch: 6 },
  { why: 'large enough for threads to share', m: 200, n: 210, k: 150 },
  { why: 'no rows', m: 0, n: 5, k: 3 },
  { why: 'no columns', m: 5, n: 0, k: 3 },
  { why: 'no matrices', m: 5, n: 4, k: 3, batch: 0 },
];
