import { ArgumentError, check } from '../../errors.js';
import { whole } from '../../geometry.js';
import { empty } from '../../ops/op.js';
import * as random from '../../random.js';
import { ArrayDataset } from '../arraydataset.js';
import type { Batch, Dataset, Sample } from '../dataset.js';
import { IterableDataset } from '../iterabledataset.js';
import { RandomSampler, type Sampler, SequentialSampler } from '../samplers.js';
import type { BatchTransformLike, TransformLike } from '../transforms/transform.js';
import { Assembler } from './assembler.js';
import { BatchIterator } from './batchiterator.js';
import { type BatchFeed, type BatchPlan, DatasetFeed, MainThread, StreamFeed } from './feed.js';
import type { WorkerProgram } from './messages.js';
import { encode } from './recipe.js';
import { orderGenerator } from './seeds.js';
import { WorkerPool } from './workerpool.js';

/** Options of {@link DataLoader}. */
export interface DataLoaderOptions {
  /** Samples in a batch, at least 1. Default 1. */
  batchSize?: number;
  /** Visit samples in random order, another one in every epoch. Default false. */
  shuffle?: boolean;
  /** What order, augmentation and mixing follow from; integer in [0, 2^32). Default: drawn from the generator of manualSeed. */
  seed?: number;
  /** Leave out a last batch that is not full. Default false. */
  dropLast?: boolean;
  /** The order of samples; not together with `shuffle`. */
  sampler?: Sampler;
  /** Applied to the image of every sample. */
  transform?: TransformLike;
  /** Applied to every batch, such as MixUp. */
  batchTransform?: BatchTransformLike;
  /** Threads that load and transform, 0 … 256; 0 (default): the main thread. */
  workers?: number;
  /** Batches made in advance. Default 1, with workers 2 for each. */
  prefetch?: number;
}

/** Where a DataLoader is: what {@link DataLoader.stateDict} gives, as JSON can keep it. */
export interface LoaderState {
  seed: number;
  epoch: number;
  /** Batches of the epoch that the consumer has received. */
  batch: number;
  batchSize: number;
  /** Samples in an epoch; null where that is not known. */
  samples: number | null;
}

/** Ends the threads of loaders that the program has let go of. */
const abandoned = new FinalizationRegistry<WorkerPool>((pool) => void pool.close());

/**
 * Batches of a dataset for training: [x [n, …], y [n, …]] in an order that follows from seed and epoch, with random changes
 * that follow from seed, epoch and sample. They do not depend on the number of workers, and `stateDict` in the middle of an
 * epoch is enough to go on with exactly the batches that were to come.
 *
 * A loop runs through one epoch. A loop that is left early begins that epoch anew the next time, but for what
 * `loadStateDict` says.
 *
 * Worker threads make dataset and transforms again from their `recipe()`; those of this package have one. Their threads end
 * by themselves when the process has nothing else to do.
 *
 * @throws ArgumentError for options out of range, and for what cannot be sent to worker threads; DataError, from the loop,
 *   for a sample that cannot be loaded, naming it, and for a worker that ended
 * @example
 * const dataset = new TensorDataset(zeros([10, 1, 8, 8]), zeros([10], { dtype: 'int32' }));
 * const loader = new DataLoader(dataset, { batchSize: 4, shuffle: true, seed: 1 });
 * const sizes = [];
 * for await (const [x, y] of loader) sizes.push(y.size);
 * sizes; // [4, 4, 2]
 */
export class DataLoader implements AsyncIterable<Batch> {
  /** Batches in an epoch; Infinity for an iterable of unknown length. */
  readonly length: number;
  /** Samples in an epoch; Infinity for an iterable of unknown length. */
  readonly samples: number;
  readonly batchSize: number;
  readonly workers: number;
  readonly prefetch: number;
  readonly #dropLast: boolean;
  readonly #shuffle: boolean;
  readonly #dataset: Dataset | IterableDataset;
  readonly #sampler: Sampler;
  readonly #assembler: Assembler;
  readonly #mainThread: MainThread | null;
  readonly #program: WorkerProgram | null;
  #pool: WorkerPool | null = null;
  #seed: number;
  #epoch = 0;
  #batch = 0;
  /** Whether the next loop starts where #batch says. */
  #isResumed = false;
  /** The iterator whose progress counts. */
  #newest: object | null = null;

