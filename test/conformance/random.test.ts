import { describe, expect, it } from 'vitest';
import { randomMask, threefry2x32 } from '../../lib/kernels/random.js';
import { addon, noNative, reportNative, withReason } from './backends.js';
import { type Call, input, oracle, output } from './call.js';
import { conform } from './conform.js';

const seeded = (first: number, second: number) => Int32Array.of(first, second);
const maskOf = (seed: Int32Array, length: number, p: number): Call => ({
  kernel: 'randomMask',
  arguments: [input(seed), output(length), p],
});

/** Words of the first counter under the key 0: in a mask they are 32 elements apart. */
const FIRST_WORDS = [0x6b200159, 0x99ba4efe];

describe('threefry2x32', () => {
  it('gives the words that its authors publish', () => {
    const words = (...given: [number, number, number, number]) => [...threefry2x32(...given, new Uint32Array(2))];
    expect(words(0, 0, 0, 0)).toEqual(FIRST_WORDS);
    expect(words(-1, -1, -1, -1)).toEqual([0x1cb996fc, 0xbb002be7]);
    expect(words(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344)).toEqual([0xc4923a9c, 0x483df7a0]);
  });
});

describe('randomMask', () => {
  reportNative();

  it('has the same bits everywhere, at every length around a group and a block', () => {
    for (const length of [0, 1, 15, 16, 17, 63, 64, 65, 100, 127, 128, 4095, 4096, 4097, 10_000, 70_001]) {
      for (const p of [0.5, 0.1]) conform(maskOf(seeded(7, -3), length, p), ['exact'], `${length}, ${p}`);
    }
  });

  it('takes all 64 bits of the seed', () => {
    const seeds = [
      seeded(0, 0),
      seeded(1, 0),
      seeded(0, 1),
      seeded(-(2 ** 31), 0),
      seeded(0, -(2 ** 31)),
      seeded(-1, -1),
    ];
    for (const seed of seeds) conform(maskOf(seed, 300, 0.5), ['exact']);
    const masks = seeds.map((seed) => oracle(maskOf(seed, 300, 0.5))[0].join());
    expect(new Set(masks).size).toBe(seeds.length);
  });

  it('drops a word exactly when it is below p · 2^32', () => {
    FIRST_WORDS.forEach((word, j) => {
      for (const [p, kept] of [
        [word / 2 ** 32, true],
        [(word + 1) / 2 ** 32, false],
        [(word + 0.5) / 2 ** 32, false],
      ] as const) {
        // biome-ignore format: one line
        const call = maskOf(seeded(0, 0), 64, p);
        conform(call, ['exact'], `word ${j}, ${p}`);
        expect(oracle(call)[0][32 * j]).toBe(kept ? 1 / (1 - p) : 0);
      }
    });
  });

  it('keeps all at p = 0 and nothing at p = 1', () => {
    for (const p of [0, 2 ** -40, 1 - 2 ** -40, 1]) conform(maskOf(seeded(5, 5), 1000, p), ['exact'], String(p));
    expect(new Set(oracle(maskOf(seeded(5, 5), 1000, 0))[0])).toEqual(new Set([1]));
    expect(new Set(oracle(maskOf(seeded(5, 5), 1000, 1))[0])).toEqual(new Set([0]));
  });

  it('drops the share it is told, in no pattern', () => {
    const mask = new Float32Array(2 ** 18);
    randomMask(seeded(1, 2), mask, 0.25);
    const dropped = mask.map((v) => Number(v === 0));
    // One standard error of a sum of n choices is √(n·p·(1 − p)); five are allowed.
    const isClose = (sum: number, n: number, p: number) => Math.abs(sum - n * p) < 5 * Math.sqrt(n * p * (1 - p));
    const sum = (values: Float32Array) => values.reduce((total, v) => total + v, 0);
    expect(isClose(sum(dropped), mask.length, 0.25)).toBe(true);
    for (const lag of [1, 2, 4, 16, 64, 4096]) {
      const both = dropped.subarray(lag).map((v, i) => v * dropped[i]);
      expect(isClose(sum(both), both.length, 1 / 16), `lag ${lag}`).toBe(true);
    }
  });

  it.skipIf(noNative)(withReason('p outside [0, 1] is refused'), () => {
    for (const p of [-0.1, 1.1, Number.NaN]) {
      expect(() => addon?.kernels.randomMask(seeded(1, 2), new Float32Array(4), p)).toThrow(
        'randomMask: p must be from 0 to 1',
      );
    }
    expect(() => addon?.kernels.randomMask(Int32Array.of(1), new Float32Array(4), 0.5)).toThrow(
      'shorter than two integers',
    );
  });
});
