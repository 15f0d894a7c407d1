import { checkFloat } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { floats } from '../ops/op.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import type { Rgb } from './colormap.js';

/** A rectangle of pixels. */
export interface Box {
  row: number;
  column: number;
  height: number;
  width: number;
}

/**
 * Draws the frame of a box into a picture [3, h, w], in place: `thickness` pixels of colour that end at the box's own
 * outermost pixels, between two dark lines of one pixel that set it off from any background. What lies outside the
 * picture is left out.
 *
 * @throws ShapeError unless the picture is [3, h, w]; ArgumentError unless the box is of integers, at least 1×1
 * @example
 * drawBox(picture, { row: 120, column: 40, height: 32, width: 32 }, [1, 0.8, 0]);
 */
export function drawBox(picture: Tensor, { row, column, height, width }: Box, color: Rgb, thickness = 2): void {
  checkFloat('drawBox', picture);
  check(
    picture.rank === 3 && picture.shape[0] === 3,
    'drawBox',
    () => `picture must be [3, h, w], got ${formatShape(picture.shape)}`,
  );
  check(
    [row, column, height, width, thickness].every(Number.isInteger) && Math.min(height, width, thickness) >= 1,
    'drawBox',
    () =>
      `row, column, height, width and thickness must be integers, the last three at least 1, got ${[row, column, height, width, thickness].join(', ')}`,
    ArgumentError,
  );
  const [, h, w] = picture.shape;
  const values = floats(picture);
  const frame = (inset: number, paint: Rgb) => {
    const [top, left] = [row + inset, column + inset];
    const [bottom, right] = [row + height - 1 - inset, column + width - 1 - inset];
    for (let y = Math.max(0, top); y <= Math.min(h - 1, bottom); y++) {
      for (let x = Math.max(0, left); x <= Math.min(w - 1, right); x++) {
        if (y !== top && y !== bottom && x !== left && x !== right) continue;
        for (let c = 0; c < 3; c++) values[(c * h + y) * w + x] = paint[c];
      }
    }
  };
  const dark: Rgb = [0.1, 0.1, 0.1];
  frame(-thickness, dark);
  for (let inset = 1 - thickness; inset <= 0; inset++) frame(inset, color);
  frame(1, dark);
  picture.storage.version++;
}
