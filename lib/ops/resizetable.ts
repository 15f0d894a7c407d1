import type { ResampleTable } from './resample.js';

export const RESIZE_MODES = ['nearest', 'linear', 'cubic'] as const;
export const COORDINATE_TRANSFORMS = [
  'half_pixel',
  'half_pixel_symmetric',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
  'tf_half_pixel_for_nn',
  'tf_crop_and_resize',
] as const;
export const NEAREST_MODES = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as const;

export type ResizeMode = (typeof RESIZE_MODES)[number];
export type CoordinateTransform = (typeof COORDINATE_TRANSFORMS)[number];
export type NearestMode = (typeof NEAREST_MODES)[number];

/** How one axis is resized. */
export interface AxisResize {
  /** Lengths before and after. */
  input: number;
  output: number;
  /** Output per input; not always output / input, as the length is rounded. */
  scale: number;
  mode: ResizeMode;
  /** Where an output position lies on the input axis. */
  coordinate: (position: number) => number;
  nearestMode: NearestMode;
  cubicCoeff: number;
  excludeOutside: boolean;
  antialias: boolean;
}

// Coordinates are rounded to float32 after every step, as onnxruntime and PyTorch compute them: which element is the
// nearest, and whether a position is whole, may hang on the last bit.
const f = Math.fround;

/** The coordinates of an axis as ONNX defines them; `roi` is the part of the axis that tf_crop_and_resize looks at. */
export function coordinateOf(
  transform: CoordinateTransform,
  input: number,
  output: number,
  scale: number,
  [start, end]: readonly [number, number],
): (position: number) => number {
  const s = f(scale);
  const halfPixel = (j: number) => f(f(f(j + 0.5) / s) - 0.5);
  switch (transform) {
    case 'half_pixel':
      return halfPixel;
    case 'half_pixel_symmetric': {
      const adjustment = f(output / f(s * input));
      const offset = f(f(input / 2) * f(1 - adjustment));
      return (j) => f(f(offset + f(f(j + 0.5) / s)) - 0.5);
    }
    case 'pytorch_half_pixel':
      return output > 1 ? halfPixel : () => 0;
    case 'align_corners':
      return (j) => (output === 1 ? 0 : f(f(j * (input - 1)) / (output - 1)));
    case 'asymmetric':
      return (j) => f(j / s);
    case 'tf_half_pixel_for_nn':
      return (j) => f(f(j + 0.5) / s);
    case 'tf_crop_and_resize': {
      const last = input - 1;
      if (output === 1) return () => f(0.5 * f(f(start) + f(end)) * last);
      return (j) => f(f(f(start) * last) + f(f(j * f(f(f(end) - f(start)) * last)) / (output - 1)));
    }
  }
}

/** PyTorch's names of the modes. */
export const INTERPOLATIONS = { nearest: 'nearest', bilinear: 'linear', bicubic: 'cubic' } as const;

/** How PyTorch resizes an axis; `inverse` is the factor from output to input, in float32. */
export function interpolatedAxis(
  input: number,
  output: number,
  inverse: number,
  mode: keyof typeof INTERPOLATIONS,
  alignCorners: boolean,
  antialias: boolean,
): AxisResize {
  return {
    input,
    output,
    scale: 1 / inverse,
    mode: INTERPOLATIONS[mode],
    coordinate: coordinates(input, output, inverse, mode, alignCorners, antialias),
    nearestMode: 'floor',
    cubicCoeff: antialias ? -0.5 : -0.75,
    excludeOutside: antialias,
    antialias,
  };
}

/** Where output positions lie, in float32 as PyTorch computes it, which has the factor from output to input at hand. */
function coordinates(
  input: number,
  output: number,
  inverse: number,
  mode: keyof typeof INTERPOLATIONS,
  alignCorners: boolean,
  antialias: boolean,
): (position: number) => number {
  if (mode === 'nearest') return (j) => f(j * inverse);
  if (alignCorners) {
    const step = output > 1 ? f((input - 1) / (output - 1)) : 0;
    return (j) => f(j * step);
  }
  const center = (j: number) => f(f(inverse * f(j + 0.5)) - 0.5);
  return mode === 'bilinear' && !antialias ? (j) => Math.max(0, center(j)) : center;
}

