import { describe, expect, it } from 'vitest';
import { type Batch, DataLoader, type LoaderState } from '../../lib/data/index.js';
import { bitsOf, collect, datasetOf, jitter } from './batches.js';

const wrong = (value: unknown) => value as never;

describe('the place in the data', () => {
  const options = { batchSize: 3, shuffle: true, seed: 11, transform: jitter };

  it('counts what the consumer has received, not what was made in advance', async () => {
    const loader = new DataLoader(datasetOf(10), { ...options, prefetch: 3 });
    expect(loader.stateDict()).toEqual({ seed: 11, epoch: 0, batch: 0, batchSize: 3, samples: 10 });
    const states: LoaderState[] = [];
    for await (const _ of loader) states.push(loader.stateDict());
    expect(states.map(({ epoch, batch }) => [epoch, batch])).toEqual([
      [0, 1],
      [0, 2],
      [0, 3],
      [0, 4],
    ]);
    expect(loader.stateDict()).toMatchObject({ epoch: 1, batch: 0 });
  });

  it.each([0, 1, 2, 3, 4, 5, 7, 8])('goes on after %i batches with exactly what was to come', async (received) => {
    const loader = new DataLoader(datasetOf(10), options);
    const uninterrupted = [...(await collect(loader)), ...(await collect(loader))];
    const before = new DataLoader(datasetOf(10), options);
    const taken: Batch[] = [];
    let state = before.stateDict();
    while (taken.length < received) {
      for await (const batch of before) {
        taken.push(batch);
        state = JSON.parse(JSON.stringify(before.stateDict()));
        if (taken.length === received) break;
      }
    }
    // the seed is part of the state
    const after = new DataLoader(datasetOf(10), { ...options, seed: 99 });
    after.loadStateDict(state);
    expect(after.stateDict()).toEqual(state);
    while (taken.length < 8) taken.push(...(await collect(after)));
    expect(bitsOf(taken.slice(0, 8))).toEqual(bitsOf(uninterrupted));
  });

  it('ends an epoch of which nothing is left', async () => {
    const loader = new DataLoader(datasetOf(6), options);
    loader.loadStateDict({ seed: 11, epoch: 4, batch: 2, batchSize: 3, samples: 6 });
    expect(await collect(loader)).toEqual([]);
    expect(loader.stateDict()).toMatchObject({ epoch: 5, batch: 0 });
  });

  it('starts an epoch over that was left early', async () => {
    const loader = new DataLoader(datasetOf(10), options);
    for await (const _ of loader) break;
    expect(loader.stateDict()).toMatchObject({ epoch: 0, batch: 1 });
    const whole = await collect(loader);
    expect(bitsOf(whole)).toEqual(bitsOf(await collect(new DataLoader(datasetOf(10), options))));
  });

  it('is that of the loop begun last', async () => {
    const loader = new DataLoader(datasetOf(10), options);
    const older = loader[Symbol.asyncIterator]();
    await older.next();
    const newer = loader[Symbol.asyncIterator]();
    await older.next();
    await older.next();
    expect(loader.stateDict()).toMatchObject({ epoch: 0, batch: 0 });
    await newer.next();
    expect(loader.stateDict()).toMatchObject({ epoch: 0, batch: 1 });
    await Promise.all([older.return(), newer.return()]);
  });

  it('refuses states that are none, or of other data', () => {
    const loader = new DataLoader(datasetOf(10), options);
    const state = loader.stateDict();
    const loading = (changes: object) => () => loader.loadStateDict({ ...state, ...changes });
    expect(() => loader.loadStateDict(wrong(null))).toThrow(
      'DataLoader.loadStateDict: the state must be what stateDict() gave',
    );
    expect(loading({ samples: 11 })).toThrow(
      'DataLoader.loadStateDict: the state is of 11 samples in batches of 3, this loader has 10 in batches of 3',
    );
    expect(loading({ batchSize: 2 })).toThrow('in batches of 2, this loader has 10 in batches of 3');
    expect(loading({ batch: 5 })).toThrow('DataLoader: the batch of the state must be an integer from 0 to 4, got 5');
    expect(loading({ epoch: -1 })).toThrow('the epoch of the state must be an integer from 0 to');
    expect(loading({ seed: 'x' })).toThrow('the seed of the state must be an integer from 0 to');
    expect(loader.stateDict()).toEqual(state);
  });
});
