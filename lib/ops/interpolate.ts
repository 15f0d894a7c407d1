import { checkFloat, type DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { checkIndexable } from '../geometry.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { resample } from './resample.js';
import { INTERPOLATIONS, interpolatedAxis, resizeTable } from './resizetable.js';

/** Options of {@link interpolate}: either `size` or `scaleFactor`. */
export interface InterpolateOptions {
  /** New height and width; one number for both. */
  size?: number | readonly [number, number];
  /** Factors of height and width; the new lengths are rounded down. */
  scaleFactor?: number | readonly [number, number];
  /** 'nearest' (default), 'bilinear' or 'bicubic'. */
  mode?: 'nearest' | 'bilinear' | 'bicubic';
  /** The corner pixels keep their place, instead of the corners of the image. Default false; not with 'nearest'. */
  alignCorners?: boolean;
  /** Average over all pixels when the image gets smaller. Default false; not with 'nearest'. */
  antialias?: boolean;
}

/**
 * Images in another size: x [n, c, h, w] → [n, c, oh, ow], by PyTorch's rules.
 *
 * @throws ShapeError unless x has four axes, none of height and width empty; ArgumentError unless one of size and
 *   scaleFactor is given and in range, or for options that do not go together; DTypeError unless x is float32 or float64
 * @example
 * interpolate(tensor([[[[1, 2]]]]), { scaleFactor: [1, 2] }).toArray(); // [[[[1, 1, 2, 2]]]]
 */
export function interpolate<D extends DType>(x: Tensor<D>, options: InterpolateOptions): Tensor<D> {
  const { size, mode = 'nearest', alignCorners = false, antialias = false } = options;
  checkFloat('interpolate', x);
  check(
    x.rank === 4 && x.shape[2] > 0 && x.shape[3] > 0,
    'interpolate',
    () => `x must be [n, channels, height, width], got ${formatShape(x.shape)}`,
  );
  const both = checkInterpolation('interpolate', options);
  const plans = both.map((value, i) => {
    const input = x.shape[2 + i];
    const output = size === undefined ? Math.floor(input * value) : value;
    check(output >= 1, 'interpolate', () => `scaleFactor ${value} leaves nothing of ${formatShape(x.shape)}`);
    checkIndexable('interpolate', output);
    const inverse = size === undefined ? Math.fround(1 / value) : Math.fround(input / output);
    return { axis: 2 + i, resized: interpolatedAxis(input, output, inverse, mode, alignCorners, antialias) };
  });
  const [height, width] = plans;
  // the axis that shrinks more comes first: the other pass has less to work on
  const isWidthFirst = width.resized.output / width.resized.input <= height.resized.output / height.resized.input;
  let y: Tensor = x;
  for (const { axis, resized } of isWidthFirst ? [width, height] : [height, width]) {
    if (resized.input === resized.output && resized.scale === 1) continue;
    y = resample(y, axis, resizeTable(resized));
  }
  return y as Tensor<D>;
}

/** Checks options, and returns sizes or factors of height and width. */
export function checkInterpolation(operation: string, options: InterpolateOptions): readonly [number, number] {
  const { size, scaleFactor, mode = 'nearest', alignCorners = false, antialias = false } = options;
  check(
    Object.hasOwn(INTERPOLATIONS, mode),
    operation,
    () => `mode must be one of ${Object.keys(INTERPOLATIONS).join(', ')}, got ${JSON.stringify(mode)}`,
    ArgumentError,
  );
  check(
    mode !== 'nearest' || (!alignCorners && !antialias),
    operation,
    () => "alignCorners and antialias do not go with mode 'nearest'",
    ArgumentError,
  );
  check(
    (size === undefined) !== (scaleFactor === undefined),
    operation,
    () => 'either size or scaleFactor must be given',
    ArgumentError,
  );
  const given = (size ?? scaleFactor) as number | readonly [number, number];
  const both = typeof given === 'number' ? ([given, given] as const) : given;
  check(
    both.length === 2 &&
      both.every((v) => (size === undefined ? Number.isFinite(v) && v > 0 : Number.isInteger(v) && v >= 1)),
    operation,
    () =>
      `${size === undefined ? 'scaleFactor' : 'size'} must be a positive number or two, got ${JSON.stringify(given)}`,
    ArgumentError,
  );
  return both;
}
