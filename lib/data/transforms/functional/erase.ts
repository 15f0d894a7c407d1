import { ArgumentError, check } from '../../../errors.js';
import { formatShape, sameShape } from '../../../shape.js';
import type { Tensor } from '../../../tensor.js';
import { bothOf, channelValues, imageOf, planesOf } from './image.js';

/**
 * An image [c, h, w] with the rectangle from row `top` and column `left` overwritten, by a number, one for each channel, or
 * a tensor [c, height, width] (torchvision's `erase`).
 *
 * @throws ArgumentError for a rectangle that does not lie in the image, or another count of values; ShapeError and
 *   DTypeError for a tensor that is no image
 * @example
 * transforms.functional.erase(tensor([[[1, 2, 3]]]), 0, 1, 1, 2, 9).toArray(); // [[[1, 9, 9]]]
 */
export function erase(
  image: Tensor,
  top: number,
  left: number,
  height: number,
  width: number,
  value: number | readonly number[] | Tensor<'float32'>,
): Tensor<'float32'> {
  const { values, channels, h, w } = planesOf('erase', image);
  bothOf('erase', 'height and width', [height, width]);
  check(
    Number.isInteger(top) && Number.isInteger(left) && top >= 0 && left >= 0 && top + height <= h && left + width <= w,
    'erase',
    () => `${height}×${width} at row ${top} and column ${left} do not lie in ${h}×${w}`,
    ArgumentError,
  );
  const isNumber = typeof value === 'number' || Array.isArray(value);
  const pixels = isNumber ? null : planesOf('erase', value as Tensor<'float32'>).values;
  const fills = isNumber ? channelValues('erase', 'value', value as number | readonly number[], channels) : null;
  check(
    isNumber || sameShape((value as Tensor).shape, [channels, height, width]),
    'erase',
    () => `value must be ${formatShape([channels, height, width])}, got ${formatShape((value as Tensor).shape)}`,
  );
  const result = values.slice();
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const to = (c * h + top + y) * w + left;
      if (fills) result.fill(fills[c], to, to + width);
      else if (pixels) {
        const from = (c * height + y) * width;
        result.set(pixels.subarray(from, from + width), to);
      }
    }
  }
  return imageOf(result, channels, h, w);
}
