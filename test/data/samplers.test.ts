import { describe, expect, it } from 'vitest';
import {
  DistributedSampler,
  RandomSampler,
  randomSplit,
  type Sampler,
  SequentialSampler,
  Subset,
  SubsetRandomSampler,
  TensorDataset,
  WeightedRandomSampler,
} from '../../lib/data/index.js';
import { ArgumentError, Generator } from '../../lib/index.js';
import { failure } from '../failure.js';
import { numbered } from './batches.js';

const draw = (sampler: Sampler, epoch = 0, seed = 1) => Array.from(sampler.indices(epoch, new Generator(seed)));
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);
const sorted = (values: number[]) => [...values].sort((a, b) => a - b);
const wrong = (value: unknown) => value as never;

describe('SequentialSampler and RandomSampler', () => {
  it('visit every sample once', () => {
    expect(draw(new SequentialSampler({ length: 5 }))).toEqual(upTo(5));
    expect(draw(new SequentialSampler(0))).toEqual([]);
    const random = new RandomSampler(100);
    expect(sorted(draw(random))).toEqual(upTo(100));
    expect(draw(random)).not.toEqual(upTo(100));
    expect(draw(random)).toEqual(draw(random));
    expect(draw(random)).not.toEqual(draw(random, 0, 2));
    expect(draw(new RandomSampler(0))).toEqual([]);
  });

  it('draw fewer, or more, or with replacement', () => {
    const few = draw(new RandomSampler(10, { numSamples: 4 }));
    expect([few.length, new Set(few).size]).toEqual([4, 4]);
    const many = draw(new RandomSampler(10, { numSamples: 25 }));
    for (const begin of [0, 10]) expect(sorted(many.slice(begin, begin + 10))).toEqual(upTo(10));
    expect(new Set(many.slice(20)).size).toBe(5);
    const replaced = draw(new RandomSampler(10, { replacement: true, numSamples: 1000 }));
    // the chance that one of ten is missing is 10 · 0.9^1000
    expect(new Set(replaced).size).toBe(10);
    expect(sorted(replaced.slice(0, 10))).not.toEqual(upTo(10));
  });
});

describe('SubsetRandomSampler', () => {
  it('visits the given positions', () => {
    const sampler = new SubsetRandomSampler([9, 2, 2, 5]);
    expect([sampler.length, sorted(draw(sampler))]).toEqual([4, [2, 2, 5, 9]]);
    expect(draw(new SubsetRandomSampler([]))).toEqual([]);
  });
});

describe('WeightedRandomSampler', () => {
  it('draws in proportion to weights', () => {
    const count = 40_000;
    const drawn = draw(new WeightedRandomSampler([1, 0, 3, 4], count));
    const share = (which: number) => drawn.filter((index) => index === which).length / count;
    expect(share(1)).toBe(0);
    // five standard deviations of a share: 5 · sqrt(0.25 / 40000) = 0.0125
    for (const [which, weight] of [
      [0, 1],
      [2, 3],
      [3, 4],
    ])
      expect(Math.abs(share(which) - weight / 8)).toBeLessThan(0.0125);
  });

  it('draws without replacement, the heavier ones first', () => {
    const sampler = new WeightedRandomSampler([1, 1, 0, 1000], 3, { replacement: false });
    let first = 0;
    for (let seed = 0; seed < 200; seed++) {
      const drawn = draw(sampler, 0, seed);
      expect(sorted(drawn)).toEqual([0, 1, 3]);
      if (drawn[0] === 3) first++;
    }
    // expected 200 · 1000/1002, and fewer than 195 with a chance below 1e-6
    expect(first).toBeGreaterThan(195);
  });

  it('takes weights of any size, and one alone', () => {
    expect(draw(new WeightedRandomSampler([1e300, 1e-300], 5))).toEqual([0, 0, 0, 0, 0]);
    expect(draw(new WeightedRandomSampler(new Float32Array([2]), 2))).toEqual([0, 0]);
    expect(draw(new WeightedRandomSampler([5e-324], 1, { replacement: false }))).toEqual([0]);
  });

  it.each<[unknown[], number, object, string]>([
    [[1, Number.NaN], 1, {}, 'weights must be finite and at least 0, weight 1 is NaN'],
    [[-1], 1, {}, 'weights must be finite and at least 0, weight 0 is -1'],
    [[1, Number.POSITIVE_INFINITY], 1, {}, 'weights must be finite and at least 0, weight 1 is Infinity'],
    [[1e308, 1e308], 1, {}, 'the sum of the weights must be finite'],
    [['x'], 1, {}, 'weights must be finite and at least 0, weight 0 is x'],
    [[0, 0], 1, {}, 'at least one weight must be above 0'],
    [[], 1, {}, 'at least one weight must be above 0'],
    [[1, 1, 0], 3, { replacement: false }, 'cannot draw 3 samples without replacement, 2 weights are above 0'],
    [[1], 0, {}, 'numSamples must be an integer of at least 1, got 0'],
  ])('refuses %o, %i, %o', (weights, count, options, why) => {
    expect(failure(() => new WeightedRandomSampler(wrong(weights), count, options))).toBe(
      `ArgumentError ERR_ARGUMENT WeightedRandomSampler: ${why}`,
    );
  });
});

