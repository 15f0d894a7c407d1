import type { Floats } from './types.js';

/** Neighbouring counters, of which first all first words lie in a mask and then all second ones. */
const COUNTERS = 32;

/**
 * y[i] = 0 with probability p in [0, 1], else 1 / (1 − p). The choice is made by Threefry2x32-20 with the 64 bits of `seed` as
 * its key: element 64·g + 32·j + k by word j of counter 32·g + k, which is dropped if it is below p·2^32.
 */
export function randomMask(seed: Int32Array, y: Floats, p: number): void {
  const threshold = Math.min(2 ** 32 - 1, Math.ceil(p * 2 ** 32));
  const scale = p < 1 ? 1 / (1 - p) : 0;
  const words = new Uint32Array(2);
  for (let at = 0; at < y.length; at += 2 * COUNTERS) {
    for (let k = 0; k < COUNTERS && at + k < y.length; k++) {
      threefry2x32(at / 2 + k, 0, seed[0], seed[1], words);
      y[at + k] = words[0] < threshold ? 0 : scale;
      if (at + COUNTERS + k < y.length) y[at + COUNTERS + k] = words[1] < threshold ? 0 : scale;
    }
  }
}

/**
 * Twenty rounds of the cipher Threefry2x32 on a counter of 64 bits under a key of 64 (Salmon et al., "Parallel random numbers:
 * as easy as 1, 2, 3", 2011).
 */
export function threefry2x32(
  counter0: number,
  counter1: number,
  key0: number,
  key1: number,
  words: Uint32Array,
): Uint32Array {
  const key2 = 0x1bd11bda ^ key0 ^ key1;
  let a = (counter0 + key0) | 0;
  let b = (counter1 + key1) | 0;
  for (let turn = 1; turn <= 5; turn++) {
    const isOdd = turn % 2 === 1;
    a = (a + b) | 0;
    b = rotated(b, isOdd ? 13 : 17) ^ a;
    a = (a + b) | 0;
    b = rotated(b, isOdd ? 15 : 29) ^ a;
    a = (a + b) | 0;
    b = rotated(b, isOdd ? 26 : 16) ^ a;
    a = (a + b) | 0;
    b = rotated(b, isOdd ? 6 : 24) ^ a;
    // the three words of the key take turns
    a = (a + (turn % 3 === 0 ? key0 : turn % 3 === 1 ? key1 : key2)) | 0;
    b = (b + (turn % 3 === 0 ? key1 : turn % 3 === 1 ? key2 : key0) + turn) | 0;
  }
  words[0] = a;
  words[1] = b;
  return words;
}

const rotated = (word: number, bits: number) => (word << bits) | (word >>> (32 - bits));
