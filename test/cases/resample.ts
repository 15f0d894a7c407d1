/** An axis of [outer, size, inner] resampled to `count` elements of `taps` taps; `spread` is how far these lie apart. */
export interface ResampleCase {
  why: string;
  outer: number;
  size: number;
  inner: number;
  count: number;
  taps: number;
  spread?: number;
}

export const RESAMPLE_CASES: readonly ResampleCase[] = [
  { why: 'one element', outer: 1, size: 1, inner: 1, count: 1, taps: 1 },
  { why: 'rows twice as long, nearest', outer: 9, size: 20, inner: 1, count: 40, taps: 1 },
  { why: 'rows twice as long, two taps', outer: 70, size: 37, inner: 1, count: 74, taps: 2 },
  { why: 'rows a little longer, four taps', outer: 5, size: 50, inner: 1, count: 61, taps: 4 },
  { why: 'rows shorter than a vector', outer: 130, size: 3, inner: 1, count: 7, taps: 2 },
  { why: 'rows that shrink: taps far apart', outer: 4, size: 300, inner: 1, count: 40, taps: 9, spread: 7 },
  { why: 'taps all over the row', outer: 3, size: 100, inner: 1, count: 33, taps: 3, spread: 100 },
  { why: 'columns', outer: 3, size: 8, inner: 37, count: 16, taps: 2 },
  { why: 'columns, copied', outer: 3, size: 8, inner: 20, count: 16, taps: 1 },
  { why: 'columns that shrink', outer: 2, size: 40, inner: 19, count: 9, taps: 11, spread: 11 },
  { why: 'many rows that threads share', outer: 500, size: 56, inner: 1, count: 112, taps: 2 },
  { why: 'an image that threads share', outer: 16, size: 56, inner: 112, count: 112, taps: 2 },
  { why: 'no taps: zeros', outer: 3, size: 5, inner: 1, count: 20, taps: 0 },
  { why: 'no taps between columns', outer: 3, size: 5, inner: 6, count: 4, taps: 0 },
  { why: 'nothing', outer: 0, size: 5, inner: 1, count: 4, taps: 2 },
  { why: 'to nothing', outer: 3, size: 5, inner: 1, count: 0, taps: 2 },
];
