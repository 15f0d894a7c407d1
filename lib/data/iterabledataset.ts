import { ArgumentError, check } from '../errors.js';
import { whole } from '../geometry.js';
import type { Generator } from '../random.js';
import type { Sample } from './dataset.js';

/** Anything that gives samples one after the other. */
export type SampleStream = Iterable<Sample> | AsyncIterable<Sample>;

/** Options of {@link iterableDataset}. */
export interface IterableDatasetOptions {
  /** Number of samples it gives, when that is known. */
  length?: number;
  /** Samples that are held back to draw from when a DataLoader shuffles, at least 1. Default 1024. */
  shuffleBuffer?: number;
}

/** Samples that only come in order: of a generator, a stream, a database. Made by {@link iterableDataset}. */
export class IterableDataset implements AsyncIterable<Sample> {
  readonly #open: (epoch: number) => SampleStream;
  /** Number of samples; Infinity where it is not known. */
  readonly length: number;
  readonly shuffleBuffer: number;

  constructor(open: (epoch: number) => SampleStream, { length, shuffleBuffer = 1024 }: IterableDatasetOptions = {}) {
    check(
      length === undefined || (Number.isInteger(length) && length >= 0),
      'iterableDataset',
      () => `length must be an integer of at least 0, got ${length}`,
      ArgumentError,
    );
    whole('iterableDataset', 'shuffleBuffer', shuffleBuffer, 1);
    this.#open = open;
    this.length = length ?? Number.POSITIVE_INFINITY;
    this.shuffleBuffer = shuffleBuffer;
  }

  /** The samples of an epoch, in order. */
  open(epoch: number): SampleStream {
    const stream = this.#open(epoch);
    check(
      isStream(stream),
      'iterableDataset',
      () => 'the function must return something iterable, as a generator function does',
      ArgumentError,
    );
    return stream;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Sample> {
    yield* this.open(0);
  }
}

/** Whether a value can be iterated over. */
export function isStream(value: unknown): value is SampleStream {
  if (typeof value !== 'object' || value === null) return false;
  return Symbol.iterator in value || Symbol.asyncIterator in value;
}

/**
 * A dataset of samples that only come in order. A function, such as a generator function, is called for every epoch with its
 * number; an iterable is iterated over anew, so it must be able to start over.
 *
 * @throws ArgumentError for what cannot be iterated over, and options out of range
 * @example
 * const squares = iterableDataset(function* () {
 *   for (let i = 0; i < 5; i++) yield { image: tensor([i * i]), label: i };
 * });
 * const sizes = [];
 * for await (const [x] of new DataLoader(squares, { batchSize: 2 })) sizes.push(x.shape[0]);
 * sizes; // [2, 2, 1]
 */
export function iterableDataset(
  source: SampleStream | ((epoch: number) => SampleStream),
  options: IterableDatasetOptions = {},
): IterableDataset {
  check(
    typeof source === 'function' || isStream(source),
    'iterableDataset',
    () =>
      `source must be iterable, or a function that returns what is, got ${source === null ? 'null' : typeof source}`,
    ArgumentError,
  );
  return new IterableDataset(typeof source === 'function' ? source : () => source, options);
}

/** A sample and its number in the order of its source. */
export type NumberedSample = readonly [number: number, sample: Sample];

/** Samples in random order, as far as a buffer of `size` allows: each is drawn from those, and replaced by the next. */
export async function* shuffled(
  stream: SampleStream,
  size: number,
  generator: Generator,
): AsyncGenerator<NumberedSample> {
  const buffer: NumberedSample[] = [];
  for await (const numbered of counted(stream)) {
    if (buffer.length < size) {
      buffer.push(numbered);
      continue;
    }
    const place = generator.integer(size);
    yield buffer[place];
    buffer[place] = numbered;
  }
  for (const place of generator.permutation(buffer.length)) yield buffer[place];
}

/** Samples with their numbers. */
export async function* counted(stream: SampleStream): AsyncGenerator<NumberedSample> {
  let number = 0;
  for await (const sample of stream) yield [number++, sample];
}
