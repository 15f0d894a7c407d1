import { ArgumentError, check } from '../errors.js';
import { defaultGenerator, type Generator } from '../random.js';
import { checkPosition, type Dataset } from './dataset.js';
import type { Portable, Recipe } from './loader/recipe.js';

/**
 * Some samples of a dataset, at the given positions.
 *
 * @throws ArgumentError for a position outside the dataset
 * @example
 * const dataset = new TensorDataset(tensor([[1], [2], [3]]), tensor([0, 1, 2], { dtype: 'int32' }));
 * new Subset(dataset, [2, 0]).get(0).label; // 2
 */
export class Subset<D extends Dataset = Dataset> implements Dataset, Portable {
  readonly dataset: D;
  readonly indices: Int32Array;

  constructor(dataset: D, indices: ArrayLike<number>) {
    for (let i = 0; i < indices.length; i++) checkPosition('Subset', indices[i], dataset.length);
    this.dataset = dataset;
    this.indices = Int32Array.from(indices);
  }

  get length(): number {
    return this.indices.length;
  }

  get(index: number, generator?: Generator): ReturnType<D['get']> {
    checkPosition('Subset.get', index, this.length);
    return this.dataset.get(this.indices[index], generator) as ReturnType<D['get']>;
  }

  source(index: number): string | undefined {
    return this.dataset.source?.(this.indices[index]);
  }

  recipe(): Recipe {
    return { module: import.meta.url, name: 'Subset', arguments: [this.dataset, this.indices] };
  }
}

/**
 * Splits a dataset at random into parts of the given lengths, or of the given shares of it, which add up to 1.
 *
 * @throws ArgumentError unless the lengths add up to the dataset's, or the shares to 1
 * @example
 * const dataset = new TensorDataset(zeros([10, 1]), zeros([10], { dtype: 'int32' }));
 * randomSplit(dataset, [0.8, 0.2], new Generator(1)).map((part) => part.length); // [8, 2]
 */
export function randomSplit<D extends Dataset>(
  dataset: D,
  lengths: readonly number[],
  generator: Generator = defaultGenerator,
): Subset<D>[] {
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const areShares = lengths.some((length) => !Number.isInteger(length)) || (total === 1 && dataset.length !== 1);
  check(
    lengths.every((length) => length >= 0) && (areShares ? Math.abs(total - 1) < 1e-6 : total === dataset.length),
    'randomSplit',
    () => `lengths must add up to ${dataset.length}, or shares to 1, got [${lengths.join(', ')}]`,
    ArgumentError,
  );
  const order = generator.permutation(dataset.length);
  let sum = 0;
  let begin = 0;
  return lengths.map((length) => {
    sum += length;
    const end = Math.round(areShares ? sum * dataset.length : sum);
    const part = new Subset(dataset, order.subarray(begin, end));
    begin = end;
    return part;
  });
}
