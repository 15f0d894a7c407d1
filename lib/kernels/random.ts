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
  for (let at = 0; at < y.length; at += 2 * COUNTERS) {
    for (let k = 0; k < COUNTERS && at + k < y.length; k++) {
      const [first, second] = threefry2x32(at / 2 + k, 0, seed[0], seed[1]);
      y[at + k] = first < threshold ? 0 : scale;
      if (at + COUNTERS + k < y.length) y[at + COUNTERS + k] = second < threshold ? 0 : scale;
    }
  }
}

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24];

/**
 * Twenty rounds of the cipher Threefry2x32 on a counter of 64 bits under a key of 64 (Salmon et al., "Parallel random numbers:
 * as easy as 1, 2, 3", 2011); the words of the result are in [0, 2^32).
 */
export function threefry2x32(counter0: number, counter1: number, key0: number, key1: number): [number, number] {
  const keys = [key0, key1, 0x1bd11bda ^ key0 ^ key1];
  let a = (counter0 + key0) | 0;
  let b = (counter1 + key1) | 0;
  for (let round = 0; round < 20; round++) {
    const rotation = ROTATIONS[round % 8];
    a = (a + b) | 0;
    b = ((b << rotation) | (b >>> (32 - rotation))) ^ a;
    if (round % 4 < 3) continue;
    const turn = (round + 1) / 4;
    a = (a + keys[turn % 3]) | 0;
    b = (b + keys[(turn + 1) % 3] + turn) | 0;
  }
  return [a >>> 0, b >>> 0];
}
