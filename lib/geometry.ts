import { ArgumentError, check, ShapeError } from './errors.js';

/**
 * Sizes cross into the kernels as one flat Int32Array per call. The field lists below are the only definition of its
 * order; native/kernels/geometry.h holds the same structs and test/geometry.test.ts compares the two.
 */
// biome-ignore format: one line a meaning
export const CONV2D_FIELDS = [
  'n', 'ic', 'h', 'w',
  'oc', 'kh', 'kw', 'oh', 'ow',
  'strideH', 'strideW', 'dilationH', 'dilationW',
  'padTop', 'padLeft', 'padBottom', 'padRight',
  'groups',
] as const;

// biome-ignore format: one line a meaning
export const POOL2D_FIELDS = [
  'n', 'c', 'h', 'w',
  'kh', 'kw', 'oh', 'ow',
  'strideH', 'strideW', 'dilationH', 'dilationW',
  'padTop', 'padLeft', 'padBottom', 'padRight',
  'countIncludePad',
] as const;

export const ADAPTIVE_POOL2D_FIELDS = ['n', 'c', 'h', 'w', 'oh', 'ow'] as const;
export const PAD2D_FIELDS = ['planes', 'h', 'w', 'padTop', 'padLeft', 'padBottom', 'padRight', 'mode'] as const;
export const GEMM_FIELDS = ['batch', 'm', 'n', 'k', 'transA', 'transB', 'strideA', 'strideB'] as const;
/** A tensor seen as [outer, size, inner]: the middle axis is reduced, normalised or searched. */
export const AXIS_FIELDS = ['outer', 'size', 'inner'] as const;
/** An axis of which k elements are selected. */
export const SELECTION_FIELDS = ['outer', 'size', 'inner', 'k', 'largest'] as const;
/** An axis along which sums run. */
export const RUNNING_FIELDS = ['outer', 'size', 'inner', 'exclusive', 'reverse'] as const;
/** An axis that is resampled to `count` elements, each a sum of `taps` elements. */
export const RESAMPLE_FIELDS = ['outer', 'size', 'inner', 'count', 'taps'] as const;
/** Boxes of n images with scores in each class, of which at most `most` are selected. */
export const SUPPRESSION_FIELDS = ['n', 'classes', 'spatial', 'most', 'centered'] as const;
/** A feature map seen as [n, c, size] with size = h·w. */
export const CHANNEL_FIELDS = ['n', 'c', 'size'] as const;
/**
 * A tensor in the native kernels' own layout: blocks of 16 channels inside a border of `halo` zero pixels. `blocks` is how
 * many blocks lie from one image to the next if it is a range of the channels of a wider tensor, and 0 if it is not.
 */
export const BLOCKED_FIELDS = ['n', 'c', 'h', 'w', 'halo', 'blocks'] as const;
/** How the blocked tensor that is read and the one that is written lie, where another geometry has their sizes. */
export const LAYOUT_OPTION_FIELDS = ['haloIn', 'haloOut', 'blocksIn', 'blocksOut'] as const;
/** How a convolution of blocked tensors is computed; codes are those of lib/kernels/operations.ts. */
// biome-ignore format: one line a meaning
export const CONVOLUTION_OPTION_FIELDS = [
  'pass', 'algorithm',
  'haloIn', 'haloOut', 'blocksIn', 'blocksOut',
  'haloResidual', 'blocksResidual',
  'activation', 'residualAfter',
] as const;
/** What a map does to a blocked tensor; codes are those of lib/kernels/operations.ts. */
// biome-ignore format: one line a meaning
export const MAP_OPTION_FIELDS = [
  'operation', 'otherKind', 'activation',
  'haloOther', 'haloOut', 'blocksOther', 'blocksOut',
] as const;
/**
 * An activation that follows a blocked tensor or is gone back through, and how the other tensor (a residual, or what the
 * derivative is taken of) and the result lie.
 */
export const ACTIVATION_OPTION_FIELDS = ['activation', 'haloOther', 'haloOut', 'blocksOther', 'blocksOut'] as const;
/** The way back through a batch norm of a blocked tensor x: In is dy, Value is y, Out is dx. */
// biome-ignore format: one line a meaning
export const NORM_GRADIENT_OPTION_FIELDS = [
  'activation', 'batchStatistics',
  'haloIn', 'haloValue', 'haloOut', 'haloResidual',
  'blocksIn', 'blocksValue', 'blocksOut', 'blocksResidual',
] as const;

