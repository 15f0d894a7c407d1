import { check, DTypeError } from '../../errors.js';
import { formatShape } from '../../shape.js';
import { Tensor } from '../../tensor.js';
import { imageOf } from './functional/image.js';
import { PortableTransform, type Transform } from './transform.js';

/**
 * Bytes [h, w, c] or [h, w], as decoders deliver them, to numbers [c, h, w] in 0 … 1.
 *
 * @throws DTypeError unless the image is uint8; ShapeError unless it has two or three axes
 * @example
 * const pixels = new Tensor('uint8', new Uint8Array([255, 0, 51, 255, 0, 51]), [1, 2, 3]);
 * new transforms.ToTensor().apply(pixels).shape; // [3, 1, 2]
 */
export class ToTensor extends PortableTransform implements Transform {
  apply(image: Tensor): Tensor<'float32'> {
    const bytes = bytesOf('ToTensor', image);
    check(
      image.rank === 2 || image.rank === 3,
      'ToTensor',
      () => `an image must be [h, w, c] or [h, w], got ${formatShape(image.shape)}`,
    );
    const [h, w, channels = 1] = image.shape;
    const plane = h * w;
    const result = new Float32Array(bytes.length);
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < plane; i++) result[c * plane + i] = bytes[i * channels + c] / 255;
    }
    return imageOf(result, channels, h, w);
  }
}

/**
 * Bytes of any shape, such as [c, h, w], to numbers in 0 … 1; float32 stays as it is.
 *
 * @throws DTypeError for another dtype
 * @example
 * new transforms.ConvertImageDtype().apply(new Tensor('uint8', new Uint8Array([0, 255]), [1, 1, 2])).toArray(); // [[[0, 1]]]
 */
export class ConvertImageDtype extends PortableTransform implements Transform {
  apply(image: Tensor): Tensor<'float32'> {
    if (image.dtype === 'float32') return image as Tensor<'float32'>;
    return new Tensor('float32', scaled(bytesOf('ConvertImageDtype', image)), image.shape);
  }
}

function bytesOf(operation: string, image: Tensor): Uint8Array {
  check(image.dtype === 'uint8', operation, () => `an image must be uint8, got ${image.dtype}`, DTypeError);
  return image.storage.values as Uint8Array;
}

/** Bytes as numbers in 0 … 1, in memory of their own or in the given one. */
export function scaled(bytes: Uint8Array, result: Float32Array = new Float32Array(bytes.length)): Float32Array {
  for (let i = 0; i < bytes.length; i++) result[i] = bytes[i] / 255;
  return result;
}