  constructor(dataset: Dataset | IterableDataset | readonly Sample[], options: DataLoaderOptions = {}) {
    const {
      batchSize = 1,
      shuffle = false,
      dropLast = false,
      sampler,
      transform,
      batchTransform,
      workers = 0,
    } = options;
    const { prefetch = workers > 0 ? 2 * workers : 1, seed } = options;
    whole('DataLoader', 'batchSize', batchSize, 1);
    whole('DataLoader', 'workers', workers, 0, 256);
    whole('DataLoader', 'prefetch', prefetch, 0);
    if (seed !== undefined) whole('DataLoader', 'seed', seed, 0, 2 ** 32 - 1);
    check(
      !(sampler && shuffle),
      'DataLoader',
      () => 'shuffle and sampler both give the order; leave one of them out',
      ArgumentError,
    );
    this.#dataset = datasetOf(dataset);
    const isStream = this.#dataset instanceof IterableDataset;
    check(
      !isStream || (!sampler && workers === 0),
      'DataLoader',
      () =>
        'an iterable gives its samples in order on the main thread; a sampler and workers need a dataset with get(index)',
      ArgumentError,
    );
    const available = this.#dataset.length;
    this.#sampler =
      sampler ??
      (shuffle && !isStream ? new RandomSampler(available) : new SequentialSampler(isStream ? 0 : available));
    const total = isStream ? available : this.#sampler.length;
    this.length = dropLast ? Math.floor(total / batchSize) : Math.ceil(total / batchSize);
    this.samples = dropLast && Number.isFinite(total) ? this.length * batchSize : total;
    this.batchSize = batchSize;
    this.workers = workers;
    this.prefetch = prefetch;
    this.#dropLast = dropLast;
    this.#shuffle = shuffle;
    this.#assembler = new Assembler({ transform, batchTransform, allocate: empty, isPolite: true });
    this.#mainThread = isStream ? null : new MainThread(this.#dataset as Dataset, this.#assembler);
    this.#program =
      workers === 0
        ? null
        : {
            dataset: encode('dataset', this.#dataset),
            transform: encode('transform', transform),
            batchTransform: encode('batchTransform', batchTransform),
          };
    this.#seed = seed ?? random.defaultGenerator.bits();
  }

  /** Number of the epoch that the next loop runs through, from 0; it grows by one at the end of each. */
  get epoch(): number {
    return this.#epoch;
  }

  set epoch(epoch: number) {
    whole('DataLoader', 'epoch', epoch, 0, 2 ** 31);
    this.#moveTo(epoch, 0, false);
  }

  #moveTo(epoch: number, batch: number, isResumed: boolean): void {
    this.#epoch = epoch;
    this.#batch = batch;
    this.#isResumed = isResumed;
    this.#newest = null;
  }

