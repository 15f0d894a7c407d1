import { ArgumentError, check } from '../errors.js';
import { whole } from '../geometry.js';
import { Generator } from '../random.js';
import { derivedSeed } from './loader/seeds.js';

/** In which order samples are visited. */
export interface Sampler {
  /** Samples in an epoch. */
  readonly length: number;
  /**
   * Positions in the dataset, `length` of them. The order must follow from the epoch and from the generator, which is new for
   * every epoch and the same for each of its calls, so that an interrupted epoch can be continued.
   */
  indices(epoch: number, generator: Generator): ArrayLike<number>;
}

/** A dataset, or its number of samples. */
export type Sized = number | { readonly length: number };

function lengthOf(operation: string, dataset: Sized): number {
  const length = typeof dataset === 'number' ? dataset : dataset?.length;
  check(
    Number.isInteger(length) && length >= 0 && length < 2 ** 31,
    operation,
    () => `needs a dataset, or its length as an integer in [0, 2^31), got ${length}`,
    ArgumentError,
  );
  return length;
}

/** 0, 1, 2, … */
export const inOrder = (length: number) => Int32Array.from({ length }, (_, i) => i);

/**
 * All samples in order.
 *
 * @throws ArgumentError for what has no length
 * @example
 * [...new SequentialSampler(3).indices()]; // [0, 1, 2]
 */
export class SequentialSampler implements Sampler {
  readonly length: number;

  constructor(dataset: Sized) {
    this.length = lengthOf('SequentialSampler', dataset);
  }

  indices(): Int32Array {
    return inOrder(this.length);
  }
}

/** Options of {@link RandomSampler}. */
export interface RandomSamplerOptions {
  /** Draw every time from all samples, so that some come twice. Default false: every sample once. */
  replacement?: boolean;
  /** Samples in an epoch. Default: as many as there are. */
  numSamples?: number;
}

/**
 * Samples in random order; more than there are come from several orders in a row.
 *
 * @throws ArgumentError for options out of range, or draws from nothing
 * @example
 * [...new RandomSampler(4).indices(0, new Generator(1))].sort(); // [0, 1, 2, 3]
 */
export class RandomSampler implements Sampler {
  readonly length: number;
  readonly replacement: boolean;
  readonly #available: number;

  constructor(dataset: Sized, { replacement = false, numSamples }: RandomSamplerOptions = {}) {
    this.#available = lengthOf('RandomSampler', dataset);
    this.length = numSamples ?? this.#available;
    this.replacement = replacement;
    whole('RandomSampler', 'numSamples', this.length, 0);
    check(
      this.length === 0 || this.#available > 0,
      'RandomSampler',
      () => `cannot draw ${this.length} samples from an empty dataset`,
      ArgumentError,
    );
  }

