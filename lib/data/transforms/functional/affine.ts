import { ArgumentError, check } from '../../../errors.js';
import type { Tensor } from '../../../tensor.js';
import { channelValues, imageOf, planesOf, roundHalfEven } from './image.js';
import { checkInterpolation } from './resize.js';

/** Options of {@link rotate} and {@link affine}. */
export interface WarpOptions {
  /** 'nearest' (default) or 'bilinear'. */
  interpolation?: 'nearest' | 'bilinear';
  /**
   * Value of pixels that come from outside, one for all channels or one for each. Default 0; if it is given, bilinear
   * interpolation blends it in at the edges as torchvision does, by the share of the neighbours that lie outside.
   */
  fill?: number | readonly number[];
  /** What stays in place, [x, y] in pixels from the top left corner. Default: the middle. */
  center?: readonly [x: number, y: number];
}

/** Options of {@link rotate}. */
export interface RotateOptions extends WarpOptions {
  /** Make the image as large as the rotated one needs; then about the middle only. Default false. */
  expand?: boolean;
}

/** Geometry of {@link affine}, applied in the order shear, scale, rotation, translation. */
export interface AffineParameters {
  /** Degrees, clockwise. Default 0. */
  angle?: number;
  /** Pixels to the right and down. Default [0, 0]. */
  translate?: readonly [x: number, y: number];
  /** Factor, above 0. Default 1. */
  scale?: number;
  /** Degrees along x and along y. Default [0, 0]. */
  shear?: readonly [x: number, y: number];
}

/**
 * From a position in the result, counted from its middle, to one in the image, from its middle: x' = a·x + b·y + c,
 * y' = d·x + e·y + f.
 */
type Matrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/**
 * An image [c, h, w] rotated counter-clockwise by an angle in degrees (torchvision's `rotate`).
 *
 * @throws ArgumentError for an angle that is not finite or other options than these; ShapeError and DTypeError for a tensor
 *   that is no image
 * @example
 * transforms.functional.rotate(tensor([[[1, 2], [3, 4]]]), 90).toArray(); // [[[2, 4], [1, 3]]]
 */
export function rotate(image: Tensor, angle: number, options: RotateOptions = {}): Tensor<'float32'> {
  const { expand = false, center } = options;
  check(
    !expand || center === undefined,
    'rotate',
    () => 'expand goes with rotations about the middle only',
    ArgumentError,
  );
  const matrix = inverseMatrix('rotate', image, { angle: -angle }, center);
  return warp('rotate', image, matrix, options, expand);
}

/**
 * An image [c, h, w] sheared, scaled, rotated and moved (torchvision's `affine`).
 *
 * @throws ArgumentError for numbers that are not finite, a scale that is not above 0 or a shear of 90°; ShapeError and
 *   DTypeError for a tensor that is no image
 * @example
 * transforms.functional.affine(tensor([[[1, 2, 3]]]), { translate: [1, 0] }).toArray(); // [[[0, 1, 2]]]
 */
export function affine(image: Tensor, parameters: AffineParameters, options: WarpOptions = {}): Tensor<'float32'> {
  return warp('affine', image, inverseMatrix('affine', image, parameters, options.center), options, false);
}

/** The inverse of: rotation · scale · shear along y · shear along x, about the centre, then translation. */
function inverseMatrix(
  operation: string,
  image: Tensor,
  { angle = 0, translate = [0, 0], scale = 1, shear = [0, 0] }: AffineParameters,
  center: readonly [number, number] | undefined,
): Matrix {
  const { h, w } = planesOf(operation, image);
  const [x, y] = center ?? [w / 2, h / 2];
  const numbers = [angle, ...translate, scale, ...shear, x, y];
  check(
    numbers.length === 8 && numbers.every(Number.isFinite),
    operation,
    () => 'angle, scale and both values of translate, shear and center must be finite numbers',
    ArgumentError,
  );
  check(scale > 0, operation, () => `scale must be above 0, got ${scale}`, ArgumentError);
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const [turn, shearX, shearY] = [angle, ...shear].map(radians);
  check(
    Math.abs(Math.cos(shearX)) > 1e-6 && Math.abs(Math.cos(shearY)) > 1e-6,
    operation,
    () => `shear must not be 90°, got [${shear.join(', ')}]`,
    ArgumentError,
  );
  // the determinant of rotation and shears is 1, so the inverse is the adjugate
  const [cos, sin] = [Math.cos(turn - shearY) / Math.cos(shearY), Math.sin(turn - shearY) / Math.cos(shearY)];
  const a = (Math.cos(turn) - sin * Math.tan(shearX)) / scale;
  const b = (Math.sin(turn) + cos * Math.tan(shearX)) / scale;
  const d = -sin / scale;
  const e = cos / scale;
  const [centerX, centerY] = [x - w / 2, y - h / 2];
  const [fromX, fromY] = [centerX + translate[0], centerY + translate[1]];
  return [a, b, centerX - a * fromX - b * fromY, d, e, centerY - d * fromX - e * fromY];
}

