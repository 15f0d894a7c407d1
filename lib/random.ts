import { ArgumentError, check } from './errors.js';

/** What {@link Generator.state} returns: enough to continue a stream of random numbers exactly. */
export interface GeneratorState {
  words: [number, number, number, number];
  spare: number | null;
}

/**
 * Seeded generator of random numbers: xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number
 * generators", 2018), its state filled by SplitMix32. The same seed gives the same numbers on every platform and backend.
 *
 * @example
 * const a = new Generator(7);
 * const b = new Generator(7);
 * a.uniform() === b.uniform(); // true
 */
export class Generator {
  #words = new Uint32Array(4);
  #spare: number | null = null;

  /** @param seed integer in [0, 2^32) */
  constructor(seed = 0) {
    check(
      Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32,
      'Generator',
      () => `seed must be an integer in [0, 2^32), got ${seed}`,
      ArgumentError,
    );
    let counter = seed | 0;
    for (let i = 0; i < 4; i++) {
      counter = (counter + 0x9e3779b9) | 0;
      let z = counter;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.#words[i] = z ^ (z >>> 16);
    }
  }

  /** Next 32 random bits, as an integer in [0, 2^32). */
  bits(): number {
    const s = this.#words;
    const product = Math.imul(s[1], 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result >>> 0;
  }

  /** Uniform in [low, high), default [0, 1), with 53 random bits. */
  uniform(low = 0, high = 1): number {
    const unit = ((this.bits() >>> 5) * 2 ** 26 + (this.bits() >>> 6)) / 2 ** 53;
    return low + unit * (high - low);
  }

  /** Normally distributed with the given mean and standard deviation (Box and Muller's method). */
  normal(mean = 0, deviation = 1): number {
    if (this.#spare !== null) {
      const spare = this.#spare;
      this.#spare = null;
      return mean + deviation * spare;
    }
    // 1 − u lies in (0, 1], so the logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return mean + deviation * radius * Math.cos(angle);
  }

  /** Uniform integer in [0, bound), 0 < bound ≤ 2^32, without bias (Lemire's rejection on the remainder). */
  integer(bound: number): number {
    check(
      Number.isInteger(bound) && bound > 0 && bound <= 2 ** 32,
      'Generator.integer',
      () => `bound must be an integer in (0, 2^32], got ${bound}`,
      ArgumentError,
    );
    const limit = 2 ** 32 - (2 ** 32 % bound);
    for (;;) {
      const bits = this.bits();
      if (bits < limit) return bits % bound;
    }
  }

  /** The integers 0 … length − 1 in random order (Fisher and Yates's shuffle). */
  permutation(length: number): Int32Array {
    check(
      Number.isInteger(length) && length >= 0 && length < 2 ** 31,
      'Generator.permutation',
      () => `length must be an integer in [0, 2^31), got ${length}`,
      ArgumentError,
    );
    const order = new Int32Array(length);
    for (let i = 0; i < length; i++) {
      const j = this.integer(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  }

  /** Snapshot to continue from later; set it to rewind. */
  get state(): GeneratorState {
    return { words: [...this.#words] as GeneratorState['words'], spare: this.#spare };
  }

  set state({ words, spare }: GeneratorState) {
    const valid = words?.length === 4 && words.every((word) => Number.isInteger(word) && word >= 0 && word < 2 ** 32);
    check(
      valid && words.some((word) => word !== 0) && (spare === null || Number.isFinite(spare)),
      'Generator.state',
      () => 'words must be four integers in [0, 2^32), not all 0, and spare a number or null',
      ArgumentError,
    );
    this.#words.set(words);
    this.#spare = spare;
  }
}

/** Generator that initialisation, dropout and random tensors draw from unless they are given one. */
export let defaultGenerator = new Generator(0);

/** Restarts the default generator from `seed`, an integer in [0, 2^32). Same seed, same numbers. */
export function manualSeed(seed: number): void {
  defaultGenerator = new Generator(seed);
}