  indices(_epoch: number, generator: Generator): Int32Array {
    const order = new Int32Array(this.length);
    if (this.replacement) return order.map(() => generator.integer(this.#available));
    for (let at = 0; at < order.length; at += this.#available) {
      order.set(generator.permutation(this.#available).subarray(0, order.length - at), at);
    }
    return order;
  }
}

/**
 * The samples at the given positions, in random order.
 *
 * @throws ArgumentError for a position that is no integer of at least 0
 * @example
 * [...new SubsetRandomSampler([7, 3, 5]).indices(0, new Generator(1))].sort(); // [3, 5, 7]
 */
export class SubsetRandomSampler implements Sampler {
  readonly #positions: Int32Array;

  constructor(positions: ArrayLike<number>) {
    for (let i = 0; i < positions.length; i++) {
      whole('SubsetRandomSampler', `position ${i}`, positions[i], 0);
    }
    this.#positions = Int32Array.from(positions);
  }

  get length(): number {
    return this.#positions.length;
  }

  indices(_epoch: number, generator: Generator): Int32Array {
    return generator.permutation(this.length).map((place) => this.#positions[place]);
  }
}

/**
 * Draws `numSamples` samples, sample i with a probability proportional to weights[i]: with replacement (default), or each at
 * most once.
 *
 * @throws ArgumentError for weights that are negative or not finite, alone or in sum, all 0, or too few above 0 to draw without
 *   replacement
 * @example
 * [...new WeightedRandomSampler([0, 1, 0], 3).indices(0, new Generator(1))]; // [1, 1, 1]
 */
export class WeightedRandomSampler implements Sampler {
  readonly length: number;
  readonly replacement: boolean;
  readonly #weights: Float64Array;

  constructor(weights: ArrayLike<number>, numSamples: number, { replacement = true }: { replacement?: boolean } = {}) {
    const operation = 'WeightedRandomSampler';
    whole(operation, 'numSamples', numSamples, 1);
    this.#weights = Float64Array.from(weights);
    const wrong = this.#weights.findIndex((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY));
    check(
      wrong < 0,
      operation,
      () => `weights must be finite and at least 0, weight ${wrong} is ${weights[wrong]}`,
      ArgumentError,
    );
    const total = this.#weights.reduce((sum, weight) => sum + weight, 0);
    check(Number.isFinite(total), operation, () => 'the sum of the weights must be finite', ArgumentError);
    const positive = this.#weights.reduce((count, weight) => count + (weight > 0 ? 1 : 0), 0);
    check(positive > 0, operation, () => 'at least one weight must be above 0', ArgumentError);
    check(
      replacement || numSamples <= positive,
      operation,
      () => `cannot draw ${numSamples} samples without replacement, ${positive} weights are above 0`,
      ArgumentError,
    );
    this.length = numSamples;
    this.replacement = replacement;
  }

  indices(_epoch: number, generator: Generator): Int32Array {
    return this.replacement ? this.#draws(generator) : this.#largestKeys(generator);
  }

  #draws(generator: Generator): Int32Array {
    const sums = new Float64Array(this.#weights.length);
    let total = 0;
    for (let i = 0; i < sums.length; i++) {
      total += this.#weights[i];
      sums[i] = total;
    }
    return new Int32Array(this.length).map(() => {
      const place = generator.uniform(0, total);
      let [low, high] = [0, sums.length - 1];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (sums[middle] > place) high = middle;
        else low = middle + 1;
      }
      return low;
    });
  }

  /**
   * The samples of the largest u^(1/weight), u uniform (Efraimidis and Spirakis, "Weighted random sampling with a reservoir",
   * 2006), by logarithms.
   */
  #largestKeys(generator: Generator): Int32Array {
    const keys = this.#weights.map((weight) => {
      const draw = Math.log(1 - generator.uniform());
      return weight > 0 ? draw / weight : Number.NEGATIVE_INFINITY;
    });
    return inOrder(keys.length)
      .sort((a, b) => keys[b] - keys[a])
      .slice(0, this.length);
  }
}

/** Options of {@link DistributedSampler}. */
export interface DistributedSamplerOptions {
  /** Number of this process, in [0, replicas). */
  rank: number;
  /** Number of processes that train together. */
  replicas: number;
  /** Visit samples in random order. Default true. */
  shuffle?: boolean;
  /** Seed of the order, the same in all processes; integer in [0, 2^32). Default 0. */
  seed?: number;
  /** Leave out the last samples, where not every process gets one. Default false: some samples come twice. */
  dropLast?: boolean;
}

/**
 * The share of one of several processes that train together: every `replicas`-th sample of an order that all processes know,
 * from the sample `rank` on.
 *
 * @throws ArgumentError for a rank outside [0, replicas) and other options out of range
 * @example
 * [...new DistributedSampler(5, { rank: 1, replicas: 2, shuffle: false }).indices(0)]; // [1, 3, 0]
 */
export class DistributedSampler implements Sampler {
  readonly length: number;
  readonly #total: number;
  readonly #options: Required<DistributedSamplerOptions>;

  constructor(dataset: Sized, options: DistributedSamplerOptions) {
    const { rank, replicas, shuffle = true, seed = 0, dropLast = false } = options;
    this.#total = lengthOf('DistributedSampler', dataset);
    whole('DistributedSampler', 'replicas', replicas, 1);
    check(
      Number.isInteger(rank) && rank >= 0 && rank < replicas,
      'DistributedSampler',
      () => `rank must be an integer in [0, ${replicas}), got ${rank}`,
      ArgumentError,
    );
    check(
      Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32,
      'DistributedSampler',
      () => `seed must be an integer in [0, 2^32), got ${seed}`,
      ArgumentError,
    );
    this.length = dropLast ? Math.floor(this.#total / replicas) : Math.ceil(this.#total / replicas);
    this.#options = { rank, replicas, shuffle, seed, dropLast };
  }

  indices(epoch: number): Int32Array {
    const { rank, replicas, shuffle, seed } = this.#options;
    const order = shuffle ? new Generator(derivedSeed(seed, epoch)).permutation(this.#total) : inOrder(this.#total);
    return Int32Array.from({ length: this.length }, (_, i) => order[(rank + i * replicas) % this.#total]);
  }
}
