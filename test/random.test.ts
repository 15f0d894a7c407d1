import { describe, expect, it } from 'vitest';
import { Generator, manualSeed, rand, randn } from '../lib/index.js';
import { failure } from './failure.js';

const take = <T>(count: number, next: () => T) => Array.from({ length: count }, next);

describe('a seed gives these numbers for ever', () => {
  it('bits', () => {
    const bitsOf = (generator: Generator) => take(4, () => generator.bits());
    expect(bitsOf(new Generator(0))).toEqual([3809008728, 1133695204, 53579671, 2891528803]);
    expect(bitsOf(new Generator(7))).toEqual([1004282400, 2200021487, 1928073449, 741806228]);
    expect(bitsOf(new Generator(2 ** 32 - 1))).toEqual([835879718, 1921286648, 2356205009, 1885780724]);
  });

  it('uniform, normal, integers, permutations', () => {
    const g = new Generator(7);
    expect(take(2, () => g.uniform())).toEqual([0.2338277214186818, 0.44891458133395923]);
    expect(take(3, () => g.normal())).toEqual([-1.2870249601100738, -0.10708196833280312, -1.7702631045594646]);
    expect(take(6, () => g.integer(10))).toEqual([8, 1, 2, 9, 8, 4]);
    expect(Array.from(g.permutation(8))).toEqual([6, 1, 5, 7, 4, 3, 2, 0]);
  });

  it('the default generator', () => {
    manualSeed(7);
    expect(rand([2]).toArray()).toEqual([0.23382772505283356, 0.4489145874977112]);
    expect(randn([2]).toArray()).toEqual([-1.287024974822998, -0.10708196461200714]);
  });
});

describe('the recurrence', () => {
  /** xoshiro128** as its authors publish it, on 64-bit integers. */
  function* reference(state: bigint[]): Generator32 {
    const mask = 0xffffffffn;
    const rotate = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask;
    const s = [...state];
    for (;;) {
      yield Number((rotate((s[1] * 5n) & mask, 7n) * 9n) & mask);
      const t = (s[1] << 9n) & mask;
      s[2] ^= s[0];
      s[3] ^= s[1];
      s[1] ^= s[2];
      s[0] ^= s[3];
      s[2] ^= t;
      s[3] = rotate(s[3], 11n);
    }
  }
  type Generator32 = globalThis.Generator<number, never>;

  it('is xoshiro128**', () => {
    for (const seed of [0, 1, 123456789]) {
      const g = new Generator(seed);
      const expected = reference(g.state.words.map(BigInt));
      expect(take(1000, () => g.bits())).toEqual(take(1000, () => expected.next().value));
    }
  });

  it('starts seeds that differ by one bit far apart', () => {
    const words = new Set(take(100, () => 0).flatMap((_, seed) => new Generator(seed).state.words));
    expect(words.size).toBe(400);
  });
});

