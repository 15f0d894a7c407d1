import { full } from '../creation.js';
import { checkFloat, type DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { checkIndexable } from '../geometry.js';
import { formatShape, resolveAxis, sizeOf } from '../shape.js';
import { Tensor } from '../tensor.js';
import { resample } from './resample.js';
import {
  COORDINATE_TRANSFORMS,
  type CoordinateTransform,
  coordinateOf,
  NEAREST_MODES,
  type NearestMode,
  RESIZE_MODES,
  type ResizeMode,
  resizeTable,
} from './resizetable.js';
import { where } from './where.js';

/** Options of {@link resize}; names and values are those of ONNX. */
export interface ResizeOptions {
  /** Axes that are resized. Default all. */
  axes?: readonly number[];
  /** Their new lengths. */
  sizes?: readonly number[];
  /** Factors, from which the lengths follow by rounding down where `sizes` are not given. */
  scales?: readonly number[];
  /** Default 'nearest'. */
  mode?: ResizeMode;
  /** Where an output position lies on the input axis. Default 'half_pixel'. */
  coordinateTransform?: CoordinateTransform;
  /** How mode 'nearest' rounds. Default 'round_prefer_floor'. */
  nearestMode?: NearestMode;
  /** Parameter a of mode 'cubic'. Default −0.75. */
  cubicCoeff?: number;
  /** Leave out what lies beyond the ends, instead of repeating the last element there. Default false. */
  excludeOutside?: boolean;
  /** Widen the window of 'linear' and 'cubic' when the axis gets shorter. Default false. */
  antialias?: boolean;
  /** With 'tf_crop_and_resize': starts, then ends of the part to take along each of the axes, 1 being the last element. */
  roi?: readonly number[];
  /** With 'tf_crop_and_resize': the value where a position lies outside of x. Default 0. */
  extrapolationValue?: number;
}

/**
 * x resized along some axes, one after the other, by the rules of ONNX's Resize.
 *
 * Lengths are `sizes`, or ⌊length · scale⌋; coordinates follow from the scales where given, else from the ratio of lengths.
 *
 * @throws ArgumentError for axes outside, lists of other lengths than axes, values out of range, or unknown options;
 *   ShapeError when an empty axis shall have elements; DTypeError unless x is float32 or float64
 * @example
 * resize(tensor([1, 2]), { scales: [2] }).toArray(); // [1, 1, 2, 2]
 */
export function resize<D extends DType>(x: Tensor<D>, options: ResizeOptions): Tensor<D> {
  checkFloat('resize', x);
  const axes = (options.axes ?? x.shape.map((_, axis) => axis)).map((axis) => resolveAxis('resize', axis, x.rank));
  check(
    new Set(axes).size === axes.length,
    'resize',
    () => `an axis is named twice in [${axes.join(', ')}]`,
    ArgumentError,
  );
  const { sizes, scales, roi } = options;
  checkNumbers('sizes', sizes, axes.length, (size) => Number.isInteger(size) && size >= 0);
  checkNumbers('scales', scales, axes.length, (scale) => Number.isFinite(scale) && scale > 0);
  checkNumbers('roi', roi, 2 * axes.length, Number.isFinite);
  check(sizes !== undefined || scales !== undefined, 'resize', () => 'sizes or scales must be given', ArgumentError);
  checkOption('mode', options.mode, RESIZE_MODES);
  checkOption('coordinateTransform', options.coordinateTransform, COORDINATE_TRANSFORMS);
  checkOption('nearestMode', options.nearestMode, NEAREST_MODES);
  const {
    coordinateTransform: transform = 'half_pixel',
    mode = 'nearest',
    nearestMode = 'round_prefer_floor',
  } = options;
  const { cubicCoeff = -0.75, excludeOutside = false, antialias = false, extrapolationValue = 0 } = options;
  const crops = transform === 'tf_crop_and_resize';

  const plans = axes.map((axis, i) => {
    const input = x.shape[axis];
    const output = sizes?.[i] ?? Math.floor(Math.fround(input * Math.fround((scales as readonly number[])[i])));
    checkIndexable('resize', output);
    check(
      input > 0 || output === 0,
      'resize',
      () => `axis ${axis} of ${formatShape(x.shape)} is empty, nothing to resize to ${output}`,
    );
    const scale = scales?.[i] ?? output / input;
    const region = [roi?.[i] ?? 0, roi?.[axes.length + i] ?? 1] as const;
    const coordinate = coordinateOf(transform, input, output, scale, region);
    const resized = { input, output, scale, mode, coordinate, nearestMode, cubicCoeff, excludeOutside, antialias };
    return { axis, resized, isIdentity: input === output && (output === 0 || (scale === 1 && !crops)) };
  });
  const lengths = plans.reduce((shape, { axis, resized }) => shape.with(axis, resized.output), [...x.shape]);
  checkIndexable('resize', sizeOf(lengths));
  // what shrinks comes first, then from the last axis on: the later passes have less, or longer runs, to work on
  const order = plans
    .filter(({ isIdentity }) => !isIdentity)
    .sort((a, b) => a.resized.output / a.resized.input - b.resized.output / b.resized.input || b.axis - a.axis);
  let y: Tensor = x;
  for (const { axis, resized } of order) y = resample(y, axis, resizeTable(resized));
  if (!crops) return y as Tensor<D>;
  for (const { axis, resized } of order) {
    const { input, output, coordinate } = resized;
    const isInside = (j: number) => coordinate(j) >= 0 && coordinate(j) <= input - 1;
    const mask = Uint8Array.from({ length: output }, (_, j) => Number(isInside(j)));
    if (!mask.includes(0)) continue;
    const shape = [output, ...new Array<number>(x.rank - 1 - axis).fill(1)];
    y = where(new Tensor('bool', mask, shape), y, full([], extrapolationValue, { dtype: x.dtype }));
  }
  return y as Tensor<D>;
}

function checkNumbers(
  option: string,
  values: readonly number[] | undefined,
  length: number,
  isValid: (value: number) => boolean,
): void {
  check(
    values === undefined || (values.length === length && values.every(isValid)),
    'resize',
    () => `${option} must be ${length} valid numbers, got ${JSON.stringify(values)}`,
    ArgumentError,
  );
}

function checkOption(option: string, value: string | undefined, allowed: readonly string[]): void {
  check(
    value === undefined || allowed.includes(value),
    'resize',
    () => `${option} must be one of ${allowed.join(', ')}, got ${JSON.stringify(value)}`,
    ArgumentError,
  );
}