  /** The batches of an epoch. Of several loops at once the last one begun counts for {@link epoch} and {@link stateDict}. */
  [Symbol.asyncIterator](): BatchIterator {
    const [epoch, first] = [this.#epoch, this.#isResumed ? this.#batch : 0];
    this.#moveTo(epoch, first, false);
    const owner = {};
    this.#newest = owner;
    const plan = { seed: this.#seed, epoch, batchSize: this.batchSize, dropLast: this.#dropLast, first };
    const { feed, pool } = this.#open(plan);
    return new BatchIterator(feed, this.prefetch, {
      waiting: (isWaiting) => pool?.hold(isWaiting),
      received: (count) => {
        if (this.#newest === owner) this.#batch = first + count;
      },
      ended: () => {
        if (this.#newest === owner) this.#moveTo(epoch + 1, 0, false);
      },
    });
  }

  #open(plan: BatchPlan): { feed: BatchFeed; pool: WorkerPool | null } {
    const dataset = this.#dataset;
    if (dataset instanceof IterableDataset) {
      return { feed: new StreamFeed(plan, dataset, this.#shuffle, this.#assembler), pool: null };
    }
    const order = checkedOrder(
      this.#sampler.indices(plan.epoch, orderGenerator(plan.seed, plan.epoch)),
      this.#sampler.length,
      dataset.length,
    );
    if (!this.#program) return { feed: new DatasetFeed(plan, order, this.#mainThread as MainThread), pool: null };
    if (!this.#pool || this.#pool.hasEnded) {
      this.#pool = new WorkerPool(this.workers, this.#program, dataset);
      abandoned.register(this, this.#pool, this);
    }
    return { feed: new DatasetFeed(plan, order, this.#pool), pool: this.#pool };
  }

  /** Where the consumer is: the batches it has received, not those made in advance. */
  stateDict(): LoaderState {
    const samples = Number.isFinite(this.samples) ? this.samples : null;
    return { seed: this.#seed, epoch: this.#epoch, batch: this.#batch, batchSize: this.batchSize, samples };
  }

  /**
   * Goes to where another loader was: the next loop begins with the batch after the last one that its consumer received.
   *
   * @throws ArgumentError for a state that is none, or of other data or batches
   */
  loadStateDict(state: LoaderState): void {
    check(
      typeof state === 'object' && state !== null,
      'DataLoader.loadStateDict',
      () => 'the state must be what stateDict() gave',
      ArgumentError,
    );
    const { seed, epoch, batch, batchSize, samples } = state;
    whole('DataLoader', 'the seed of the state', seed, 0, 2 ** 32 - 1);
    whole('DataLoader', 'the epoch of the state', epoch, 0, 2 ** 31);
    whole('DataLoader', 'the batch of the state', batch, 0, this.length);
    check(
      batchSize === this.batchSize && (samples ?? Number.POSITIVE_INFINITY) === this.samples,
      'DataLoader.loadStateDict',
      () =>
        `the state is of ${samples ?? 'unknown'} samples in batches of ${batchSize}, this loader has ${this.samples} in batches of ${this.batchSize}`,
      ArgumentError,
    );
    this.#seed = seed;
    this.#moveTo(epoch, batch, true);
  }

  /** Ends the worker threads; a later loop starts new ones. Loops that wait for a batch end with an error. */
  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = null;
    abandoned.unregister(this);
    await pool?.close();
  }
}

function datasetOf(dataset: Dataset | IterableDataset | readonly Sample[]): Dataset | IterableDataset {
  if (dataset instanceof IterableDataset) return dataset;
  if (Array.isArray(dataset)) return new ArrayDataset(dataset);
  const { length, get } = (dataset ?? {}) as Dataset;
  check(
    typeof get === 'function' && Number.isInteger(length) && length >= 0,
    'DataLoader',
    () => 'a dataset has a length and a method get(index); what is only iterable goes through iterableDataset()',
    ArgumentError,
  );
  return dataset as Dataset;
}

/** The order that a sampler gives, in memory of its own. */
function checkedOrder(indices: ArrayLike<number>, expected: number, available: number): Int32Array {
  check(
    indices?.length === expected,
    'DataLoader',
    () => `the sampler promised ${expected} samples and gave ${indices?.length}`,
    ArgumentError,
  );
  for (let i = 0; i < expected; i++) {
    check(
      Number.isInteger(indices[i]) && indices[i] >= 0 && indices[i] < available,
      'DataLoader',
      () => `the sampler gave position ${indices[i]} of a dataset of ${available}`,
      ArgumentError,
    );
  }
  return Int32Array.from(indices);
}
