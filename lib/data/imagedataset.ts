import { check } from '../errors.js';
import { formatShape, sizeOf } from '../shape.js';
import { Tensor } from '../tensor.js';
import { checkPosition, type Dataset, type Sample } from './dataset.js';
import type { Portable, Recipe } from './loader/recipe.js';
import { scaled } from './transforms/convert.js';

/**
 * Images of one size held in memory as bytes, a quarter of what numbers take: images [count, c, h, w] of uint8, labels
 * [count]. Samples and batches have them as numbers in 0 … 1.
 *
 * @throws ShapeError unless both have the same number of samples
 * @example
 * const images = new Tensor('uint8', new Uint8Array(2 * 3 * 4 * 4).fill(255), [2, 3, 4, 4]);
 * const dataset = new ImageDataset(images, tensor([1, 0], { dtype: 'int32' }), ['cat', 'dog']);
 * dataset.get(0).image.shape; // [3, 4, 4]
 */
export class ImageDataset implements Dataset, Portable {
  readonly images: Tensor<'uint8'>;
  readonly labels: Tensor<'int32'>;
  /** Names of the classes, in the order of the labels; empty where they are not known. */
  readonly classes: readonly string[];

  constructor(images: Tensor<'uint8'>, labels: Tensor<'int32'>, classes: readonly string[] = []) {
    check(
      images.rank === 4 && labels.rank === 1 && labels.size === images.shape[0],
      'ImageDataset',
      () =>
        `images [count, c, h, w] and labels [count] must agree, got ${formatShape(images.shape)} and ${formatShape(labels.shape)}`,
    );
    this.images = images;
    this.labels = labels;
    this.classes = classes;
  }

  /** Number of samples. */
  get length(): number {
    return this.labels.size;
  }

  /** The sample at a position. Throws an ArgumentError for a position outside [0, length). */
  get(index: number): Sample & { image: Tensor<'float32'>; label: number } {
    checkPosition('ImageDataset.get', index, this.length);
    const shape = this.images.shape.slice(1);
    const size = sizeOf(shape);
    const bytes = this.images.storage.values.subarray(index * size, (index + 1) * size);
    return { image: new Tensor('float32', scaled(bytes), shape), label: this.labels.storage.values[index] };
  }

  recipe(): Recipe {
    return { module: import.meta.url, name: 'ImageDataset', arguments: [this.images, this.labels, this.classes] };
  }
}
