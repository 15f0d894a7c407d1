import { Generator } from '../../random.js';

/** A seed in [0, 2^32) that follows from integers and is unlike that of any others (MurmurHash3 by A. Appleby, 32 bits). */
export function derivedSeed(...words: readonly number[]): number {
  let hash = 0;
  for (const word of words) {
    let k = Math.imul(word | 0, 0xcc9e2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    hash ^= k;
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  hash ^= 4 * words.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** What random numbers are for: streams of different purposes must have nothing to do with each other. */
const [ORDER, SAMPLE, BATCH] = [1, 2, 3];

/** Where the order of an epoch comes from. */
export const orderGenerator = (seed: number, epoch: number) => new Generator(derivedSeed(ORDER, seed, epoch));

/** Augmentation of the sample `index`, which is the `place`-th of its epoch: one that is drawn twice is augmented twice. */
export const sampleGenerator = (seed: number, epoch: number, index: number, place: number) =>
  new Generator(derivedSeed(SAMPLE, seed, epoch, index, place));

/** Mixing of a batch. */
export const batchGenerator = (seed: number, epoch: number, batch: number) =>
  new Generator(derivedSeed(BATCH, seed, epoch, batch));
