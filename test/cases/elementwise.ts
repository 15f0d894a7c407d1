/** Lengths around the widths of vectors and of the blocks that elementwise work is cut into. */
export const LENGTHS: readonly number[] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 4095, 4097, 150_001];

/** Two shapes that broadcast. */
export interface BroadcastCase {
  why: string;
  a: readonly number[];
  b: readonly number[];
}

export const BROADCAST_CASES: readonly BroadcastCase[] = [
  { why: 'scalars', a: [], b: [] },
  { why: 'equal shapes are one long axis', a: [3, 5, 7], b: [3, 5, 7] },
  { why: 'a scalar on the right', a: [4, 33], b: [] },
  { why: 'a scalar on the left', a: [], b: [4, 33] },
  { why: 'one value a channel', a: [2, 5, 7, 9], b: [5, 1, 1] },
  { why: 'one value a column', a: [6, 37], b: [37] },
  { why: 'one value a row', a: [6, 37], b: [6, 1] },
  { why: 'both stretch', a: [6, 1], b: [1, 37] },
  { why: 'axes stretch in turn', a: [2, 1, 3, 1, 5], b: [1, 4, 1, 6, 1] },
  { why: 'an inner axis stretches', a: [5, 1, 18], b: [5, 7, 18] },
  { why: 'eight axes, the most there are', a: [2, 1, 2, 1, 2, 1, 2, 3], b: [1, 2, 1, 2, 1, 2, 1, 3] },
  { why: 'a large tensor that threads share', a: [40, 60, 61], b: [60, 1] },
  { why: 'equal shapes that threads share', a: [150_001], b: [150_001] },
  { why: 'nothing', a: [3, 0, 5], b: [3, 1, 5] },
];