/**
 * Height and width that hold all of the image when it is turned by the inverse of a rotation. Whole pixels around its middle
 * are counted, as torchvision does, but for quarter turns, which take no more than they need.
 */
function expanded([a, b, , d, e]: Matrix, h: number, w: number): readonly [number, number] {
  if (Math.abs(a * b) < 1e-9) return Math.abs(a) < Math.abs(b) ? [w, h] : [h, w];
  // what is a rounding error above a whole number is that number
  const whole = (value: number) => Math.trunc(value * 1e4) / 1e4;
  const extent = (length: number, middle: number) =>
    Math.ceil(whole(middle + length / 2)) - Math.floor(whole(middle - length / 2));
  return [extent(Math.abs(d) * w + Math.abs(e) * h, h / 2), extent(Math.abs(a) * w + Math.abs(b) * h, w / 2)];
}

function warp(
  operation: string,
  image: Tensor,
  matrix: Matrix,
  { interpolation = 'nearest', fill }: WarpOptions,
  expand: boolean,
): Tensor<'float32'> {
  const { values, channels, h, w } = planesOf(operation, image);
  checkInterpolation(operation, interpolation, ['nearest', 'bilinear']);
  const fills = channelValues(operation, 'fill', fill ?? 0, channels);
  const [oh, ow] = expand ? expanded(matrix, h, w) : [h, w];
  const [a, b, c, d, e, f] = matrix;
  const result = new Float32Array(channels * oh * ow);
  const isNearest = interpolation === 'nearest';
  for (let y = 0, at = 0; y < oh; y++) {
    const fromMiddleY = y + 0.5 - oh / 2;
    for (let x = 0; x < ow; x++, at++) {
      const fromMiddleX = x + 0.5 - ow / 2;
      const sx = snapped(a * fromMiddleX + b * fromMiddleY + c + (w - 1) / 2);
      const sy = snapped(d * fromMiddleX + e * fromMiddleY + f + (h - 1) / 2);
      if (isNearest) copyPixel(values, result, at, oh * ow, roundHalfEven(sx), roundHalfEven(sy), h, w, fills);
      else blendPixel(values, result, at, oh * ow, sx, sy, h, w, fill === undefined ? null : fills);
    }
  }
  return imageOf(result, channels, oh, ow);
}

/** A position that is a rounding error from a multiple of a half is that multiple: quarter turns are exact. */
function snapped(position: number): number {
  const near = Math.round(2 * position) / 2;
  return Math.abs(position - near) < 1e-9 ? near : position;
}

function copyPixel(
  values: Float32Array,
  result: Float32Array,
  at: number,
  plane: number,
  x: number,
  y: number,
  h: number,
  w: number,
  fills: readonly number[],
): void {
  const isInside = x >= 0 && x < w && y >= 0 && y < h;
  const from = y * w + x;
  for (let c = 0; c < fills.length; c++) result[c * plane + at] = isInside ? values[c * h * w + from] : fills[c];
}

/** The four pixels around (x, y), weighed by how near they are; zeros lie outside, over which `fills` is laid. */
function blendPixel(
  values: Float32Array,
  result: Float32Array,
  at: number,
  plane: number,
  x: number,
  y: number,
  h: number,
  w: number,
  fills: readonly number[] | null,
): void {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const atRight = left >= -1 && left < w - 1 ? x - left : 0;
  const atLeft = left >= 0 && left < w ? 1 - (x - left) : 0;
  const below = top >= -1 && top < h - 1 ? y - top : 0;
  const above = top >= 0 && top < h ? 1 - (y - top) : 0;
  const inside = (atLeft + atRight) * (above + below);
  const channels = result.length / plane;
  for (let c = 0; c < channels; c++) {
    const from = (c * h + top) * w + left;
    let total = 0;
    if (above > 0) total += above * row(values, from, atLeft, atRight);
    if (below > 0) total += below * row(values, from + w, atLeft, atRight);
    result[c * plane + at] = fills ? total * inside + (1 - inside) * fills[c] : total;
  }
}

function row(values: Float32Array, from: number, atLeft: number, atRight: number): number {
  return (atLeft > 0 ? atLeft * values[from] : 0) + (atRight > 0 ? atRight * values[from + 1] : 0);
}
