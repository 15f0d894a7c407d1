import { kernelsFor } from '../backend/backend.js';
import { checkFloat, type DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { encode, PAD2D_FIELDS, type Pad2dGeometry } from '../geometry.js';
import { PAD_MODES, type PadMode } from '../kernels/operations.js';
import { formatShape, type Shape, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { applyOne, empty, floats, type Op } from './op.js';

/** Rows and columns to add: one number for all sides, [height, width], or [top, left, bottom, right]. */
export type PadWidths = number | readonly [number, number] | readonly [number, number, number, number];

/** Options of {@link pad}. */
export interface PadOptions {
  /** What the new pixels are: 'constant' (default), 'reflect', 'replicate' or 'circular'. */
  mode?: PadMode;
  /** Their value in constant mode. Default 0. */
  value?: number;
}

interface PadAttributes {
  geometry: Pad2dGeometry;
  value: number;
}

const op: Op<PadAttributes> = {
  name: 'pad',
  forward([input], { geometry, value }) {
    const x = input as Tensor;
    const y = empty(x.dtype, outputShape(x.shape, geometry));
    kernelsFor(x.dtype).pad2dForward(floats(x), floats(y), encode(PAD2D_FIELDS, geometry), value);
    return y;
  },
  gradient: ({ attributes, inputShapes }, dy) => [applyOne(adjoint, [dy], { ...attributes, shape: inputShapes[0] })],
  saves: { inputs: [] },
};

/** Sends each padded pixel back to the pixel it was a copy of. */
const adjoint: Op<PadAttributes & { shape: Shape }> = {
  name: 'padBackward',
  forward([input], { geometry, shape }) {
    const dy = input as Tensor;
    const dx = empty(dy.dtype, shape);
    kernelsFor(dy.dtype).pad2dBackward(floats(dy), floats(dx), encode(PAD2D_FIELDS, geometry));
    return dx;
  },
  // Linear, so the padding constant plays no part.
  gradient: ({ attributes: { geometry } }, ddx) => [applyOne(op, [ddx], { geometry, value: 0 })],
  saves: { inputs: [] },
};

/**
 * Pads the last two axes: x [..., h, w] → y [..., h + top + bottom, w + left + right].
 *
 * Modes as in PyTorch: constant; reflect (mirrored, the edge not repeated; narrower than the axis); replicate (the edge
 * repeated); circular (wrapped around; at most as wide as the axis).
 *
 * @throws ShapeError when x has fewer than two axes or the mode cannot reach that far; ArgumentError for widths below 0
 * @example
 * pad(tensor([[1, 2, 3]]), [0, 2], { mode: 'reflect' }).toArray(); // [[3, 2, 1, 2, 3, 2, 1]]
 */
export function pad<D extends DType>(x: Tensor<D>, widths: PadWidths, options: PadOptions = {}): Tensor<D> {
  const { mode = 'constant', value = 0 } = options;
  checkFloat('pad', x);
  check(x.rank >= 2, 'pad', () => `x needs at least two axes, got ${formatShape(x.shape)}`);
  check(
    PAD_MODES.includes(mode),
    'pad',
    () => `mode must be one of ${PAD_MODES.join(', ')}, got ${JSON.stringify(mode)}`,
    ArgumentError,
  );
  const [padTop, padLeft, padBottom, padRight] = padSides('pad', widths);
  const [h, w] = x.shape.slice(-2);
  checkReach(mode, h, Math.max(padTop, padBottom), 'height');
  checkReach(mode, w, Math.max(padLeft, padRight), 'width');
  const planes = sizeOf(x.shape.slice(0, -2));
  const geometry = { planes, h, w, padTop, padLeft, padBottom, padRight, mode: PAD_MODES.indexOf(mode) };
  return applyOne(op, [x], { geometry, value }) as Tensor<D>;
}

function outputShape(shape: Shape, { h, w, padTop, padLeft, padBottom, padRight }: Pad2dGeometry): Shape {
  return [...shape.slice(0, -2), h + padTop + padBottom, w + padLeft + padRight];
}

/** Widths as [top, left, bottom, right]. */
export function padSides(operation: string, widths: PadWidths): readonly [number, number, number, number] {
  const list = typeof widths === 'number' ? [widths, widths, widths, widths] : widths;
  check(
    Array.isArray(list) && (list.length === 2 || list.length === 4) && list.every((v) => Number.isInteger(v) && v >= 0),
    operation,
    () =>
      `widths must be a number, [height, width] or [top, left, bottom, right], integers of at least 0, got ${JSON.stringify(widths)}`,
    ArgumentError,
  );
  return (list.length === 2 ? [list[0], list[1], list[0], list[1]] : list) as [number, number, number, number];
}

function checkReach(mode: PadMode, extent: number, width: number, side: string): void {
  const limit =
    mode === 'reflect'
      ? extent - 1
      : mode === 'circular'
        ? extent
        : extent > 0
          ? Infinity
          : mode === 'constant'
            ? Infinity
            : 0;
  check(width <= limit, 'pad', () => `mode '${mode}' can add at most ${limit} to a ${side} of ${extent}, got ${width}`);
}
