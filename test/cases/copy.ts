/** Where one side of a copy starts, and its element stride along each axis. */
interface Walk {
  length: number;
  offset?: number;
  strides: readonly number[];
}

export interface CopyCase {
  why: string;
  shape: readonly number[];
  x: Walk;
  y: Walk;
}

// biome-ignore format: one case a line
export const COPY_CASES: readonly CopyCase[] = [
  { why: 'one element', shape: [], x: { length: 1, strides: [] }, y: { length: 1, strides: [] } },
  { why: 'everything in order', shape: [3, 5, 7], x: { length: 105, strides: [35, 7, 1] }, y: { length: 105, strides: [35, 7, 1] } },
  { why: 'a matrix transposed', shape: [35, 37], x: { length: 1295, strides: [1, 35] }, y: { length: 1295, strides: [37, 1] } },
  { why: 'a large matrix transposed', shape: [300, 310], x: { length: 93_000, strides: [1, 300] }, y: { length: 93_000, strides: [310, 1] } },
  { why: 'channels last to channels first', shape: [3, 20, 21], x: { length: 1260, strides: [1, 63, 3] }, y: { length: 1260, strides: [420, 21, 1] } },
  { why: 'channels first to channels last', shape: [20, 21, 3], x: { length: 1260, strides: [21, 1, 420] }, y: { length: 1260, strides: [63, 3, 1] } },
  { why: 'axes reversed', shape: [4, 5, 6, 7], x: { length: 840, strides: [1, 4, 20, 120] }, y: { length: 840, strides: [210, 42, 7, 1] } },
  { why: 'a window of a larger tensor', shape: [4, 9], x: { length: 200, offset: 23, strides: [20, 1] }, y: { length: 36, strides: [9, 1] } },
  { why: 'every second column of every third row', shape: [5, 18], x: { length: 600, offset: 1, strides: [120, 2] }, y: { length: 90, strides: [18, 1] } },
  { why: 'scattered into a larger tensor: the rest is left alone', shape: [3, 8], x: { length: 24, strides: [8, 1] }, y: { length: 200, offset: 37, strides: [40, 2] } },
  { why: 'one column between others', shape: [50], x: { length: 50, strides: [1] }, y: { length: 150, offset: 1, strides: [3] } },
  { why: 'backwards', shape: [67], x: { length: 67, offset: 66, strides: [-1] }, y: { length: 67, strides: [1] } },
  { why: 'a mirror image', shape: [4, 6, 35], x: { length: 840, offset: 34, strides: [210, 35, -1] }, y: { length: 840, strides: [210, 35, 1] } },
  { why: 'upside down into backwards', shape: [5, 17], x: { length: 85, offset: 68, strides: [-17, 1] }, y: { length: 85, offset: 16, strides: [17, -1] } },
  { why: 'one row repeated', shape: [6, 37], x: { length: 37, strides: [0, 1] }, y: { length: 222, strides: [37, 1] } },
  { why: 'one value repeated', shape: [40], x: { length: 3, offset: 2, strides: [0] }, y: { length: 40, strides: [1] } },
  { why: 'values repeated along the inner axis', shape: [7, 19], x: { length: 7, strides: [1, 0] }, y: { length: 133, strides: [19, 1] } },
  { why: 'axes named in another order than y is laid out in', shape: [17, 5], x: { length: 85, strides: [5, 1] }, y: { length: 85, strides: [1, 17] } },
  { why: 'eight axes', shape: [2, 3, 2, 3, 2, 3, 2, 3], x: { length: 1296, strides: [1, 2, 6, 12, 36, 72, 216, 432] }, y: { length: 1296, strides: [648, 216, 108, 36, 18, 6, 3, 1] } },
  { why: 'much to copy, in order', shape: [400, 500], x: { length: 200_000, strides: [500, 1] }, y: { length: 200_000, strides: [500, 1] } },
  { why: 'nothing', shape: [3, 0, 2], x: { length: 0, strides: [0, 2, 1] }, y: { length: 0, strides: [0, 2, 1] } },
];
