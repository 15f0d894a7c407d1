/** A tensor seen as [outer, size, inner], reduced or searched along the middle axis. */
export interface AxisCase {
  why: string;
  outer: number;
  size: number;
  inner: number;
}

export const AXIS_CASES: readonly AxisCase[] = [
  { why: 'one element', outer: 1, size: 1, inner: 1 },
  { why: 'short contiguous rows', outer: 37, size: 10, inner: 1 },
  { why: 'contiguous rows of odd length', outer: 5, size: 131, inner: 1 },
  { why: 'columns of odd number', outer: 3, size: 7, inner: 35 },
  { why: 'two columns', outer: 4, size: 33, inner: 2 },
  { why: 'a sum over images and pixels: long strides', outer: 1, size: 64, inner: 300 },
  { why: 'channels of an image batch', outer: 8, size: 21, inner: 49 },
  { why: 'the whole of a large tensor: naive summing loses digits', outer: 1, size: 300_001, inner: 1 },
  { why: 'a long axis over few columns', outer: 1, size: 70_000, inner: 3 },
  { why: 'rows that threads share', outer: 300, size: 700, inner: 1 },
  { why: 'columns that threads share', outer: 20, size: 50, inner: 257 },
  { why: 'an axis of size 1', outer: 9, size: 1, inner: 19 },
  { why: 'no lines', outer: 0, size: 5, inner: 3 },
  { why: 'no columns', outer: 3, size: 5, inner: 0 },
];

/** Reductions of nothing have values too; there is nothing to search or to normalise. */
export const EMPTY_AXIS: AxisCase = { why: 'nothing along the axis', outer: 3, size: 0, inner: 4 };
