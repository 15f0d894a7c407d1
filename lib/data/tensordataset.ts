import { ArgumentError, check } from '../errors.js';
import { empty } from '../ops/op.js';
import { defaultGenerator, type Generator } from '../random.js';
import { formatShape, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';

/** Options of {@link TensorDataset.batches}. */
export interface BatchOptions {
  /** Samples in a batch, at least 1. */
  batchSize: number;
  /** Draw samples in random order. Default false. */
  shuffle?: boolean;
  /** Leave out a last batch that is not full. Default false. */
  dropLast?: boolean;
  /** Where the order comes from. Default: the generator that `manualSeed` restarts. */
  generator?: Generator;
}

/**
 * Images and labels held in memory: images [count, ...], labels [count].
 *
 * @example
 * const data = new TensorDataset(zeros([10, 1, 8, 8]), zeros([10], { dtype: 'int32' }));
 * [...data.batches({ batchSize: 4 })].map((batch) => batch.images.shape[0]); // [4, 4, 2]
 */
export class TensorDataset {
  readonly images: Tensor<'float32'>;
  readonly labels: Tensor<'int32'>;

  /** @throws ShapeError unless both have the same number of samples */
  constructor(images: Tensor<'float32'>, labels: Tensor<'int32'>) {
    check(
      images.rank >= 1 && labels.rank === 1 && labels.size === images.shape[0],
      'TensorDataset',
      () =>
        `images [count, ...] and labels [count] must agree, got ${formatShape(images.shape)} and ${formatShape(labels.shape)}`,
    );
    this.images = images;
    this.labels = labels;
  }

  /** Number of samples. */
  get length(): number {
    return this.labels.size;
  }

  /** The samples at the given positions, copied. Throws an ArgumentError for a position outside [0, length). */
  select(positions: ArrayLike<number>): TensorDataset {
    const sample = this.images.shape.slice(1);
    const size = sizeOf(sample);
    const images = empty('float32', [positions.length, ...sample]);
    const labels = empty('int32', [positions.length]);
    for (let i = 0; i < positions.length; i++) {
      const from = positions[i];
      check(
        Number.isInteger(from) && from >= 0 && from < this.length,
        'TensorDataset.select',
        () => `position ${from} is outside [0, ${this.length})`,
        ArgumentError,
      );
      images.storage.values.set(this.images.storage.values.subarray(from * size, (from + 1) * size), i * size);
      labels.storage.values[i] = this.labels.storage.values[from];
    }
    return new TensorDataset(images, labels);
  }

  /** Runs through all samples once, in batches. Throws an ArgumentError for a batch size below 1. */
  *batches({ batchSize, shuffle, dropLast, generator }: BatchOptions): IterableIterator<TensorDataset> {
    check(
      Number.isInteger(batchSize) && batchSize >= 1,
      'TensorDataset.batches',
      () => `batchSize must be an integer of at least 1, got ${batchSize}`,
      ArgumentError,
    );
    const order = shuffle
      ? (generator ?? defaultGenerator).permutation(this.length)
      : Int32Array.from({ length: this.length }, (_, i) => i);
    for (let start = 0; start < this.length; start += batchSize) {
      const positions = order.subarray(start, start + batchSize);
      if (positions.length === batchSize || !dropLast) yield this.select(positions);
    }
  }

  /**
   * Splits off a held-out part of about `fraction`, in (0, 1), in which every class has its share; the choice follows the
   * generator. Returns [rest, held out].
   */
  stratifiedSplit(fraction: number, generator: Generator = defaultGenerator): [TensorDataset, TensorDataset] {
    check(
      fraction > 0 && fraction < 1,
      'TensorDataset.stratifiedSplit',
      () => `fraction must be in (0, 1), got ${fraction}`,
      ArgumentError,
    );
    const byClass = new Map<number, number[]>();
    for (const position of generator.permutation(this.length)) {
      const label = this.labels.storage.values[position];
      const members = byClass.get(label);
      if (members) members.push(position);
      else byClass.set(label, [position]);
    }
    const rest: number[] = [];
    const held: number[] = [];
    for (const [, members] of [...byClass].sort(([a], [b]) => a - b)) {
      const count = Math.round(members.length * fraction);
      held.push(...members.slice(0, count));
      rest.push(...members.slice(count));
    }
    return [this.select(rest), this.select(held)];
  }
}
