import { setImmediate } from 'node:timers/promises';
import type { Batch, Dataset } from '../dataset.js';
import { counted, type IterableDataset, type NumberedSample, shuffled } from '../iterabledataset.js';
import type { Assembler, BatchTask } from './assembler.js';
import { orderGenerator } from './seeds.js';

/** The batches of one run through the data, from some batch on. */
export interface BatchFeed {
  /** Starts on the next batch; null when there is none, at once or when that is known. */
  next(): Promise<Batch | null> | null;
  /** Stops the work on batches that nobody will ask for. */
  close(): void;
}

/** Which samples make which batch. */
export interface BatchPlan {
  readonly seed: number;
  readonly epoch: number;
  readonly batchSize: number;
  readonly dropLast: boolean;
  /** Number of the first batch. */
  readonly first: number;
}

/** Who assembles the batches of a dataset. */
export interface Crew {
  /** Assembles a batch; jobs of one owner can be called off. */
  run(task: BatchTask, owner: object): Promise<Batch>;
  cancel(owner: object): void;
}

/** Batches of samples in the order of a sampler. */
export class DatasetFeed implements BatchFeed {
  readonly #plan: BatchPlan;
  readonly #order: Int32Array;
  readonly #crew: Crew;
  #batch: number;

  constructor(plan: BatchPlan, order: Int32Array, crew: Crew) {
    this.#plan = plan;
    this.#order = order;
    this.#crew = crew;
    this.#batch = plan.first;
  }

  next(): Promise<Batch> | null {
    const { seed, epoch, batchSize, dropLast } = this.#plan;
    const batch = this.#batch;
    const start = batch * batchSize;
    const indices = this.#order.slice(start, start + batchSize);
    if (indices.length === 0 || (dropLast && indices.length < batchSize)) return null;
    this.#batch++;
    return this.#crew.run({ seed, epoch, batch, start, indices }, this);
  }

  close(): void {
    this.#crew.cancel(this);
  }
}

/** Assembles on the main thread, one batch after the other. */
export class MainThread implements Crew {
  readonly #dataset: Dataset;
  readonly #assembler: Assembler;
  readonly #cancelled = new WeakSet<object>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(dataset: Dataset, assembler: Assembler) {
    this.#dataset = dataset;
    this.#assembler = assembler;
  }

  run(task: BatchTask, owner: object): Promise<Batch> {
    const assemble = async () => {
      // whoever got the batch before this one goes first
      await setImmediate();
      if (this.#cancelled.has(owner)) throw new Error('nobody waits for this batch');
      return this.#assembler.fromDataset(this.#dataset, task);
    };
    const made = this.#last.then(assemble, assemble);
    this.#last = made;
    return made;
  }

  cancel(owner: object): void {
    this.#cancelled.add(owner);
  }
}

/** Batches of samples that come in order. */
export class StreamFeed implements BatchFeed {
  readonly #plan: BatchPlan;
  readonly #samples: AsyncGenerator<NumberedSample>;
  readonly #assembler: Assembler;
  #batch: number;
  #hasStarted = false;
  #hasEnded = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(plan: BatchPlan, dataset: IterableDataset, shuffle: boolean, assembler: Assembler) {
    const { seed, epoch } = plan;
    const stream = dataset.open(epoch);
    this.#plan = plan;
    this.#samples = shuffle ? shuffled(stream, dataset.shuffleBuffer, orderGenerator(seed, epoch)) : counted(stream);
    this.#assembler = assembler;
    this.#batch = plan.first;
  }

  next(): Promise<Batch | null> | null {
    if (this.#hasEnded) return null;
    const assemble = () => this.#assemble();
    const made = this.#last.then(assemble, assemble);
    this.#last = made;
    return made;
  }

  async #assemble(): Promise<Batch | null> {
    const { seed, epoch, batchSize, dropLast, first } = this.#plan;
    await setImmediate();
    if (!this.#hasStarted) {
      this.#hasStarted = true;
      await this.#take(first * batchSize);
    }
    const samples = await this.#take(batchSize);
    if (samples.length === 0 || (dropLast && samples.length < batchSize)) return null;
    const batch = this.#batch++;
    return this.#assembler.fromSamples(samples, { seed, epoch, batch, start: batch * batchSize });
  }

  /** The next samples, fewer at the end. */
  async #take(count: number): Promise<NumberedSample[]> {
    const samples: NumberedSample[] = [];
    while (samples.length < count && !this.#hasEnded) {
      const { value, done } = await this.#samples.next();
      if (done) this.#hasEnded = true;
      else samples.push(value);
    }
    return samples;
  }

  close(): void {
    this.#hasEnded = true;
    // a generator ends when it has given what it is working on; what fails then concerns nobody
    this.#samples.return(undefined).catch(() => {});
  }
}