describe('distributions', () => {
  const COUNT = 100_000;

  it('bits are 0 and 1 equally often at every place', () => {
    const g = new Generator(1);
    const ones = new Array<number>(32).fill(0);
    for (let i = 0; i < COUNT; i++) {
      const bits = g.bits();
      for (let place = 0; place < 32; place++) ones[place] += (bits >>> place) & 1;
    }
    // One standard error is √COUNT/2 = 158; five are allowed.
    for (const count of ones) expect(Math.abs(count - COUNT / 2)).toBeLessThan(790);
  });

  it('uniform fills its range evenly and leaves out the end', () => {
    const g = new Generator(2);
    const values = take(COUNT, () => g.uniform(-1, 3));
    const bins = new Array<number>(10).fill(0);
    for (const v of values) bins[Math.floor(((v + 1) / 4) * 10)]++;
    expect(bins).toHaveLength(10);
    // χ² of 10 bins has mean 9 and deviation 4.2
    expect(bins.reduce((sum, n) => sum + (n - COUNT / 10) ** 2 / (COUNT / 10), 0)).toBeLessThan(30);
    expect(values.every((v) => v >= -1 && v < 3)).toBe(true);
  });

  it('uniform has more than 32 bits', () => {
    const g = new Generator(3);
    expect(take(20, () => (g.uniform() * 2 ** 32) % 1).some((fraction) => fraction > 0)).toBe(true);
  });

  it('normal has the moments of the normal distribution', () => {
    const g = new Generator(4);
    const values = take(COUNT, () => g.normal(2, 3));
    const z = values.map((v) => (v - 2) / 3);
    const moment = (k: number) => z.reduce((sum, v) => sum + v ** k, 0) / COUNT;
    // Standard errors at this count: 0.0032, 0.0045, 0.0122, 0.031; five of each are allowed.
    expect(Math.abs(moment(1))).toBeLessThan(0.016);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.023);
    expect(Math.abs(moment(3))).toBeLessThan(0.062);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.16);
    const beyond = z.filter((v) => Math.abs(v) > 1.959964).length / COUNT;
    expect(Math.abs(beyond - 0.05)).toBeLessThan(0.0035);
    // Box and Muller's method makes two at a time, which must not depend on each other.
    const pairs = z.reduce((sum, v, i) => sum + (i % 2 ? v * z[i - 1] : 0), 0) / (COUNT / 2);
    expect(Math.abs(pairs)).toBeLessThan(0.023);
  });

  it('integer has no bias, not even where the bound does not divide 2^32', () => {
    const g = new Generator(5);
    const bound = 3 * 2 ** 30; // by remainder alone the lowest third would come up twice as often
    const thirds = [0, 0, 0];
    for (let i = 0; i < 30_000; i++) thirds[Math.floor(g.integer(bound) / 2 ** 30)]++;
    for (const count of thirds) expect(Math.abs(count - 10_000)).toBeLessThan(410);
    expect(take(10, () => g.integer(1))).toEqual(Array(10).fill(0));
    expect(new Set(take(200, () => g.integer(5)))).toEqual(new Set([0, 1, 2, 3, 4]));
    expect(take(10, () => g.integer(2 ** 32)).every((v) => v >= 0 && v < 2 ** 32)).toBe(true);
  });

  it('permutation has every number once and every order equally often', () => {
    const g = new Generator(6);
    const order = g.permutation(1000);
    expect([...order].sort((a, b) => a - b)).toEqual(take(1000, () => 0).map((_, i) => i));
    expect([g.permutation(0).length, [...g.permutation(1)]]).toEqual([0, [0]]);
    const counts = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const key = g.permutation(4).join('');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(160);
  });
});

describe('state', () => {
  it('continues the stream exactly, through JSON, in the middle of a pair of normal numbers too', () => {
    const g = new Generator(8);
    g.bits();
    g.normal();
    const saved = JSON.parse(JSON.stringify(g.state));
    expect(saved.spare).not.toBeNull();
    const expected = take(5, () => g.normal());
    const other = new Generator(99);
    other.state = saved;
    expect(take(5, () => other.normal())).toEqual(expected);
    g.state = saved;
    expect(take(5, () => g.normal())).toEqual(expected);
  });

  it('is a snapshot', () => {
    const g = new Generator(9);
    const { state } = g;
    g.bits();
    expect(g.state).not.toEqual(state);
    state.words[0] = 0;
    expect(g.state.words[0]).not.toBe(0);
  });
});

describe('bad arguments', () => {
  it.each([-1, 1.5, 2 ** 32, Number.NaN, '7' as never])('seed %s', (seed) => {
    expect(failure(() => new Generator(seed))).toBe(
      `ArgumentError ERR_ARGUMENT Generator: seed must be an integer in [0, 2^32), got ${seed}`,
    );
    expect(failure(() => manualSeed(seed))).toContain('seed must be');
  });

  it.each([0, -3, 2.5, 2 ** 32 + 1, Number.NaN])('bound %s', (bound) => {
    expect(failure(() => new Generator(1).integer(bound))).toBe(
      `ArgumentError ERR_ARGUMENT Generator.integer: bound must be an integer in (0, 2^32], got ${bound}`,
    );
  });

  it.each([-1, 1.5, 2 ** 31, Number.NaN])('length %s', (length) => {
    expect(failure(() => new Generator(1).permutation(length))).toBe(
      `ArgumentError ERR_ARGUMENT Generator.permutation: length must be an integer in [0, 2^31), got ${length}`,
    );
  });

  it.each([
    { words: [0, 0, 0, 0], spare: null },
    { words: [1, 2, 3], spare: null },
    { words: [1, 2, 3, 2 ** 32], spare: null },
    { words: [1, 2, 3, 4], spare: Number.NaN },
    {},
  ])('state %j', (state) => {
    const g = new Generator(1);
    const before = g.state;
    expect(failure(() => Object.assign(g, { state }))).toBe(
      'ArgumentError ERR_ARGUMENT Generator.state: words must be four integers in [0, 2^32), not all 0, and spare a number or null',
    );
    expect(g.state).toEqual(before);
  });
});