describe('DistributedSampler', () => {
  const ranks = (length: number, replicas: number, options = {}) =>
    upTo(replicas).map((rank) => new DistributedSampler(length, { rank, replicas, ...options }));

  it('gives every process its share, the same number to each', () => {
    const drawn = ranks(10, 3, { shuffle: false }).map((sampler) => draw(sampler));
    expect(drawn).toEqual([
      [0, 3, 6, 9],
      [1, 4, 7, 0],
      [2, 5, 8, 1],
    ]);
    const dropping = ranks(10, 3, { shuffle: false, dropLast: true }).map((sampler) => draw(sampler));
    expect(dropping).toEqual([
      [0, 3, 6],
      [1, 4, 7],
      [2, 5, 8],
    ]);
    expect(ranks(2, 5, { shuffle: false }).map((sampler) => draw(sampler))).toEqual([[0], [1], [0], [1], [0]]);
    expect(ranks(0, 2).map((sampler) => draw(sampler))).toEqual([[], []]);
  });

  it('shuffles all alike, whatever generators the processes have', () => {
    const epoch = (number: number, seed?: number) =>
      ranks(100, 4, { seed }).flatMap((sampler, rank) => draw(sampler, number, rank));
    expect(sorted(epoch(0))).toEqual(upTo(100));
    expect(epoch(0)).toEqual(epoch(0));
    expect(epoch(0)).not.toEqual(epoch(1));
    expect(epoch(0)).not.toEqual(epoch(0, 7));
  });

  it.each<[object, string]>([
    [{ rank: 3, replicas: 3 }, 'rank must be an integer in [0, 3), got 3'],
    [{ rank: -1, replicas: 3 }, 'rank must be an integer in [0, 3), got -1'],
    [{ rank: 0, replicas: 0 }, 'replicas must be an integer of at least 1, got 0'],
    [{ rank: 0, replicas: 1, seed: -1 }, 'seed must be an integer in [0, 2^32), got -1'],
  ])('refuses %o', (options, why) => {
    expect(failure(() => new DistributedSampler(5, wrong(options)))).toBe(
      `ArgumentError ERR_ARGUMENT DistributedSampler: ${why}`,
    );
  });
});

describe('other samplers refuse', () => {
  it.each<[() => unknown, string]>([
    [
      () => new SequentialSampler(wrong(-1)),
      'SequentialSampler: needs a dataset, or its length as an integer in [0, 2^31), got -1',
    ],
    [
      () => new SequentialSampler(wrong(undefined)),
      'SequentialSampler: needs a dataset, or its length as an integer in [0, 2^31), got undefined',
    ],
    [() => new RandomSampler(0, { numSamples: 1 }), 'RandomSampler: cannot draw 1 samples from an empty dataset'],
    [
      () => new RandomSampler(4, { numSamples: 1.5 }),
      'RandomSampler: numSamples must be an integer of at least 0, got 1.5',
    ],
    [
      () => new SubsetRandomSampler([0, -2]),
      'SubsetRandomSampler: position 1 must be an integer of at least 0, got -2',
    ],
  ])('%s', (call, why) => {
    expect(failure(call)).toBe(`ArgumentError ERR_ARGUMENT ${why}`);
  });
});

describe('Subset and randomSplit', () => {
  const { images, labels } = numbered(10);
  const dataset = new TensorDataset(images, labels);
  const labelsIn = (subset: Subset) => upTo(subset.length).map((i) => (subset.get(i) as { label: number }).label);

  it('are parts of a dataset', () => {
    expect(labelsIn(new Subset(dataset, [3, 3, 0]))).toEqual([3, 3, 0]);
    expect(() => new Subset(dataset, [10])).toThrow('Subset: position 10 is outside [0, 10)');
    expect(() => new Subset(dataset, [1]).get(1)).toThrow('Subset.get: position 1 is outside [0, 1)');
    const named = { length: 2, get: dataset.get.bind(dataset), source: (index: number) => `file ${index}` };
    expect(new Subset(named, [1]).source(0)).toBe('file 1');
  });

  it.each([[[7, 3]], [[0.7, 0.3]], [[10, 0]], [[0.35, 0.35, 0.3]], [[1]]])('splits by %o', (lengths) => {
    const parts = randomSplit(dataset, lengths, new Generator(4));
    expect(sorted(parts.flatMap(labelsIn))).toEqual(upTo(10));
    if (lengths[0] === 7 || lengths[0] === 0.7) expect(parts.map(({ length }) => length)).toEqual([7, 3]);
  });

  it('refuses lengths that do not add up', () => {
    const split = (lengths: number[]) => () => randomSplit(dataset, lengths);
    expect(split([7, 2])).toThrow('randomSplit: lengths must add up to 10, or shares to 1, got [7, 2]');
    expect(split([0.5, 0.4])).toThrow(ArgumentError);
    expect(split([11, -1])).toThrow(ArgumentError);
    expect(split([Number.NaN, 10])).toThrow(ArgumentError);
  });
});
