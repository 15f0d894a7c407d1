import { ArgumentError, check } from '../errors.js';
import { samePadding, type WindowOptions, whole } from '../geometry.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { unsqueeze } from './unsqueeze.js';

// Operations on sequences [n, c, length] are those on images of one row.

/** Options of windows along one axis. */
export interface Window1dOptions {
  /** Distance between windows. */
  stride?: number;
  /**
   * What is added at both ends, [start, end], 'valid' (nothing) or 'same' (as many windows as strides begin in the input; an
   * odd element goes to the end). Default 0.
   */
  padding?: number | readonly [number, number] | 'same' | 'valid';
  /** Distance between the elements of a window. Default 1. */
  dilation?: number;
}

/** A sequence as an image of one row. */
export function asImage<T extends Tensor>(operation: string, x: T): T {
  check(x.rank === 3, operation, () => `x must be [n, channels, length], got ${formatShape(x.shape)}`);
  return unsqueeze(x, 2) as T;
}

/** Options of windows along an axis of `length` as those of windows one row high. */
export function asWindow2d(
  operation: string,
  options: Window1dOptions,
  length: number,
  kernel: number,
  defaultStride = 1,
): Required<WindowOptions> {
  const stride = whole(operation, 'stride', options.stride ?? defaultStride, 1);
  const dilation = whole(operation, 'dilation', options.dilation ?? 1, 1);
  const [start, end] = endPadding(operation, { ...options, stride, dilation }, length, kernel);
  return { stride: [1, stride], padding: [0, start, 0, end], dilation: [1, dilation] };
}

/** What is added at the start and at the end of an axis of `length`. */
export function endPadding(
  operation: string,
  { padding = 0, stride = 1, dilation = 1 }: Window1dOptions,
  length: number,
  kernel: number,
): readonly [number, number] {
  if (padding === 'same') return samePadding(length, kernel, stride, dilation);
  const ends: unknown = padding === 'valid' ? [0, 0] : typeof padding === 'number' ? [padding, padding] : padding;
  check(
    Array.isArray(ends) && ends.length === 2 && ends.every((v) => Number.isInteger(v) && v >= 0 && v < 2 ** 31),
    operation,
    () => `padding must be an integer of at least 0, [start, end], 'same' or 'valid', got ${JSON.stringify(padding)}`,
    ArgumentError,
  );
  return [ends[0], ends[1]];
}
