import { describe, expect, it, vi } from 'vitest';
import { DataLoader, iterableDataset, type Sample } from '../../lib/data/index.js';
import { tensor, zeros } from '../../lib/index.js';
import { bitsOf, collect, jitter, labelsOf } from './batches.js';

const wrong = (value: unknown) => value as never;

describe('iterables', () => {
  async function* count(end: number): AsyncGenerator<Sample> {
    for (let i = 0; i < end; i++) yield { image: tensor([[[i]]]), label: i };
  }

  it('are read in order, epoch by epoch', async () => {
    const epochs: number[] = [];
    const dataset = iterableDataset((epoch) => {
      epochs.push(epoch);
      return count(5);
    });
    const loader = new DataLoader(dataset, { batchSize: 2 });
    expect([loader.length, loader.samples]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    expect(labelsOf(await collect(loader))).toEqual([[0, 1], [2, 3], [4]]);
    expect(labelsOf(await collect(loader))).toEqual([[0, 1], [2, 3], [4]]);
    expect(epochs).toEqual([0, 1]);
    const known = new DataLoader(
      iterableDataset(() => count(5), { length: 5 }),
      { batchSize: 2, dropLast: true },
    );
    expect([known.length, known.samples]).toEqual([2, 4]);
    expect(labelsOf(await collect(known))).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  it('are shuffled within a buffer, by seed and epoch', async () => {
    const order = async (shuffleBuffer: number, seed = 1) =>
      labelsOf(
        await collect(
          new DataLoader(
            iterableDataset(() => count(50), { shuffleBuffer }),
            { batchSize: 50, shuffle: true, seed },
          ),
        ),
      ).flat() as number[];
    const shuffled = await order(10);
    expect(await order(10)).toEqual(shuffled);
    expect(await order(10, 2)).not.toEqual(shuffled);
    expect([...shuffled].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    // no sample comes before its time: the k-th is among the first k + 10
    expect(shuffled.every((label, place) => label <= place + 10)).toBe(true);
    expect(shuffled.slice(0, 40).some((label, place) => label > place + 3)).toBe(true);
    expect(await order(1)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it('are continued where they were left', async () => {
    const options = { batchSize: 4, shuffle: true, seed: 6, transform: jitter };
    const dataset = iterableDataset(() => count(23), { shuffleBuffer: 5 });
    const whole = bitsOf(await collect(new DataLoader(dataset, options)));
    const loader = new DataLoader(dataset, options);
    let state = loader.stateDict();
    for await (const _ of loader) {
      state = JSON.parse(JSON.stringify(loader.stateDict()));
      if (state.batch === 2) break;
    }
    const resumed = new DataLoader(dataset, options);
    resumed.loadStateDict(state);
    expect(bitsOf(await collect(resumed))).toEqual(whole.slice(2));
  });

  it('are closed when a loop is left', async () => {
    let isClosed = false;
    const dataset = iterableDataset(async function* () {
      try {
        yield* count(100);
      } finally {
        isClosed = true;
      }
    });
    for await (const _ of new DataLoader(dataset)) break;
    await vi.waitFor(() => expect(isClosed).toBe(true));
  });

  it('fail in words', async () => {
    const failing = iterableDataset(async function* () {
      yield* count(3);
      throw new Error('the source has dried up');
    });
    await expect(collect(new DataLoader(failing, { batchSize: 2 }))).rejects.toThrow('the source has dried up');
    const cut = iterableDataset([
      { image: zeros([1]), label: 0 },
      { image: zeros([2]), label: 0 },
    ]);
    await expect(collect(new DataLoader(cut, { batchSize: 2 }))).rejects.toThrow(
      'DataLoader: sample 1: images of a batch',
    );
    expect(() => iterableDataset(wrong(3))).toThrow('iterableDataset: source must be iterable, or a function');
    expect(() => iterableDataset([], { shuffleBuffer: 0 })).toThrow(
      'shuffleBuffer must be an integer of at least 1, got 0',
    );
    expect(() => iterableDataset([], { length: -1 })).toThrow('length must be an integer of at least 0, got -1');
    expect(() => new DataLoader(iterableDataset([]), { workers: 1 })).toThrow('an iterable gives its samples in order');
    expect(() => new DataLoader(iterableDataset(() => wrong(1)))[Symbol.asyncIterator]()).toThrow(
      'iterableDataset: the function must return something iterable',
    );
  });
});
