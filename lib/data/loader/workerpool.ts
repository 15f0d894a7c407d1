import { Worker } from 'node:worker_threads';
import { ConvforgeError, DataError } from '../../errors.js';
import { empty } from '../../ops/op.js';
import type { Tensor } from '../../tensor.js';
import type { Batch, Dataset } from '../dataset.js';
import { type BatchTask, LANES } from './assembler.js';
import type { Crew } from './feed.js';
import { type Answer, type Job, received, type SharedTensor, type WorkerProgram } from './messages.js';

/** Batches that a thread is sent at a time: one to work on, and one so that it need not wait for the next. */
const IN_FLIGHT = 2;

interface PendingJob {
  readonly task: BatchTask;
  readonly owner: object;
  isCancelled: boolean;
  resolve(batch: Batch): void;
  reject(error: Error): void;
}

interface Thread {
  readonly worker: Worker;
  readonly jobs: Map<number, PendingJob>;
  readonly current: Int32Array;
}

/**
 * Threads that assemble batches in shared memory. They end with the process, or when they are closed; when one of them dies,
 * all work ends with an error that says on what.
 */
export class WorkerPool implements Crew {
  readonly #dataset: Pick<Dataset, 'source'>;
  readonly #threads: Thread[];
  #queue: PendingJob[] = [];
  /** Shared memory to lend, what a batch needs together: as much as was in use at once. */
  readonly #buffers: SharedArrayBuffer[][] = [];
  #nextId = 0;
  #holds = 0;
  #end: Error | null = null;

  constructor(count: number, program: WorkerProgram, dataset: Pick<Dataset, 'source'>) {
    this.#dataset = dataset;
    this.#threads = Array.from({ length: count }, (_, which) => this.#start(which, program));
  }

  /** Whether threads have ended: then there is nothing more to expect. */
  get hasEnded(): boolean {
    return this.#end !== null;
  }

  #start(which: number, program: WorkerProgram): Thread {
    const current = new Int32Array(new SharedArrayBuffer(4 * LANES)).fill(-1);
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: { ...program, current },
      // what belongs to `node --eval` is an error beside a file
      ...(process.execArgv.some((each) => /^(-[ep]|-pe|--eval|--print|--input-type)\b/.test(each)) && { execArgv: [] }),
    });
    const thread: Thread = { worker, jobs: new Map(), current };
    const died = (how: string, cause?: unknown) => this.#died(thread, which, how, cause);
    worker.on('message', (answer: Answer) => this.#answered(thread, answer));
    worker.on('messageerror', (error) => died(`sent what cannot be read: ${error.message}`, error));
    worker.on('error', (error) => died(`failed: ${error.message}`, error));
    worker.on('exit', (code) => died(`ended with code ${code}`));
    worker.unref();
    return thread;
  }

  run(task: BatchTask, owner: object): Promise<Batch> {
    return new Promise((resolve, reject) => {
      if (this.#end) return reject(this.#end);
      this.#queue.push({ task, owner, isCancelled: false, resolve, reject });
      this.#dispatch();
    });
  }

  /** Drops what has not been sent to a thread; the rest is thrown away when it arrives. */
  cancel(owner: object): void {
    this.#queue = this.#queue.filter((job) => job.owner !== owner);
    for (const { jobs } of this.#threads) {
      for (const job of jobs.values()) if (job.owner === owner) job.isCancelled = true;
    }
  }

  /** Keeps the process from ending while somebody waits for a batch. */
  hold(isHeld: boolean): void {
    this.#holds += isHeld ? 1 : -1;
    for (const { worker } of this.#threads) {
      if (this.#holds > 0) worker.ref();
      else worker.unref();
    }
  }

  /** Ends the threads. Whoever still waits for a batch gets an error. */
  async close(): Promise<void> {
    this.#fail(new ConvforgeError('ERR_ABORTED', 'DataLoader: closed while batches were loaded'));
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const thread = this.#threads.reduce((least, each) => (each.jobs.size < least.jobs.size ? each : least));
      if (thread.jobs.size >= IN_FLIGHT) return;
      const job = this.#queue.shift() as PendingJob;
      const id = this.#nextId++;
      thread.jobs.set(id, job);
      const message: Job = { id, task: job.task, buffers: this.#buffers.pop() ?? [] };
      thread.worker.postMessage(message);
    }
  }

  #answered(thread: Thread, answer: Answer): void {
    if (this.#end) return;
    if (answer.id === null) {
      this.#fail(
        new DataError(`DataLoader: a worker cannot start: ${answer.error.message}`, { cause: received(answer.error) }),
      );
      return;
    }
    const job = thread.jobs.get(answer.id);
    thread.jobs.delete(answer.id);
    if ('tensors' in answer) {
      if (job && !job.isCancelled) job.resolve(answer.tensors.map(copied) as unknown as Batch);
      this.#buffers.push(answer.tensors.map(({ values }) => values.buffer as SharedArrayBuffer));
    } else {
      const { cause } = answer.error;
      job?.reject(new DataError(answer.error.message, { cause: received(cause ?? answer.error) }));
    }
    this.#dispatch();
  }

  #died(thread: Thread, which: number, how: string, cause?: unknown): void {
    const samples = Array.from(thread.current)
      .filter((index) => index >= 0)
      .map((index) => {
        const source = this.#dataset.source?.(index);
        return source === undefined ? `${index}` : `${index} (${source})`;
      });
    const when =
      samples.length === 0 ? '' : ` while it loaded sample${samples.length > 1 ? 's' : ''} ${samples.join(', ')}`;
    this.#fail(new DataError(`DataLoader: worker ${which} ${how}${when}`, { cause }));
  }

  #fail(error: Error): void {
    if (this.#end) return;
    this.#end = error;
    const jobs = [...this.#queue, ...this.#threads.flatMap((thread) => [...thread.jobs.values()])];
    this.#queue = [];
    for (const { worker, jobs: own } of this.#threads) {
      own.clear();
      void worker.terminate();
    }
    for (const job of jobs) job.reject(error);
  }
}

/** A tensor out of shared memory, which the next batch will need. */
function copied({ dtype, shape, values }: SharedTensor): Tensor {
  const tensor = empty(dtype, shape);
  (tensor.storage.values as Uint8Array).set(values as Uint8Array);
  return tensor;
}
