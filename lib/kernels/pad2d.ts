import { PAD_MODES, type PadMode } from './operations.js';
import { scratch } from './scratch.js';
import type { Floats } from './types.js';

/**
 * The input position that each position of a padded axis shows, −1 for the constant. Reflection does not repeat the
 * edge and needs a padding below the size, circular padding one of at most the size (the op layer sees to it).
 */
function sourcePositions(mode: PadMode, size: number, before: number, after: number): Int32Array {
  const positions = new Int32Array(Math.max(0, size + before + after));
  for (let i = 0; i < positions.length; i++) {
    const p = i - before;
    if (p >= 0 && p < size) positions[i] = p;
    else if (mode === 'constant') positions[i] = -1;
    else if (mode === 'reflect') positions[i] = p < 0 ? -p : 2 * (size - 1) - p;
    else if (mode === 'replicate') positions[i] = p < 0 ? 0 : size - 1;
    else positions[i] = p < 0 ? p + size : p - size;
  }
  return positions;
}

/** x [planes, h, w] → y [planes, h + padTop + padBottom, w + padLeft + padRight]; `value` fills in constant mode. */
export function pad2dForward(x: Floats, y: Floats, g: Int32Array, value: number): void {
  const [planes, h, w, padTop, padLeft, padBottom, padRight, mode] = g;
  const rows = sourcePositions(PAD_MODES[mode], h, padTop, padBottom);
  const columns = sourcePositions(PAD_MODES[mode], w, padLeft, padRight);
  let iy = 0;
  for (let plane = 0; plane < planes; plane++) {
    for (const row of rows) {
      const base = (plane * h + row) * w;
      for (let i = 0; i < columns.length; i++) {
        y[iy++] = row < 0 || columns[i] < 0 ? value : x[base + columns[i]];
      }
    }
  }
}

/** The adjoint: every element of dy [planes, h + padTop + padBottom, …] is added to the element of dx it was copied from. */
export function pad2dBackward(dy: Floats, dx: Floats, g: Int32Array): void {
  const [planes, h, w, padTop, padLeft, padBottom, padRight, mode] = g;
  const rows = sourcePositions(PAD_MODES[mode], h, padTop, padBottom);
  const columns = sourcePositions(PAD_MODES[mode], w, padLeft, padRight);
  const image = scratch('image', h * w);
  let iy = 0;
  for (let plane = 0; plane < planes; plane++) {
    image.fill(0);
    for (const row of rows) {
      for (let i = 0; i < columns.length; i++, iy++) {
        if (row >= 0 && columns[i] >= 0) image[row * w + columns[i]] += dy[iy];
      }
    }
    dx.set(image, plane * h * w);
  }
}
