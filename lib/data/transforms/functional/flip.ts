import type { Tensor } from '../../../tensor.js';
import { imageOf, planesOf } from './image.js';

/**
 * An image [c, h, w] mirrored left to right (torchvision's `hflip`).
 *
 * @throws ShapeError and DTypeError for a tensor that is no image
 * @example
 * transforms.functional.hflip(tensor([[[1, 2, 3]]])).toArray(); // [[[3, 2, 1]]]
 */
export function hflip(image: Tensor): Tensor<'float32'> {
  const { values, channels, h, w } = planesOf('hflip', image);
  const result = new Float32Array(values.length);
  for (let row = 0; row < channels * h; row++) {
    const first = row * w;
    for (let from = first, to = first + w - 1; to >= first; from++, to--) result[to] = values[from];
  }
  return imageOf(result, channels, h, w);
}

/**
 * An image [c, h, w] mirrored top to bottom (torchvision's `vflip`).
 *
 * @throws ShapeError and DTypeError for a tensor that is no image
 * @example
 * transforms.functional.vflip(tensor([[[1], [2], [3]]])).toArray(); // [[[3], [2], [1]]]
 */
export function vflip(image: Tensor): Tensor<'float32'> {
  const { values, channels, h, w } = planesOf('vflip', image);
  const result = new Float32Array(values.length);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < h; y++) {
      const from = (c * h + y) * w;
      result.set(values.subarray(from, from + w), (c * h + h - 1 - y) * w);
    }
  }
  return imageOf(result, channels, h, w);
}