/** The table of one axis. */
export function resizeTable(axis: AxisResize): ResampleTable {
  if (axis.mode === 'nearest') return nearestTable(axis);
  return axis.antialias ? filterTable(axis) : interpolationTable(axis);
}

/** Makes a table of lists of [index, weight], one list an output position. */
function tableOf(input: number, entries: [index: number, weight: number][][]): ResampleTable {
  const count = entries.length;
  const taps = entries.reduce((most, list) => Math.max(most, list.length), 0);
  const index = new Int32Array(taps * count).fill(-1);
  const weights = new Float64Array(taps * count);
  entries.forEach((list, j) => {
    list.forEach(([from, weight], t) => {
      index[t * count + j] = Math.min(input - 1, Math.max(0, from));
      weights[t * count + j] = weight;
    });
  });
  return { count, taps, index, weights };
}

function positions<T>({ output }: AxisResize, entry: (j: number) => T): T[] {
  return Array.from({ length: output }, (_, j) => entry(j));
}

function nearestTable(axis: AxisResize): ResampleTable {
  const entries = positions(axis, (j): [number, number][] => [[nearest(axis.coordinate(j), axis.nearestMode), 1]]);
  return tableOf(axis.input, entries);
}

function nearest(x: number, mode: NearestMode): number {
  switch (mode) {
    case 'floor':
      return Math.floor(x);
    case 'ceil':
      return Math.ceil(x);
    case 'round_prefer_floor':
      return Math.ceil(x - 0.5);
    case 'round_prefer_ceil':
      return Math.floor(x + 0.5);
  }
}

/** Two neighbours for linear, four for cubic; beyond the ends lie copies of the last element, or nothing. */
function interpolationTable(axis: AxisResize): ResampleTable {
  const { input, mode, cubicCoeff, excludeOutside } = axis;
  const entries = positions(axis, (j) => {
    const x = axis.coordinate(j);
    const below = Math.floor(x);
    const rest = f(x - below);
    const taps: [number, number][] =
      mode === 'linear'
        ? [
            [below, 1 - rest],
            [below + 1, rest],
          ]
        : [-1, 0, 1, 2].map((step) => [below + step, cubic(rest - step, cubicCoeff)]);
    return excludeOutside ? inside(taps, input) : taps;
  });
  return tableOf(input, entries);
}

/** Cubic convolution (Keys 1981) with slope `a` at 1. */
function cubic(distance: number, a: number): number {
  const d = Math.abs(distance);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
}

/** What is left of the taps on the axis, with weights that add up to 1. */
function inside(taps: [number, number][], input: number): [number, number][] {
  const kept = taps.filter(([from]) => from >= 0 && from < input);
  const total = kept.reduce((sum, [, weight]) => sum + weight, 0);
  return kept.map(([from, weight]) => [from, total === 0 ? 0 : weight / total]);
}

/** The same functions stretched over as many elements as one output position stands for, so that none is left out. */
function filterTable(axis: AxisResize): ResampleTable {
  const { input, scale, mode, cubicCoeff, excludeOutside } = axis;
  const stretch = Math.max(1, 1 / scale);
  const support = (mode === 'linear' ? 1 : 2) * stretch;
  const weigh = (distance: number) =>
    mode === 'linear' ? Math.max(0, 1 - Math.abs(distance)) : cubic(distance, cubicCoeff);
  const entries = positions(axis, (j) => {
    const center = axis.coordinate(j) + 0.5;
    const begin = Math.floor(center - support + 0.5);
    const end = Math.floor(center + support + 0.5);
    const taps = Array.from({ length: end - begin }, (_, i): [number, number] => [
      begin + i,
      weigh((begin + i - center + 0.5) / stretch),
    ]);
    if (excludeOutside) return inside(taps, input);
    const total = taps.reduce((sum, [, weight]) => sum + weight, 0);
    return taps.map(([from, weight]): [number, number] => [from, weight / total]);
  });
  return tableOf(input, entries);
}
