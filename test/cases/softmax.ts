import type { AxisCase } from './reduce.js';

export const SOFTMAX_CASES: readonly AxisCase[] = [
  { why: 'one class', outer: 3, size: 1, inner: 1 },
  { why: 'ten classes', outer: 64, size: 10, inner: 1 },
  { why: 'classes of odd number', outer: 7, size: 37, inner: 1 },
  { why: 'a thousand classes', outer: 9, size: 1000, inner: 1 },
  { why: 'a class per pixel: the axis is strided', outer: 2, size: 21, inner: 49 },
  { why: 'two columns', outer: 3, size: 17, inner: 2 },
  { why: 'columns of odd number', outer: 2, size: 5, inner: 131 },
  { why: 'rows that threads share', outer: 400, size: 200, inner: 1 },
  { why: 'pixels that threads share', outer: 2, size: 19, inner: 2100 },
  { why: 'no rows', outer: 0, size: 10, inner: 1 },
];