type Geometry<F extends readonly string[]> = Record<F[number], number>;
export type Conv2dGeometry = Geometry<typeof CONV2D_FIELDS>;
export type Pool2dGeometry = Geometry<typeof POOL2D_FIELDS>;
export type AdaptivePool2dGeometry = Geometry<typeof ADAPTIVE_POOL2D_FIELDS>;
export type Pad2dGeometry = Geometry<typeof PAD2D_FIELDS>;
export type GemmGeometry = Geometry<typeof GEMM_FIELDS>;
export type AxisGeometry = Geometry<typeof AXIS_FIELDS>;
export type SelectionGeometry = Geometry<typeof SELECTION_FIELDS>;
export type RunningGeometry = Geometry<typeof RUNNING_FIELDS>;
export type ResampleGeometry = Geometry<typeof RESAMPLE_FIELDS>;
export type SuppressionGeometry = Geometry<typeof SUPPRESSION_FIELDS>;
export type ChannelGeometry = Geometry<typeof CHANNEL_FIELDS>;
export type BlockedGeometry = Geometry<typeof BLOCKED_FIELDS>;
export type LayoutOptions = Geometry<typeof LAYOUT_OPTION_FIELDS>;
export type ConvolutionOptions = Geometry<typeof CONVOLUTION_OPTION_FIELDS>;
export type MapOptions = Geometry<typeof MAP_OPTION_FIELDS>;
export type ActivationOptions = Geometry<typeof ACTIVATION_OPTION_FIELDS>;
export type NormGradientOptions = Geometry<typeof NORM_GRADIENT_OPTION_FIELDS>;

/** Flattens a geometry in the order of its field list. */
export function encode<F extends readonly string[]>(fields: F, geometry: Geometry<F>): Int32Array {
  const flat = new Int32Array(fields.length);
  for (let i = 0; i < fields.length; i++) flat[i] = geometry[fields[i] as F[number]];
  return flat;
}

/** Highest rank a tensor may have; strided kernels carry this many sizes and strides. */
export const MAX_RANK = 8;

/** A number for both axes, or [height, width]. */
export type Pair = number | readonly [number, number];

/**
 * Padding of the two spatial axes: one number for all sides, [height, width], [top, left, bottom, right],
 * `'valid'` (none), or `'same'` (output = ceil(input / stride); an odd total puts the extra row or column at the
 * bottom and right).
 */
export type Padding = number | readonly [number, number] | readonly [number, number, number, number] | 'same' | 'valid';

const LARGEST_INT = 2 ** 31 - 1;

/** Reads an option that is one integer of at least `least` and at most `most`, which kernels can take. */
export function whole(operation: string, option: string, value: number, least: number, most = LARGEST_INT): number {
  const range = most === LARGEST_INT ? `of at least ${least}` : `from ${least} to ${most}`;
  check(
    Number.isInteger(value) && value >= least && value <= most,
    operation,
    () => `${option} must be an integer ${range}, got ${typeof value === 'number' ? value : JSON.stringify(value)}`,
    ArgumentError,
  );
  return value;
}

/** Reads a {@link Pair} option; every value must be an integer of at least `least`. */
export function pair(operation: string, option: string, value: Pair, least: number): [number, number] {
  const both: unknown = typeof value === 'number' ? [value, value] : value;
  const isValid = (v: unknown) => Number.isInteger(v) && (v as number) >= least && (v as number) < 2 ** 31;
  check(
    Array.isArray(both) && both.length === 2 && both.every(isValid),
    operation,
    () => `${option} must be an integer of at least ${least} or a pair of them, got ${JSON.stringify(value)}`,
    ArgumentError,
  );
  return [both[0], both[1]];
}

/**
 * Number of windows along one axis: floor((input + padStart + padEnd − dilation·(kernel − 1) − 1) / stride) + 1, or with
 * `ceilMode` the ceiling, less a last window that would start in the end padding (PyTorch's rule). May be ≤ 0 when no
 * window fits. The only place where an output size is computed.
 */
