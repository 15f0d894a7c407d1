import type { Tensor } from '../../tensor.js';
import { bothOf, type Size } from './functional/image.js';
import { checkInterpolation, type ImageResizeOptions, resize } from './functional/resize.js';
import { PortableTransform, type Transform } from './transform.js';

/**
 * Resizes to [height, width], or the shorter edge to one number; see {@link resize}.
 *
 * @throws ArgumentError for a size below 1 or another interpolation
 * @example
 * new transforms.Resize(4).apply(zeros([3, 8, 12])).shape; // [3, 4, 6]
 */
export class Resize extends PortableTransform implements Transform {
  readonly size: Size;
  readonly options: ImageResizeOptions;

  constructor(size: Size, options: ImageResizeOptions = {}) {
    super(size, options);
    bothOf('Resize', 'size', size);
    checkInterpolation('Resize', options.interpolation ?? 'bilinear');
    this.size = size;
    this.options = options;
  }

  apply(image: Tensor<'float32'>): Tensor<'float32'> {
    return resize(image, this.size, this.options);
  }
}
