/** Slices of x [batch, sizes…, inner] that indices [batch or none, count, sizes.length] name. */
export interface SliceCase {
  why: string;
  sizes: readonly number[];
  batch?: number;
  count: number;
  inner: number;
  isShared?: boolean;
}

export const SLICE_CASES: readonly SliceCase[] = [
  { why: 'single elements', sizes: [7], count: 5, inner: 1 },
  { why: 'rows of odd length', sizes: [9], count: 4, inner: 37 },
  { why: 'one table for all batches: columns of a matrix', sizes: [11], batch: 6, count: 9, inner: 1, isShared: true },
  { why: 'the middle axis of three', sizes: [5], batch: 3, count: 8, inner: 7, isShared: true },
  { why: 'pairs of indices', sizes: [4, 6], count: 10, inner: 3 },
  { why: 'whole coordinates', sizes: [3, 4, 5], count: 17, inner: 1 },
  { why: 'batches with indices of their own', sizes: [4, 3], batch: 5, count: 6, inner: 2 },
  { why: 'eight indices a tuple, the most there are', sizes: [2, 1, 2, 1, 3, 1, 2, 2], count: 9, inner: 2 },
  { why: 'more rows than there are, which threads share', sizes: [50], count: 3000, inner: 33 },
  { why: 'an axis of one element', sizes: [1], count: 3, inner: 5 },
  { why: 'no indices', sizes: [4], count: 0, inner: 3 },
  { why: 'nothing in a row', sizes: [4], count: 3, inner: 0 },
  { why: 'no batch', sizes: [4], batch: 0, count: 3, inner: 2 },
  { why: 'an empty axis: every index is outside', sizes: [0], count: 3, inner: 2 },
];

/** Elements of a tensor of shape `full` along an axis; indices and values have `shape`. */
export interface ElementCase {
  why: string;
  full: readonly number[];
  shape: readonly number[];
  axis: number;
}

export const ELEMENT_CASES: readonly ElementCase[] = [
  { why: 'a vector', full: [9], shape: [5], axis: 0 },
  { why: 'along the last axis', full: [4, 7], shape: [4, 3], axis: 1 },
  { why: 'along the first axis', full: [5, 6], shape: [8, 6], axis: 0 },
  { why: 'along a middle axis', full: [3, 5, 4], shape: [3, 7, 4], axis: 1 },
  { why: 'fewer positions than x has on other axes', full: [5, 6, 7], shape: [2, 9, 3], axis: 1 },
  { why: 'eight axes', full: [2, 1, 3, 1, 2, 1, 2, 3], shape: [2, 1, 4, 1, 2, 1, 2, 3], axis: 2 },
  { why: 'much to gather, which threads share', full: [40, 500], shape: [40, 700], axis: 1 },
  { why: 'no indices', full: [3, 4], shape: [0, 4], axis: 0 },
  { why: 'an empty axis: every index is outside', full: [3, 0], shape: [3, 2], axis: 1 },
];
