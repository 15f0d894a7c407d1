import type { PadMode } from '../../lib/kernels/operations.js';

/** Padding of [planes, h, w] by [top, left, bottom, right]. */
export interface Pad2dCase {
  why: string;
  x: readonly [planes: number, h: number, w: number];
  pad: readonly [number, number, number, number];
  /** Modes that can pad so far; default all. */
  modes?: readonly PadMode[];
}

// biome-ignore format: one case a line
export const PAD2D_CASES: readonly Pad2dCase[] = [
  { why: 'nothing to add', x: [3, 4, 5], pad: [0, 0, 0, 0] },
  { why: 'one pixel all around', x: [5, 7, 9], pad: [1, 1, 1, 1] },
  { why: 'four different widths', x: [2, 6, 35], pad: [3, 17, 1, 20] },
  { why: 'above and below only', x: [3, 5, 18], pad: [2, 0, 4, 0] },
  { why: 'left and right only', x: [3, 5, 18], pad: [0, 9, 0, 3] },
  { why: 'as far as reflection reaches: size − 1', x: [2, 4, 5], pad: [3, 4, 3, 4] },
  { why: 'as far as wrapping around reaches: the whole size', x: [2, 3, 4], pad: [3, 4, 3, 4], modes: ['constant', 'replicate', 'circular'] },
  { why: 'wider than the input', x: [2, 2, 3], pad: [7, 40, 5, 33], modes: ['constant', 'replicate'] },
  { why: 'one pixel to repeat', x: [2, 1, 1], pad: [2, 2, 2, 2], modes: ['constant', 'replicate'] },
  { why: 'planes that threads share', x: [48, 40, 41], pad: [1, 2, 3, 2] },
  { why: 'no planes', x: [0, 4, 4], pad: [1, 1, 1, 1] },
  { why: 'planes without pixels', x: [2, 0, 3], pad: [1, 2, 1, 2], modes: ['constant'] },
];