export function outputSize(
  input: number,
  kernel: number,
  stride: number,
  dilation: number,
  padStart: number,
  padEnd: number,
  ceilMode = false,
): number {
  const room = input + padStart + padEnd - dilation * (kernel - 1) - 1;
  if (room < 0) return 0;
  if (!ceilMode) return Math.floor(room / stride) + 1;
  const windows = Math.ceil(room / stride) + 1;
  return (windows - 1) * stride >= input + padStart ? windows - 1 : windows;
}

/** Spatial options as users give them. */
export interface WindowOptions {
  stride?: Pair;
  padding?: Padding;
  dilation?: Pair;
}

/** Everything about the windows of a convolution or pooling, both axes. */
export interface Window2d {
  oh: number;
  ow: number;
  strideH: number;
  strideW: number;
  dilationH: number;
  dilationW: number;
  padTop: number;
  padLeft: number;
  padBottom: number;
  padRight: number;
}

/** Resolves padding, then the output size; throws a ShapeError when not a single window fits. */
export function window2d(
  operation: string,
  [h, w]: readonly [number, number],
  [kh, kw]: readonly [number, number],
  options: WindowOptions,
  ceilMode = false,
): Window2d {
  const [strideH, strideW] = pair(operation, 'stride', options.stride ?? 1, 1);
  const [dilationH, dilationW] = pair(operation, 'dilation', options.dilation ?? 1, 1);
  const [padTop, padLeft, padBottom, padRight] = resolvePadding(operation, options.padding ?? 0, (axis) =>
    axis === 0 ? samePadding(h, kh, strideH, dilationH) : samePadding(w, kw, strideW, dilationW),
  );
  const oh = outputSize(h, kh, strideH, dilationH, padTop, padBottom, ceilMode);
  const ow = outputSize(w, kw, strideW, dilationW, padLeft, padRight, ceilMode);
  check(oh > 0 && ow > 0, operation, () => {
    const reachH = dilationH * (kh - 1) + 1;
    const reachW = dilationW * (kw - 1) + 1;
    return `a window of ${reachH}×${reachW} does not fit into the padded input of ${h + padTop + padBottom}×${w + padLeft + padRight}`;
  });
  return { oh, ow, strideH, strideW, dilationH, dilationW, padTop, padLeft, padBottom, padRight };
}

/** Rows or columns before and after an axis for as many windows as strides begin in it; an odd one comes after. */
export function samePadding(input: number, kernel: number, stride: number, dilation: number): [number, number] {
  const windows = Math.ceil(input / stride);
  const total = Math.max(0, (windows - 1) * stride + dilation * (kernel - 1) + 1 - input);
  return [Math.floor(total / 2), total - Math.floor(total / 2)];
}

function resolvePadding(
  operation: string,
  padding: Padding,
  same: (axis: 0 | 1) => [number, number],
): [number, number, number, number] {
  if (padding === 'valid') return [0, 0, 0, 0];
  if (padding === 'same') {
    const [top, bottom] = same(0);
    const [left, right] = same(1);
    return [top, left, bottom, right];
  }
  if (Array.isArray(padding) && padding.length === 4) {
    const sides = padding as unknown as [number, number, number, number];
    check(
      sides.every((v) => Number.isInteger(v) && v >= 0 && v < 2 ** 31),
      operation,
      () => `padding must be integers of at least 0, got ${JSON.stringify(padding)}`,
      ArgumentError,
    );
    return sides;
  }
  const valid = typeof padding === 'number' || (Array.isArray(padding) && padding.length === 2);
  check(
    valid,
    operation,
    () =>
      `padding must be a number, [height, width], [top, left, bottom, right], 'same' or 'valid', got ${JSON.stringify(padding)}`,
    ArgumentError,
  );
  const [ph, pw] = pair(operation, 'padding', padding as Pair, 0);
  return [ph, pw, ph, pw];
}

/** Guards kernels that index with 32-bit sizes. */
export function checkIndexable(operation: string, elements: number): void {
  check(
    elements < 2 ** 31,
    operation,
    () => `a tensor of ${elements} elements is larger than the 2147483647 a kernel can index`,
    ShapeError,
  );
}
