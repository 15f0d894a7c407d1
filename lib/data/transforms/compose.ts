import { ArgumentError, check } from '../../errors.js';
import type { Generator } from '../../random.js';
import type { Tensor } from '../../tensor.js';
import type { Batch } from '../dataset.js';
import {
  type BatchTransform,
  type BatchTransformLike,
  batchFunctionOf,
  checkProbability,
  functionOf,
  isPromise,
  PortableTransform,
  type Transform,
  type TransformLike,
} from './transform.js';

type Image = Tensor<'float32'>;

/** Runs an image through transforms, at once if none of them is asynchronous. */
function chain(
  steps: readonly Transform['apply'][],
  image: Image,
  generator: Generator,
  from = 0,
): Image | Promise<Image> {
  let current = image;
  for (let i = from; i < steps.length; i++) {
    const next = steps[i](current, generator);
    if (isPromise(next)) return Promise.resolve(next).then((made) => chain(steps, made, generator, i + 1));
    current = next;
  }
  return current;
}

/**
 * Applies transforms one after the other.
 *
 * @throws ArgumentError for what is no transform
 * @example
 * const augment = new transforms.Compose([new transforms.RandomHorizontalFlip(1), new transforms.Normalize([0.5], [0.5])]);
 * augment.apply(tensor([[[0, 1]]]), new Generator(1)).toArray(); // [[[1, -1]]]
 */
export class Compose extends PortableTransform implements Transform {
  readonly #steps: readonly Transform['apply'][];

  constructor(transforms: readonly TransformLike[]) {
    super(transforms);
    this.#steps = transforms.map((transform) => functionOf('Compose', transform));
  }

  apply(image: Image, generator: Generator): Image | Promise<Image> {
    return chain(this.#steps, image, generator);
  }
}

/**
 * Applies all of the transforms with probability p (default 0.5), or none.
 *
 * @throws ArgumentError for p outside [0, 1] and for what is no transform
 * @example
 * const gray = new transforms.RandomApply([new transforms.Grayscale()], { p: 0 });
 * gray.apply(zeros([3, 1, 1]), new Generator(1)).shape; // [3, 1, 1]
 */
export class RandomApply extends PortableTransform implements Transform {
  readonly #steps: readonly Transform['apply'][];
  readonly p: number;

  constructor(transforms: readonly TransformLike[], options: { p?: number } = {}) {
    super(transforms, options);
    this.p = options.p ?? 0.5;
    checkProbability('RandomApply', this.p);
    this.#steps = transforms.map((transform) => functionOf('RandomApply', transform));
  }

  apply(image: Image, generator: Generator): Image | Promise<Image> {
    return generator.uniform() < this.p ? chain(this.#steps, image, generator) : image;
  }
}

/**
 * Applies one of the transforms, drawn with equal chances or by `weights`; the transforms are all of images, or all of
 * batches.
 *
 * @throws ArgumentError for an empty list, weights that are no probabilities, and what is no transform
 * @example
 * const mix = new transforms.RandomChoice([new transforms.MixUp({ numClasses: 3 }), new transforms.CutMix({ numClasses: 3 })]);
 * mix.applyBatch([zeros([2, 1, 4, 4]), tensor([0, 2], { dtype: 'int32' })], new Generator(1))[1].shape; // [2, 3]
 */
export class RandomChoice extends PortableTransform implements Transform, BatchTransform {
  readonly #transforms: readonly (TransformLike | BatchTransformLike)[];
  readonly #bounds: readonly number[];

  constructor(
    transforms: readonly (TransformLike | BatchTransformLike)[],
    options: { weights?: readonly number[] } = {},
  ) {
    super(transforms, options);
    const weights = options.weights ?? transforms.map(() => 1);
    let total = 0;
    const sums = weights.map((weight) => {
      total += weight;
      return total;
    });
    check(
      transforms.length > 0 && weights.length === transforms.length && weights.every((w) => w >= 0) && total > 0,
      'RandomChoice',
      () => `needs transforms and a weight of at least 0 for each, got ${transforms.length} and ${weights.length}`,
      ArgumentError,
    );
    check(Number.isFinite(total), 'RandomChoice', () => 'the weights must be finite', ArgumentError);
    for (const transform of transforms) {
      const isOfBatches = typeof (transform as Partial<BatchTransform>)?.applyBatch === 'function';
      if (!isOfBatches) functionOf('RandomChoice', transform as TransformLike);
    }
    this.#transforms = transforms;
    this.#bounds = sums.map((sum) => sum / total);
  }

  #choose(generator: Generator): TransformLike | BatchTransformLike {
    const place = generator.uniform();
    return this.#transforms[this.#bounds.findIndex((bound) => place < bound)];
  }

  apply(image: Image, generator: Generator): Image | Promise<Image> {
    return functionOf('RandomChoice', this.#choose(generator) as TransformLike)(image, generator);
  }

  applyBatch(batch: Batch, generator: Generator): ReturnType<BatchTransform['applyBatch']> {
    return batchFunctionOf('RandomChoice', this.#choose(generator) as BatchTransformLike)(batch, generator);
  }
}
