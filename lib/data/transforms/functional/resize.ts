import { ArgumentError, check } from '../../../errors.js';
import type { ResampleTable } from '../../../ops/resample.js';
import { interpolatedAxis, resizeTable } from '../../../ops/resizetable.js';
import type { Tensor } from '../../../tensor.js';
import { checkCorner, cropped } from './crop.js';
import { bothOf, imageOf, type Planes, planesOf, type Size } from './image.js';

/** How pixels between pixels are computed. */
export type Interpolation = 'nearest' | 'bilinear' | 'bicubic';

/** Options of {@link resize}. */
export interface ImageResizeOptions {
  /** 'nearest', 'bilinear' (default) or 'bicubic'. */
  interpolation?: Interpolation;
  /** With a size of one number: the most that the longer edge may get. */
  maxSize?: number;
  /** Average over all pixels when the image gets smaller, as libraries for photographs do. Default true. */
  antialias?: boolean;
}

const INTERPOLATIONS: readonly Interpolation[] = ['nearest', 'bilinear', 'bicubic'];

/** Throws unless the interpolation is one of `names`. */
export function checkInterpolation(
  operation: string,
  interpolation: Interpolation,
  names: readonly Interpolation[] = INTERPOLATIONS,
): void {
  check(
    names.includes(interpolation),
    operation,
    () => `interpolation must be one of ${names.join(', ')}, got ${JSON.stringify(interpolation)}`,
    ArgumentError,
  );
}

/**
 * An image [c, h, w] in another size: [height, width], or one number for the shorter edge, with the proportions kept
 * (torchvision's `resize`).
 *
 * It runs on TypeScript whatever the backend, so that every thread that loads data gets the same pixels.
 *
 * @throws ArgumentError for sizes below 1, another interpolation, or a maxSize that does not go with the size; ShapeError and
 *   DTypeError for a tensor that is no image
 * @example
 * transforms.functional.resize(tensor([[[0, 4, 8, 12]]]), [1, 2]).shape; // [1, 1, 2]
 */
export function resize(image: Tensor, size: Size, options: ImageResizeOptions = {}): Tensor<'float32'> {
  const { interpolation = 'bilinear', maxSize, antialias = true } = options;
  const planes = planesOf('resize', image);
  checkInterpolation('resize', interpolation);
  const [height, width] = resizedShape(planes.h, planes.w, size, maxSize);
  return resampled(planes, height, width, interpolation, antialias);
}

/** Height and width after {@link resize}. */
function resizedShape(h: number, w: number, size: Size, maxSize: number | undefined): readonly [number, number] {
  const both = bothOf('resize', 'size', size);
  check(
    maxSize === undefined || (typeof size === 'number' && Number.isInteger(maxSize) && maxSize > size),
    'resize',
    () => `maxSize must be an integer above a size of one number, got ${maxSize} for size ${JSON.stringify(size)}`,
    ArgumentError,
  );
  if (typeof size !== 'number') return both;
  let short = size;
  let long = Math.floor((size * Math.max(h, w)) / Math.min(h, w));
  if (maxSize !== undefined && long > maxSize) {
    short = Math.max(1, Math.floor((maxSize * short) / long));
    long = maxSize;
  }
  return h <= w ? [short, long] : [long, short];
}

/**
 * The part of an image that {@link crop} cuts out, in another size (torchvision's `resized_crop`).
 *
 * @throws what {@link crop} and {@link resize} throw
 * @example
 * transforms.functional.resizedCrop(tensor([[[1, 2], [3, 4]]]), 0, 1, 2, 1, [1, 1]).toArray(); // [[[3]]]
 */
export function resizedCrop(
  image: Tensor,
  top: number,
  left: number,
  height: number,
  width: number,
  size: Size,
  options: Omit<ImageResizeOptions, 'maxSize'> = {},
): Tensor<'float32'> {
  const { interpolation = 'bilinear', antialias = true } = options;
  const planes = planesOf('resizedCrop', image);
  checkInterpolation('resizedCrop', interpolation);
  const { channels } = planes;
  checkCorner('resizedCrop', top, left);
  const [oh, ow] = bothOf('resizedCrop', 'size', size);
  const [h, w] = bothOf('resizedCrop', 'height and width', [height, width]);
  const part = { values: cropped(planes, top, left, h, w, null), channels, h, w };
  return resampled(part, oh, ow, interpolation, antialias);
}

function resampled(planes: Planes, oh: number, ow: number, mode: Interpolation, antialias: boolean): Tensor<'float32'> {
  const { channels, h, w } = planes;
  const isAveraged = antialias && mode !== 'nearest';
  const tableOf = (input: number, output: number) =>
    resizeTable(interpolatedAxis(input, output, Math.fround(input / output), mode, false, isAveraged));
  // Columns first, always: rounding must not depend on proportions. Rows are then sums of whole rows, which run fast.
  const narrow = w === ow ? planes.values : resampleColumns(planes.values, w, tableOf(w, ow));
  const result = h === oh ? narrow : resampleRows(narrow, channels, h, ow, tableOf(h, oh));
  return imageOf(result === planes.values ? result.slice() : result, channels, oh, ow);
}

/** x [rows, w] → [rows, count]. */
function resampleColumns(x: Float32Array, w: number, { count, taps, index, weights }: ResampleTable): Float32Array {
  const rows = x.length / w;
  const y = new Float32Array(rows * count);
  for (let row = 0, at = 0; row < rows; row++) {
    const first = row * w;
    for (let j = 0; j < count; j++) {
      let total = 0;
      for (let k = j; k < taps * count; k += count) {
        if (index[k] >= 0) total += weights[k] * x[first + index[k]];
      }
      y[at++] = total;
    }
  }
  return y;
}

/** x [channels, h, w] → [channels, count, w]. */
function resampleRows(
  x: Float32Array,
  channels: number,
  h: number,
  w: number,
  { count, taps, index, weights }: ResampleTable,
): Float32Array {
  const y = new Float32Array(channels * count * w);
  const total = new Float64Array(w);
  for (let c = 0; c < channels; c++) {
    for (let j = 0; j < count; j++) {
      total.fill(0);
      for (let k = j; k < taps * count; k += count) {
        if (index[k] < 0) continue;
        const from = (c * h + index[k]) * w;
        const weight = weights[k];
        for (let i = 0; i < w; i++) total[i] += weight * x[from + i];
      }
      y.set(total, (c * count + j) * w);
    }
  }
  return y;
}
