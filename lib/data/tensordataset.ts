import type { DType, TypedArrays } from '../dtype.js';
import { ArgumentError, check, DTypeError } from '../errors.js';
import { whole } from '../geometry.js';
import { empty } from '../ops/op.js';
import { defaultGenerator, type Generator } from '../random.js';
import { formatShape, sizeOf } from '../shape.js';
import { Tensor } from '../tensor.js';
import { checkPosition, type Dataset, type Sample } from './dataset.js';
import type { Portable, Recipe } from './loader/recipe.js';
import { inOrder } from './samplers.js';

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
 * Images and labels held in memory: images [count, ...]; labels [count], classes of int32, or any other targets
 * [count, ...].
 *
 * @example
 * const data = new TensorDataset(zeros([10, 1, 8, 8]), zeros([10], { dtype: 'int32' }));
 * [...data.batches({ batchSize: 4 })].map((batch) => batch.images.shape[0]); // [4, 4, 2]
 */
export class TensorDataset<L extends DType = 'int32'> implements Dataset, Portable {
  readonly images: Tensor<'float32'>;
  readonly labels: Tensor<L>;

  /** @throws ShapeError unless both have the same number of samples */
  constructor(images: Tensor<'float32'>, labels: Tensor<L>) {
    check(
      images.rank >= 1 && labels.rank >= 1 && labels.shape[0] === images.shape[0],
      'TensorDataset',
      () =>
        `images [count, ...] and labels [count] must agree, got ${formatShape(images.shape)} and ${formatShape(labels.shape)}`,
    );
    this.images = images;
    this.labels = labels;
  }

  /** Number of samples. */
  get length(): number {
    return this.images.shape[0];
  }

  /** The sample at a position, copied. Throws an ArgumentError for a position outside [0, length). */
  get(index: number): Sample & { image: Tensor<'float32'> } {
    checkPosition('TensorDataset.get', index, this.length);
    const { labels } = this;
    const isClass = labels.rank === 1 && labels.dtype === 'int32';
    return {
      image: new Tensor('float32', row(this.images, index).slice(), this.images.shape.slice(1)),
      label: isClass
        ? (labels.storage.values[index] as number)
        : new Tensor(labels.dtype, row(labels, index).slice() as TypedArrays[L], labels.shape.slice(1)),
    };
  }

  /** The samples at the given positions, copied. Throws an ArgumentError for a position outside [0, length). */
  select(positions: ArrayLike<number>): TensorDataset<L> {
    const images = empty('float32', [positions.length, ...this.images.shape.slice(1)]);
    const labels = empty(this.labels.dtype, [positions.length, ...this.labels.shape.slice(1)]);
    for (let i = 0; i < positions.length; i++) {
      const from = positions[i];
      checkPosition('TensorDataset.select', from, this.length);
      row(images, i).set(row(this.images, from));
      (row(labels, i) as Uint8Array).set(row(this.labels, from) as Uint8Array);
    }
    return new TensorDataset(images, labels);
  }

  recipe(): Recipe {
    return { module: import.meta.url, name: 'TensorDataset', arguments: [this.images, this.labels] };
  }

  /** Runs through all samples once, in batches. Throws an ArgumentError for a batch size below 1. */
  *batches({ batchSize, shuffle, dropLast, generator }: BatchOptions): IterableIterator<TensorDataset<L>> {
    whole('TensorDataset.batches', 'batchSize', batchSize, 1);
    const order = shuffle ? (generator ?? defaultGenerator).permutation(this.length) : inOrder(this.length);
    for (let start = 0; start < this.length; start += batchSize) {
      const positions = order.subarray(start, start + batchSize);
      if (positions.length === batchSize || !dropLast) yield this.select(positions);
    }
  }

  /**
   * Splits off a held-out part of about `fraction`, in (0, 1), in which every class has its share; the choice follows the
   * generator. Returns [rest, held out].
   */
  stratifiedSplit(fraction: number, generator: Generator = defaultGenerator): [TensorDataset<L>, TensorDataset<L>] {
    check(
      fraction > 0 && fraction < 1,
      'TensorDataset.stratifiedSplit',
      () => `fraction must be in (0, 1), got ${fraction}`,
      ArgumentError,
    );
    check(
      this.labels.rank === 1 && this.labels.dtype === 'int32',
      'TensorDataset.stratifiedSplit',
      () => `labels must be classes, int32 [count], got ${this.labels.dtype} ${formatShape(this.labels.shape)}`,
      DTypeError,
    );
    const byClass = new Map<number, number[]>();
    for (const position of generator.permutation(this.length)) {
      const label = this.labels.storage.values[position] as number;
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

/** The elements of a tensor that belong to one position of its first axis. */
function row<D extends DType>(tensor: Tensor<D>, position: number): TypedArrays[D] {
  const size = sizeOf(tensor.shape.slice(1));
  return tensor.storage.values.subarray(position * size, (position + 1) * size) as TypedArrays[D];
}
