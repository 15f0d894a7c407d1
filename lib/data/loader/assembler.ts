import { setImmediate } from 'node:timers/promises';
import { check, DataError } from '../../errors.js';
import { Tensor } from '../../tensor.js';
import type { Batch, Dataset, Sample } from '../dataset.js';
import type { NumberedSample } from '../iterabledataset.js';
import {
  type BatchTransform,
  type BatchTransformLike,
  batchFunctionOf,
  functionOf,
  isPromise,
  type Transform,
  type TransformLike,
} from '../transforms/transform.js';
import { type Allocate, Collator } from './collator.js';
import { batchGenerator, sampleGenerator } from './seeds.js';

/** Which batch is wanted: everything random about it follows from this. */
export interface BatchTask {
  readonly seed: number;
  readonly epoch: number;
  /** Number of the batch in its epoch. */
  readonly batch: number;
  /** Place of its first sample in the epoch. */
  readonly start: number;
  /** Positions of its samples in the dataset. */
  readonly indices: Int32Array;
}

/** Samples of a batch that are loaded at the same time: enough to keep the decoders of a few cores busy. */
export const LANES = 8;
/** Milliseconds that assembling may keep the event loop from other work. */
const PATIENCE = 4;

/** How an assembler runs. */
export interface AssemblerOptions {
  transform?: TransformLike;
  batchTransform?: BatchTransformLike;
  allocate: Allocate;
  /** Let the event loop run from time to time: on the main thread. */
  isPolite: boolean;
  /** Where to note the samples being loaded, {@link LANES} positions or −1, for whoever finds the thread dead. */
  current?: Int32Array;
}

/** Loads samples, transforms them and makes batches of them; it runs on the main thread or on a worker. */
export class Assembler {
  readonly #transform: Transform['apply'] | null;
  readonly #batchTransform: BatchTransform['applyBatch'] | null;
  readonly #options: AssemblerOptions;
  #pausedAt = performance.now();
  #pausing: Promise<void> | null = null;

  constructor(options: AssemblerOptions) {
    const { transform, batchTransform } = options;
    this.#transform = transform ? functionOf('DataLoader', transform) : null;
    this.#batchTransform = batchTransform ? batchFunctionOf('DataLoader', batchTransform) : null;
    this.#options = options;
  }

  /** A batch of samples of a dataset. */
  async fromDataset(dataset: Dataset, task: BatchTask): Promise<Batch> {
    const { seed, epoch, start, indices } = task;
    const { current } = this.#options;
    const collator = new Collator(indices.length, this.#options.allocate);
    let next = 0;
    let hasFailed = false;
    // Several lanes take samples in turn, so that one is decoded while others are read; without promises the first takes all.
    const lane = async (which: number) => {
      while (next < indices.length && !hasFailed) {
        if (this.#isDue()) {
          await this.#pause();
          continue;
        }
        const place = next++;
        const index = indices[place];
        if (current) current[which] = index;
        try {
          const generator = sampleGenerator(seed, epoch, index, start + place);
          const got = dataset.get(index, generator);
          const sample = isPromise(got) ? await got : got;
          const made = this.#transformed(sample, generator);
          collator.put(place, isPromise(made) ? await made : made);
        } catch (error) {
          hasFailed = true;
          throw sampleError(index, dataset.source?.(index), error);
        } finally {
          if (current) current[which] = -1;
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(LANES, indices.length) }, (_, which) => lane(which)));
    return this.#finished(collator, task);
  }

  /** A batch of samples that a stream has given. */
  async fromSamples(samples: readonly NumberedSample[], task: Omit<BatchTask, 'indices'>): Promise<Batch> {
    const { seed, epoch, start } = task;
    const collator = new Collator(samples.length, this.#options.allocate);
    for (const [place, [number, sample]] of samples.entries()) {
      try {
        const made = this.#transformed(sample, sampleGenerator(seed, epoch, number, start + place));
        collator.put(place, isPromise(made) ? await made : made);
      } catch (error) {
        throw sampleError(number, undefined, error);
      }
      if (this.#isDue()) await this.#pause();
    }
    return this.#finished(collator, task);
  }

  #transformed(sample: Sample, generator: Parameters<Transform['apply']>[1]): Sample | Promise<Sample> {
    check(
      typeof sample === 'object' && sample !== null,
      'DataLoader',
      () => `a sample must be an object { image, label }, got ${sample}`,
      DataError,
    );
    if (!this.#transform) return sample;
    const image = this.#transform(sample.image as Tensor<'float32'>, generator);
    const withImage = (made: Tensor<'float32'>): Sample => ({ image: made, label: sample.label });
    return isPromise(image) ? Promise.resolve(image).then(withImage) : withImage(image);
  }

  async #finished(collator: Collator, { seed, epoch, batch }: Omit<BatchTask, 'indices'>): Promise<Batch> {
    const collated = collator.batch;
    check(collated !== null, 'DataLoader', () => `batch ${batch} has no samples`, DataError);
    if (!this.#batchTransform) return collated;
    let result: Batch;
    try {
      result = await this.#batchTransform(collated, batchGenerator(seed, epoch, batch));
    } catch (error) {
      throw new DataError(`DataLoader: batch ${batch}: ${messageOf(error)}`, { cause: error });
    }
    check(
      Array.isArray(result) && result.length === 2 && result.every((each) => each instanceof Tensor),
      'DataLoader',
      () => 'a batch transform must return [x, y], two tensors',
      DataError,
    );
    return result;
  }

  #isDue(): boolean {
    return this.#options.isPolite && performance.now() - this.#pausedAt > PATIENCE;
  }

  /** One pause for all lanes. */
  #pause(): Promise<void> {
    this.#pausing ??= setImmediate().then(() => {
      this.#pausedAt = performance.now();
      this.#pausing = null;
    });
    return this.#pausing;
  }
}

/** What went wrong with a sample, and where it comes from. */
function sampleError(index: number, source: string | undefined, cause: unknown): DataError {
  const where = source === undefined ? '' : ` (${source})`;
  return new DataError(`DataLoader: sample ${index}${where}: ${messageOf(cause)}`, { cause });
}

const messageOf = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).replace(/^DataLoader: /, '');
