import { ArgumentError, check } from '../../../errors.js';
import type { Tensor } from '../../../tensor.js';
import { bothOf, channelValues, imageOf, type Planes, planesOf, roundHalfEven, type Size } from './image.js';

/** What lies beyond the edges of a padded image. */
export type PaddingMode = 'constant' | 'edge' | 'reflect' | 'symmetric';

/** Pixels on each side: one number for all, [left and right, top and bottom], or [left, top, right, bottom]. */
export type ImagePadding =
  | number
  | readonly [number, number]
  | readonly [left: number, top: number, right: number, bottom: number];

/** Options of {@link pad}. */
export interface ImagePadOptions {
  /** Value of the new pixels in mode 'constant', one for all channels or one for each. Default 0. */
  fill?: number | readonly number[];
  /**
   * 'constant' (default); 'edge' repeats the outermost pixels, 'reflect' mirrors the image without them, 'symmetric' with
   * them.
   */
  mode?: PaddingMode;
}

const MODES: readonly PaddingMode[] = ['constant', 'edge', 'reflect', 'symmetric'];

/**
 * The part of an image [c, h, w] that starts at row `top` and column `left`: [c, height, width], zero where it lies outside
 * (torchvision's `crop`).
 *
 * @throws ArgumentError for a place or a size that is no integer; ShapeError and DTypeError for a tensor that is no image
 * @example
 * transforms.functional.crop(tensor([[[1, 2], [3, 4]]]), 1, 0, 1, 3).toArray(); // [[[3, 4, 0]]]
 */
export function crop(image: Tensor, top: number, left: number, height: number, width: number): Tensor<'float32'> {
  const planes = planesOf('crop', image);
  checkCorner('crop', top, left);
  const [h, w] = bothOf('crop', 'height and width', [height, width]);
  return imageOf(cropped(planes, top, left, h, w, null), planes.channels, h, w);
}

/** Throws unless a part begins at whole pixels. */
export function checkCorner(operation: string, top: number, left: number): void {
  check(
    Number.isInteger(top) && Number.isInteger(left),
    operation,
    () => `top and left must be integers, got ${top} and ${left}`,
    ArgumentError,
  );
}

/** The elements of a part of an image; `fill` by channel where it lies outside, 0 when null. */
export function cropped(
  { values, channels, h, w }: Planes,
  top: number,
  left: number,
  height: number,
  width: number,
  fill: readonly number[] | null,
): Float32Array {
  const result = new Float32Array(channels * height * width);
  const [rowBegin, rowEnd] = [Math.max(0, -top), Math.min(height, h - top)];
  const [begin, end] = [Math.max(0, -left), Math.min(width, w - left)];
  const isInside = rowBegin === 0 && begin === 0 && rowEnd === height && end === width;
  for (let c = 0; c < channels; c++) {
    const start = c * height * width;
    if (fill && !isInside && fill[c] !== 0) result.fill(fill[c], start, start + height * width);
    for (let y = rowBegin; y < rowEnd; y++) {
      const from = (c * h + top + y) * w + left;
      const to = start + y * width;
      for (let x = begin; x < end; x++) result[to + x] = values[from + x];
    }
  }
  return result;
}

/**
 * The middle of an image [c, h, w] → [c, height, width]; an image that is smaller gets a border of zeros (torchvision's
 * `center_crop`).
 *
 * @throws ArgumentError for a size below 1; ShapeError and DTypeError for a tensor that is no image
 * @example
 * transforms.functional.centerCrop(tensor([[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]), 1).toArray(); // [[[5]]]
 */
export function centerCrop(image: Tensor, size: Size): Tensor<'float32'> {
  const planes = planesOf('centerCrop', image);
  const { channels, h, w } = planes;
  const [height, width] = bothOf('centerCrop', 'size', size);
  // a smaller image is first made as large by a border, of which the larger half comes after it
  const border = (extent: number, wanted: number) => Math.max(0, Math.floor((wanted - extent) / 2));
  const start = (extent: number, wanted: number) =>
    extent < wanted ? -border(extent, wanted) : roundHalfEven((extent - wanted) / 2);
  return imageOf(cropped(planes, start(h, height), start(w, width), height, width, null), channels, height, width);
}

/** Left, top, right and bottom of a padding. */
export function paddingOf(operation: string, padding: ImagePadding): readonly [number, number, number, number] {
  const list = typeof padding === 'number' ? [padding, padding] : padding;
  check(
    Array.isArray(list) &&
      (list.length === 2 || list.length === 4) &&
      list.every((extent) => Number.isInteger(extent) && extent >= 0),
    operation,
    () =>
      `padding must be an integer of at least 0, two (left and right, top and bottom) or four (left, top, right, bottom), got ${JSON.stringify(padding)}`,
    ArgumentError,
  );
  const [left, top, right = left, bottom = top] = list;
  return [left, top, right, bottom];
}

/** Throws unless the mode is one. */
export function checkPaddingMode(operation: string, mode: PaddingMode): void {
  check(
    MODES.includes(mode),
    operation,
    () => `the padding mode must be one of ${MODES.join(', ')}, got ${JSON.stringify(mode)}`,
    ArgumentError,
  );
}

/**
 * An image with a border: [c, h, w] → [c, top + h + bottom, left + w + right] (torchvision's `pad`).
 *
 * @throws ArgumentError for a padding below 0, another mode, or a mirror image that is larger than the image; ShapeError and
 *   DTypeError for a tensor that is no image
 * @example
 * transforms.functional.pad(tensor([[[1, 2]]]), [1, 0], { mode: 'symmetric' }).toArray(); // [[[1, 1, 2, 2]]]
 */
export function pad(image: Tensor, padding: ImagePadding, options: ImagePadOptions = {}): Tensor<'float32'> {
  const { fill = 0, mode = 'constant' } = options;
  const planes = planesOf('pad', image);
  const [left, top, right, bottom] = paddingOf('pad', padding);
  checkPaddingMode('pad', mode);
  const { values, channels, h, w } = planes;
  const [height, width] = [top + h + bottom, left + w + right];
  if (mode === 'constant') {
    const fills = channelValues('pad', 'fill', fill, channels);
    return imageOf(cropped(planes, -top, -left, height, width, fills), channels, height, width);
  }
  const rows = sourcesOf(mode, h, top, bottom);
  const columns = sourcesOf(mode, w, left, right);
  const result = new Float32Array(channels * height * width);
  for (let c = 0, at = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const row = (c * h + rows[y]) * w;
      for (let x = 0; x < width; x++) result[at++] = values[row + columns[x]];
    }
  }
  return imageOf(result, channels, height, width);
}

/** Where the elements of a padded axis come from. */
function sourcesOf(mode: PaddingMode, extent: number, before: number, after: number): Int32Array {
  const largest = mode === 'reflect' ? extent - 1 : extent;
  check(
    mode === 'edge' || Math.max(before, after) <= largest,
    'pad',
    () => `mode '${mode}' adds at most ${largest} to ${extent} pixels, got ${Math.max(before, after)}`,
    ArgumentError,
  );
  return Int32Array.from({ length: before + extent + after }, (_, i) => {
    const from = i - before;
    if (mode === 'edge') return Math.min(extent - 1, Math.max(0, from));
    const shift = mode === 'reflect' ? 0 : 1;
    if (from < 0) return -from - shift;
    return from >= extent ? 2 * extent - 2 + shift - from : from;
  });
}
