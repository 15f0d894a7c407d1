import { type Padding, type Pair, type Pool2dGeometry, window2d } from '../../lib/geometry.js';
import { Generator } from '../../lib/random.js';

/** One pooling, for max and average alike; average pooling skips those with dilation. */
export interface Pool2dCase {
  why: string;
  /** [n, c, h, w] */
  x: readonly [number, number, number, number];
  kernel: readonly [number, number];
  stride?: Pair;
  padding?: Padding;
  dilation?: Pair;
  ceilMode?: boolean;
  countIncludePad?: boolean;
}

export function pool2dGeometry(entry: Omit<Pool2dCase, 'why'>): Pool2dGeometry {
  const { x, kernel, ceilMode = false, countIncludePad = true, ...options } = entry;
  const [n, c, h, w] = x;
  const [kh, kw] = kernel;
  const window = window2d('case', [h, w], [kh, kw], options, ceilMode);
  return { n, c, h, w, kh, kw, ...window, countIncludePad: Number(countIncludePad) };
}

// biome-ignore format: one case a line
export const POOL2D_CASES: readonly Pool2dCase[] = [
  { why: 'the smallest there is', x: [1, 1, 1, 1], kernel: [1, 1] },
  { why: 'the usual pooling', x: [2, 16, 14, 14], kernel: [2, 2], stride: 2 },
  { why: 'overlapping windows, as after a first layer', x: [1, 13, 23, 25], kernel: [3, 3], stride: 2, padding: 1 },
  { why: 'the same, the padding not counted', x: [1, 13, 23, 25], kernel: [3, 3], stride: 2, padding: 1, countIncludePad: false },
  { why: 'stride 1 keeps the size', x: [2, 5, 9, 18], kernel: [3, 3], padding: 1 },
  { why: 'an odd input leaves a row and a column out', x: [1, 7, 9, 11], kernel: [2, 2], stride: 2 },
  { why: 'ceil mode takes them in', x: [1, 7, 9, 11], kernel: [2, 2], stride: 2, ceilMode: true },
  { why: 'ceil mode with padding: the divisor stops at the padding', x: [2, 3, 8, 10], kernel: [3, 3], stride: 2, padding: 1, ceilMode: true },
  { why: 'the same, the padding not counted', x: [2, 3, 8, 10], kernel: [3, 3], stride: 2, padding: 1, ceilMode: true, countIncludePad: false },
  { why: 'ceil mode whose last window would start in the padding', x: [1, 2, 5, 5], kernel: [2, 2], stride: 3, padding: 1, ceilMode: true },
  { why: 'uneven padding', x: [1, 4, 7, 9], kernel: [4, 4], stride: 3, padding: [0, 1, 2, 0] },
  { why: 'wide and flat windows', x: [1, 3, 6, 40], kernel: [1, 21], stride: [1, 2], padding: [0, 10] },
  { why: 'tall and narrow windows', x: [1, 3, 40, 6], kernel: [21, 1], stride: [2, 1], padding: [10, 0] },
  { why: 'stride larger than the window', x: [2, 4, 12, 12], kernel: [2, 2], stride: 5 },
  { why: 'stride larger than the input', x: [2, 4, 5, 5], kernel: [3, 3], stride: 8 },
  { why: 'one window over everything', x: [2, 6, 7, 7], kernel: [7, 7] },
  { why: 'dilation 2', x: [1, 5, 11, 12], kernel: [3, 3], dilation: 2, padding: 1 },
  { why: 'dilation 3 and stride 2', x: [1, 5, 15, 16], kernel: [3, 2], dilation: 3, stride: 2, padding: 1 },
  { why: 'dilation 4 with padding', x: [1, 2, 9, 10], kernel: [3, 3], dilation: 4, padding: 1 },
  { why: 'one row', x: [2, 3, 1, 67], kernel: [1, 2], stride: [1, 2] },
  { why: 'one column', x: [2, 3, 67, 1], kernel: [2, 1], stride: [2, 1] },
  { why: 'powers of two', x: [1, 32, 64, 64], kernel: [2, 2], stride: 2 },
  { why: 'planes that threads share', x: [4, 32, 40, 40], kernel: [3, 3], stride: 2, padding: 1 },
  { why: 'no images', x: [0, 3, 6, 6], kernel: [2, 2] },
  { why: 'no channels', x: [2, 0, 6, 6], kernel: [2, 2] },
];

/** Poolings drawn at random, whose sizes meet in ways nobody thinks of. */
export function randomPools(count: number): Pool2dGeometry[] {
  const random = new Generator(12);
  const upTo = (most: number) => 1 + random.integer(most);
  const drawn: Pool2dGeometry[] = [];
  while (drawn.length < count) {
    const kernel = [upTo(6), upTo(6)] as const;
    const [most, mostAcross] = kernel.map((size) => Math.floor(size / 2) + 1);
    const padding = [
      random.integer(most),
      random.integer(mostAcross),
      random.integer(most),
      random.integer(mostAcross),
    ] as const;
    const dilation: Pair = random.integer(3) ? 1 : [upTo(3), upTo(3)];
    const x = [upTo(3), upTo(5), 16 + upTo(30), 16 + upTo(60)] as const;
    const flags = { ceilMode: random.integer(2) === 1, countIncludePad: random.integer(2) === 1 };
    drawn.push(pool2dGeometry({ x, kernel, stride: [upTo(5), upTo(5)], padding, dilation, ...flags }));
  }
  return drawn;
}

/** Adaptive average pooling to [oh, ow]. */
export interface AdaptiveCase {
  why: string;
  x: readonly [number, number, number, number];
  output: readonly [number, number];
}

// biome-ignore format: one case a line
export const ADAPTIVE_POOL2D_CASES: readonly AdaptiveCase[] = [
  { why: 'global average', x: [2, 19, 7, 7], output: [1, 1] },
  { why: 'global average of a large plane', x: [2, 8, 96, 96], output: [1, 1] },
  { why: 'windows of one size', x: [1, 5, 12, 18], output: [4, 6] },
  { why: 'overlapping windows of different sizes', x: [2, 3, 10, 13], output: [7, 6] },
  { why: 'larger output than input: pixels are repeated', x: [1, 3, 3, 4], output: [7, 9] },
  { why: 'same size', x: [1, 4, 5, 6], output: [5, 6] },
  { why: 'one pixel', x: [2, 3, 1, 1], output: [3, 3] },
  { why: 'one axis only', x: [1, 3, 9, 31], output: [9, 1] },
  { why: 'planes that threads share', x: [4, 64, 24, 24], output: [6, 6] },
  { why: 'no images', x: [0, 3, 6, 6], output: [2, 2] },
];
