import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll } from 'vitest';
import {
  accuracy,
  crossEntropy,
  Generator,
  manualSeed,
  nn,
  randn,
  type Schedule,
  SGD,
  Tensor,
  Trainer,
  type TrainerOptions,
} from '../../lib/index.js';
import { pack } from '../../lib/train/pack.js';

/** A folder for the files of a test file, removed when its tests are over. */
export function temporaryFolder(): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'convforge-train-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (name) => join(folder, name);
}

/** Points of `classes` clouds: images [count, 1, 4, 4], and which cloud each is of. */
export function clouds(count: number, classes = 3, seed = 1): { images: Tensor<'float32'>; labels: Tensor<'int32'> } {
  const generator = new Generator(seed);
  const middles = randn([classes, 16], { generator: new Generator(99) }).data;
  const labels = Int32Array.from({ length: count }, () => generator.integer(classes));
  const images = randn([count, 1, 4, 4], { generator });
  for (let i = 0; i < images.size; i++) images.data[i] += 1.5 * middles[labels[Math.floor(i / 16)] * 16 + (i % 16)];
  return { images, labels: new Tensor('int32', labels) };
}

interface Place {
  epoch: number;
  batch: number;
}

/** Shuffled batches whose order follows from seed and epoch, and which know where their consumer is. */
export class CloudLoader {
  readonly samples: number;
  readonly batchSize: number;
  readonly #data: ReturnType<typeof clouds>;
  #place: Place = { epoch: 0, batch: 0 };

  constructor(samples: number, batchSize: number, seed = 1) {
    this.samples = samples;
    this.batchSize = batchSize;
    this.#data = clouds(samples, 3, seed);
  }

  get length(): number {
    return Math.ceil(this.samples / this.batchSize);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<readonly Tensor[]> {
    const { epoch } = this.#place;
    const order = new Generator(1000 + epoch).permutation(this.samples);
    while (this.#place.batch < this.length) {
      const start = this.#place.batch++ * this.batchSize;
      yield this.#select(order.subarray(start, start + this.batchSize));
    }
    this.#place = { epoch: epoch + 1, batch: 0 };
  }

  stateDict(): Place {
    return { ...this.#place };
  }

  loadStateDict(state: unknown): void {
    this.#place = { ...(state as Place) };
  }

  #select(positions: Int32Array): readonly Tensor[] {
    const { images, labels } = this.#data;
    const chosen = new Float32Array(positions.length * 16);
    positions.forEach((from, i) => {
      chosen.set(images.data.subarray(from * 16, (from + 1) * 16), i * 16);
    });
    return [
      new Tensor('float32', chosen, [positions.length, 1, 4, 4]),
      new Tensor(
        'int32',
        positions.map((from) => labels.data[from]),
      ),
    ];
  }
}

/** A network with everything that has state: weights, running statistics, random numbers of its own and of all. */
export function smallNet(): nn.Sequential {
  return new nn.Sequential(
    new nn.Conv2d(1, 4, 3, { padding: 1 }),
    new nn.BatchNorm2d(4),
    new nn.ReLU(),
    new nn.Dropout(0.2),
    new nn.Flatten(),
    new nn.Linear(64, 8),
    new nn.Dropout(0.1, { generator: new Generator(5) }),
    new nn.ReLU(),
    new nn.Linear(8, 3),
  );
}

/** Multiplies the learning rate at each step. */
export class Decay implements Schedule {
  readonly metrics: (number | undefined)[] = [];
  readonly #optimizer: { lr: number };
  readonly #factor: number;
  #steps = 0;

  constructor(optimizer: { lr: number }, factor: number) {
    this.#optimizer = optimizer;
    this.#factor = factor;
  }

  step(metric?: number): void {
    this.metrics.push(metric);
    this.#steps++;
    this.#optimizer.lr *= this.#factor;
  }

  stateDict(): unknown {
    // what a schedule that waits for a plateau begins with, and JSON does not know
    return { steps: this.#steps, best: Number.POSITIVE_INFINITY };
  }

  loadStateDict(state: unknown): void {
    const { steps, best } = state as { steps: number; best: number };
    if (best !== Number.POSITIVE_INFINITY) throw new Error(`best came back as ${best}`);
    this.#steps = steps;
  }
}

/** The weights of a model in memory of their own. */
export function copyOf(model: nn.Module): nn.StateDict {
  return Object.fromEntries(Object.entries(model.stateDict()).map(([name, tensor]) => [name, tensor.clone()]));
}

/** The bytes of all weights, to compare bit for bit. */
export function bitsOf(state: Readonly<nn.StateDict>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(state).map(([name, { data }]) => [
      name,
      Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
    ]),
  );
}

/** A state with tensors in it, to compare bit for bit: tensors themselves compare by shape only. */
export function exact(state: unknown): unknown {
  const tensors: nn.StateDict = {};
  return { rest: pack('state', state, tensors), bits: bitsOf(tensors) };
}

/** The records of a history file, without what a clock says. */
export function historyOf(folder: string): unknown[] {
  const lines = readFileSync(join(folder, 'history.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => withoutTimes(JSON.parse(line)));
}

export function withoutTimes(record: object): object {
  const { seconds, imagesPerSecond, ...rest } = record as Record<string, unknown>;
  if (typeof seconds !== 'number' || typeof imagesPerSecond !== 'number') throw new Error('no times');
  return rest;
}

/** What a rejected promise says: name, code and text. */
export async function rejection(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    const { name, code, message } = error as { name: string; code?: string; message: string };
    return `${name} ${code} ${message}`;
  }
  return 'nothing was thrown';
}

/** A stream that keeps what is written to it. */
export class Lines extends Writable {
  isTTY = false;
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk;
    done();
  }
}

/** A trainer of the small network, or of other parts. */
export function training(options: Partial<TrainerOptions> = {}) {
  manualSeed(4);
  const model = options.model ?? smallNet();
  const optimizer = options.optimizer ?? new SGD((model as nn.Module).parameters(), { lr: 0.1, momentum: 0.9 });
  const trainer = new Trainer({ model, optimizer, loss: crossEntropy, metrics: { accuracy }, ...options });
  return { model, optimizer, trainer };
}

/** 20 samples in batches of 8, 8 and 4. */
export const loader = () => new CloudLoader(20, 8);

export const quiet = { progress: false } as const;
