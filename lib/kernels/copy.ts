import { MAX_RANK } from '../geometry.js';
import { forEachRow, stridedWalk } from './strides.js';
import type { Elements } from './types.js';

/**
 * y[offsetY + Σ i_d·strideY_d] = x[offsetX + Σ i_d·strideX_d] for every i in the shape; other elements of y are left
 * alone. Strides may be negative, those of x also 0. x and y hold the same kind of elements, whichever that is.
 */
export function stridedCopy(x: Elements, y: Elements, g: Int32Array): void {
  const walk = stridedWalk(g, 2);
  const [offsetX, offsetY] = g.subarray(3 * MAX_RANK);
  const last = walk.shape.length - 1;
  const length = walk.shape[last];
  const [stepX, stepY] = walk.strides.map((row) => row[last]);
  // Bytes, as a loop over typed arrays of many kinds is compiled to one that looks the kind up at every access.
  const from = new DataView(x.buffer, x.byteOffset, x.byteLength);
  const to = new DataView(y.buffer, y.byteOffset, y.byteLength);
  const width = x.BYTES_PER_ELEMENT;
  forEachRow(walk, ([startX, startY]) => {
    copyRow(
      from,
      (offsetX + startX) * width,
      stepX * width,
      to,
      (offsetY + startY) * width,
      stepY * width,
      length,
      width,
    );
  });
}

/** Copies `length` elements of `width` bytes; positions and steps are in bytes. */
function copyRow(
  from: DataView,
  ix: number,
  stepX: number,
  to: DataView,
  iy: number,
  stepY: number,
  length: number,
  width: number,
): void {
  switch (width) {
    case 1:
      for (let i = 0; i < length; i++, ix += stepX, iy += stepY) to.setInt8(iy, from.getInt8(ix));
      break;
    case 2:
      for (let i = 0; i < length; i++, ix += stepX, iy += stepY) to.setInt16(iy, from.getInt16(ix));
      break;
    case 4:
      for (let i = 0; i < length; i++, ix += stepX, iy += stepY) to.setInt32(iy, from.getInt32(ix));
      break;
    case 8:
      // Two halves: as float64 a NaN might lose its bits, as BigInt every element would be an object.
      for (let i = 0; i < length; i++, ix += stepX, iy += stepY) {
        to.setInt32(iy, from.getInt32(ix));
        to.setInt32(iy + 4, from.getInt32(ix + 4));
      }
      break;
  }
}
