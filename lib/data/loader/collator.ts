import type { DType } from '../../dtype.js';
import { ArgumentError, check, ShapeError } from '../../errors.js';
import { formatShape, type Shape, sameShape } from '../../shape.js';
import { Tensor } from '../../tensor.js';
import type { Batch, Sample } from '../dataset.js';
import { scaled } from '../transforms/convert.js';

/** Memory for a batch: undefined contents. */
export type Allocate = <D extends DType>(dtype: D, shape: Shape) => Tensor<D>;

/** Puts samples into one tensor of images and one of labels, as they come. */
export class Collator {
  readonly #count: number;
  readonly #allocate: Allocate;
  #images: Tensor<'float32'> | null = null;
  #labels: Tensor | null = null;
  #imageShape: Shape = [];
  #labelShape: Shape = [];

  constructor(count: number, allocate: Allocate) {
    this.#count = count;
    this.#allocate = allocate;
  }

  /** Copies a sample to its place in the batch. */
  put(place: number, { image, label }: Sample): void {
    check(
      image instanceof Tensor && (image.dtype === 'float32' || image.dtype === 'uint8'),
      'DataLoader',
      () => `the image of a sample must be a tensor of float32 or uint8, got ${describe(image)}`,
      ArgumentError,
    );
    if (!this.#images) {
      this.#imageShape = image.shape;
      this.#images = this.#allocate('float32', [this.#count, ...image.shape]);
    }
    check(
      sameShape(image.shape, this.#imageShape),
      'DataLoader',
      () =>
        `images of a batch must have one shape, got ${formatShape(image.shape)} beside ${formatShape(this.#imageShape)}; ` +
        'transforms.Resize, CenterCrop and RandomResizedCrop make them alike',
      ShapeError,
    );
    const to = this.#images.storage.values;
    const from = image.storage.values;
    const start = place * image.size;
    if (image.dtype === 'float32') to.set(from, start);
    else scaled(from as Uint8Array, to.subarray(start, start + image.size));
    this.#putLabel(place, label);
  }

  #putLabel(place: number, label: number | Tensor): void {
    const isClass = typeof label === 'number';
    check(
      isClass ? Number.isInteger(label) && Math.abs(label) < 2 ** 31 : label instanceof Tensor,
      'DataLoader',
      () =>
        isClass
          ? `a label that is a number is a class, an integer, got ${label}; other targets are tensors`
          : `the label of a sample must be an integer or a tensor, got ${describe(label)}`,
      ArgumentError,
    );
    const dtype = isClass ? 'int32' : label.dtype;
    const shape = isClass ? [] : label.shape;
    if (!this.#labels) {
      this.#labelShape = shape;
      this.#labels = this.#allocate(dtype, [this.#count, ...shape]);
    }
    const labels = this.#labels;
    check(
      dtype === labels.dtype && sameShape(shape, this.#labelShape),
      'DataLoader',
      () =>
        `labels of a batch must be alike, got ${dtype} ${formatShape(shape)} beside ${labels.dtype} ${formatShape(this.#labelShape)}`,
      ShapeError,
    );
    if (isClass) labels.storage.values[place] = label;
    else (labels.storage.values as Uint8Array).set(label.storage.read() as Uint8Array, place * label.size);
  }

  /** The batch, when every place has its sample; null for a batch of none. */
  get batch(): Batch | null {
    return this.#images && this.#labels && [this.#images, this.#labels];
  }
}

function describe(value: unknown): string {
  if (value instanceof Tensor) return value.dtype;
  if (value === null || typeof value !== 'object') return String(value);
  return `an object of ${value.constructor?.name ?? 'no class'}`;
}
