import { ArgumentError, check } from '../../../errors.js';
import type { Tensor } from '../../../tensor.js';
import { channelValues, imageOf, planesOf } from './image.js';

/**
 * (image − mean) / std by channel; mean and std one number for all channels or one for each (torchvision's `normalize`).
 *
 * @throws ArgumentError for a std of 0 or other counts than the image has channels; ShapeError and DTypeError for a tensor
 *   that is no image
 * @example
 * transforms.functional.normalize(tensor([[[0, 0.5, 1]]]), [0.5], [0.5]).toArray(); // [[[-1, 0, 1]]]
 */
export function normalize(
  image: Tensor,
  mean: number | readonly number[],
  std: number | readonly number[],
): Tensor<'float32'> {
  const { values, channels, h, w } = planesOf('normalize', image);
  const means = channelValues('normalize', 'mean', mean, channels);
  const deviations = channelValues('normalize', 'std', std, channels);
  check(
    deviations.every((deviation) => Math.fround(deviation) !== 0),
    'normalize',
    () => `std must not be 0, got ${JSON.stringify(std)}`,
    ArgumentError,
  );
  const result = new Float32Array(values.length);
  for (let c = 0; c < channels; c++) {
    const middle = means[c];
    const scale = 1 / deviations[c];
    const end = (c + 1) * h * w;
    for (let i = c * h * w; i < end; i++) result[i] = (values[i] - middle) * scale;
  }
  return imageOf(result, channels, h, w);
}
