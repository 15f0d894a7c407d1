import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import {
  type Batch,
  DataLoader,
  type Dataset,
  type Sample,
  SequentialSampler,
  TensorDataset,
  transforms,
} from '../../lib/data/index.js';
import { ArgumentError, DataError, manualSeed, ShapeError, Tensor, tensor, zeros } from '../../lib/index.js';
import { bitsOf, collect, datasetOf, jitter, labelsOf } from './batches.js';

const wrong = (value: unknown) => value as never;

describe('DataLoader', () => {
  it('makes batches in order, the last one smaller', async () => {
    const loader = new DataLoader(datasetOf(7), { batchSize: 3 });
    expect([loader.length, loader.samples]).toEqual([3, 7]);
    const batches = await collect(loader);
    expect(labelsOf(batches)).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
    expect(batches.map(([x]) => x.shape)).toEqual([
      [3, 1, 2, 2],
      [3, 1, 2, 2],
      [1, 1, 2, 2],
    ]);
    expect(batches[1][0].toArray()).toEqual(
      [3, 4, 5].map((v) => [
        [
          [v, v],
          [v, v],
        ],
      ]),
    );
    expect(batches[0][1].dtype).toBe('int32');
  });

  it('leaves out what does not fill a batch, and copes with batches larger than everything', async () => {
    const dropping = new DataLoader(datasetOf(7), { batchSize: 3, dropLast: true });
    expect([dropping.length, dropping.samples, labelsOf(await collect(dropping))]).toEqual([
      2,
      6,
      [
        [0, 1, 2],
        [3, 4, 5],
      ],
    ]);
    const large = new DataLoader(datasetOf(2), { batchSize: 100 });
    expect([large.length, labelsOf(await collect(large))]).toEqual([1, [[0, 1]]]);
    const none = new DataLoader(datasetOf(2), { batchSize: 100, dropLast: true });
    expect([none.length, none.samples, await collect(none)]).toEqual([0, 0, []]);
    const empty = new DataLoader(datasetOf(0), { shuffle: true });
    expect([empty.length, await collect(empty), empty.epoch]).toEqual([0, [], 1]);
  });

  it('shuffles by seed and epoch alone', async () => {
    const options = { batchSize: 4, shuffle: true, seed: 3 };
    const loader = new DataLoader(datasetOf(10), options);
    const first = labelsOf(await collect(loader)).flat();
    const second = labelsOf(await collect(loader)).flat();
    expect(loader.epoch).toBe(2);
    expect(first).not.toEqual(second);
    for (const order of [first, second]) expect([...order].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const other = new DataLoader(datasetOf(10), options);
    other.epoch = 1;
    expect(labelsOf(await collect(other)).flat()).toEqual(second);
    expect(other.epoch).toBe(2);
    const reseeded = new DataLoader(datasetOf(10), { ...options, seed: 4 });
    expect(labelsOf(await collect(reseeded)).flat()).not.toEqual(first);
  });

  it('gives these orders and random numbers for a seed for ever', async () => {
    const loader = new DataLoader(datasetOf(8), { batchSize: 8, shuffle: true, seed: 2024, transform: jitter });
    const [[x, y]] = await collect(loader);
    expect([y.toArray(), x.data[0]]).toEqual([[0, 2, 7, 3, 6, 5, 4, 1], 0.7947898507118225]);
    const [[, next]] = await collect(loader);
    expect(next.toArray()).toEqual([0, 4, 7, 5, 1, 6, 2, 3]);
  });

  it('draws its seed from the default generator', () => {
    const seedOf = () => new DataLoader(datasetOf(1)).stateDict().seed;
    manualSeed(5);
    const [first, second] = [seedOf(), seedOf()];
    manualSeed(5);
    expect([seedOf(), first === second]).toEqual([first, false]);
  });

  it('gives every sample of every epoch random numbers of its own, whatever the batches', async () => {
    const options = { seed: 1, transform: jitter };
    const whole = await collect(new DataLoader(datasetOf(6), { ...options, batchSize: 6 }));
    const single = await collect(new DataLoader(datasetOf(6), { ...options, batchSize: 1 }));
    const pixels = (batches: Batch[]) => batches.flatMap(([x]) => Array.from(x.data));
    expect(pixels(single)).toEqual(pixels(whole));
    const loader = new DataLoader(datasetOf(6), { ...options, batchSize: 6 });
    await collect(loader);
    const next = pixels(await collect(loader));
    const shares = new Set([...pixels(whole), ...next].map((value) => value % 1));
    expect(shares.size).toBe(12);
  });

  it('changes a sample that is drawn twice in two ways', async () => {
    const sampler = { length: 2, indices: () => [1, 1] };
    const [[x]] = await collect(new DataLoader(datasetOf(2), { batchSize: 2, sampler, transform: jitter, seed: 1 }));
    expect(x.data[0]).not.toBe(x.data[4]);
  });

  it('scales bytes, stacks targets that are tensors, and takes arrays of samples', async () => {
    const sample = (value: number): Sample => ({
      image: new Tensor('uint8', new Uint8Array([value, 255]), [1, 1, 2]),
      label: tensor([value, -value]),
    });
    const [[x, y]] = await collect(new DataLoader([sample(51), sample(0)], { batchSize: 2 }));
    expect(x.toArray()).toEqual([[[[Math.fround(0.2), 1]]], [[[0, 1]]]]);
    expect([y.dtype, y.toArray()]).toEqual([
      'float32',
      [
        [51, -51],
        [0, -0],
      ],
    ]);
    const wide = new TensorDataset(zeros([2, 1]), new Tensor('int64', new BigInt64Array([1n, 2n]), [2]));
    const [[, labels]] = await collect(new DataLoader(wide, { batchSize: 2 }));
    expect([labels.dtype, labels.toArray()]).toEqual(['int64', [1, 2]]);
  });

  it('awaits datasets and transforms, several samples at a time, and keeps their order', async () => {
    let atOnce = 0;
    let most = 0;
    const dataset: Dataset = {
      length: 20,
      async get(index) {
        most = Math.max(most, ++atOnce);
        await sleep((index * 7) % 5);
        atOnce--;
        return { image: tensor([[[index]]]), label: index };
      },
    };
    const transform = async (image: Tensor<'float32'>) => image.mul(2);
    const batches = await collect(new DataLoader(dataset, { batchSize: 10, transform }));
    expect(labelsOf(batches).flat()).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(batches.flatMap(([x]) => Array.from(x.data))).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i));
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(8);
  });

  it('gives datasets the random numbers of a sample, for images and masks together', async () => {
    const dataset: Dataset = {
      length: 3,
      get: (_, generator) => ({ image: tensor([[[generator?.uniform() ?? 0]]]), label: 0 }),
    };
    const draws = async () => bitsOf(await collect(new DataLoader(dataset, { batchSize: 3, seed: 2 })));
    expect(await draws()).toEqual(await draws());
    const [[x]] = await collect(new DataLoader(dataset, { batchSize: 3, seed: 2 }));
    expect(new Set(x.data).size).toBe(3);
  });

  it('applies batch transforms, whose random numbers follow from the batch', async () => {
    const options = { batchSize: 4, seed: 9, batchTransform: new transforms.MixUp({ numClasses: 8 }) };
    const batches = await collect(new DataLoader(datasetOf(8), options));
    expect(batches.map(([, y]) => y.shape)).toEqual([
      [4, 8],
      [4, 8],
    ]);
    expect(bitsOf(await collect(new DataLoader(datasetOf(8), options)))).toEqual(bitsOf(batches));
    const [first, second] = batches.map(([, y]) => y.data[0]);
    expect(first).not.toBe(second);
  });

  it('makes batches in advance, as many as are asked for and no more', async () => {
    const asked: number[] = [];
    const dataset: Dataset = {
      length: 40,
      get(index) {
        asked.push(index);
        return { image: zeros([1, 1, 1]), label: index };
      },
    };
    for (const [prefetch, expected] of [
      [0, 2],
      [1, 4],
      [3, 8],
    ] as const) {
      asked.length = 0;
      const iterator = new DataLoader(dataset, { batchSize: 2, prefetch })[Symbol.asyncIterator]();
      await iterator.next();
      await vi.waitFor(() => expect(asked.length).toBe(expected));
      await sleep(10);
      expect(asked.length).toBe(expected);
      await iterator.return();
    }
  });

  it('lets the event loop run while it works on the main thread', async () => {
    const dataset: Dataset = {
      length: 64,
      get() {
        const end = performance.now() + 2;
        while (performance.now() < end);
        return { image: zeros([1, 1, 1]), label: 0 };
      },
    };
    let turns = 0;
    let isDone = false;
    const turn = () => {
      turns++;
      if (!isDone) setImmediate(turn);
    };
    setImmediate(turn);
    await collect(new DataLoader(dataset, { batchSize: 64 }));
    isDone = true;
    // 2 ms a sample: at the latest after three of them there is a pause
    expect(turns).toBeGreaterThan(64 / 3 - 1);
  });
});

describe('a loop that ends early', () => {
  it('stops the work, and whoever waits gets nothing more', async () => {
    let loaded = 0;
    const dataset: Dataset = {
      length: 1000,
      async get(index) {
        loaded++;
        await sleep(5);
        return { image: zeros([1, 1, 1]), label: index };
      },
    };
    const iterator = new DataLoader(dataset, { batchSize: 8, prefetch: 4 })[Symbol.asyncIterator]();
    await iterator.next();
    const waiting = iterator.next();
    await iterator.return();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    const soon = loaded;
    await sleep(60);
    expect(loaded - soon).toBeLessThanOrEqual(8);
  });

  it('keeps a failure that nobody got to see to itself', async () => {
    const dataset: Dataset = {
      length: 10,
      get(index) {
        if (index > 0) throw new Error('too far');
        return { image: zeros([1, 1, 1]), label: 0 };
      },
    };
    const unhandled: unknown[] = [];
    const listener = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listener);
    for await (const _ of new DataLoader(dataset, { prefetch: 4 })) {
      await sleep(20);
      break;
    }
    await sleep(20);
    process.off('unhandledRejection', listener);
    expect(unhandled).toEqual([]);
  });
});

describe('samples that cannot be loaded', () => {
  const failing = (get: Dataset['get'], source?: Dataset['source']): Dataset => ({ length: 6, get, source });
  const good: Sample = { image: zeros([1, 2, 2]), label: 0 };
  const errorOf = async (dataset: Dataset | Sample[], options = {}): Promise<DataError> => {
    try {
      await collect(new DataLoader(dataset, { batchSize: 3, ...options }));
    } catch (error) {
      return error as DataError;
    }
    throw new Error('nothing was thrown');
  };

  it('are named with their source, and nothing follows', async () => {
    const cause = new TypeError('no such thing');
    const get = (index: number) => {
      if (index === 4) throw cause;
      return good;
    };
    const error = await errorOf(failing(get, (index) => `file${index}.png`));
    expect(error).toBeInstanceOf(DataError);
    expect([error.code, error.message, error.cause]).toEqual([
      'ERR_DATA',
      'DataLoader: sample 4 (file4.png): no such thing',
      cause,
    ]);
    const iterator = new DataLoader(failing(get), { batchSize: 3 })[Symbol.asyncIterator]();
    expect((await iterator.next()).done).toBe(false);
    await expect(iterator.next()).rejects.toThrow('DataLoader: sample 4: no such thing');
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it.each<[string, Dataset | Sample[], object, string]>([
    ['a rejection', failing(() => Promise.reject(new Error('gone'))), {}, 'sample 0: gone'],
    ['what is no error', failing(() => Promise.reject('gone')), {}, 'sample 0: gone'],
    ['no sample', failing(() => wrong(null)), {}, 'sample 0: a sample must be an object { image, label }, got null'],
    [
      'no image',
      [wrong({ label: 1 })],
      {},
      'sample 0: the image of a sample must be a tensor of float32 or uint8, got undefined',
    ],
    [
      'an image of another type',
      [wrong({ image: tensor([true]), label: 1 })],
      {},
      'must be a tensor of float32 or uint8, got bool',
    ],
    [
      'a label that is no class',
      [{ ...good, label: 0.5 }],
      {},
      'sample 0: a label that is a number is a class, an integer, got 0.5; other targets are tensors',
    ],
    ['NaN as label', [{ ...good, label: Number.NaN }], {}, 'an integer, got NaN'],
    [
      'a label that is text',
      [wrong({ ...good, label: 'cat' })],
      {},
      'the label of a sample must be an integer or a tensor, got cat',
    ],
    [
      'other sizes',
      [good, { image: zeros([1, 2, 3]), label: 0 }],
      {},
      'sample 1: images of a batch must have one shape, got [1, 2, 3] beside [1, 2, 2]; transforms.Resize',
    ],
    ['gray among colour', [good, { image: zeros([3, 2, 2]), label: 0 }], {}, 'got [3, 2, 2] beside [1, 2, 2]'],
    [
      'labels of two kinds',
      [good, { ...good, label: tensor([1]) }],
      {},
      'sample 1: labels of a batch must be alike, got float32 [1] beside int32 []',
    ],
    ['a transform that fails', [good], { transform: () => wrong(tensor(1).reshape([2])) }, 'sample 0: reshape'],
    ['a batch transform that fails', [good], { batchTransform: new transforms.MixUp() }, 'DataLoader: batch 0: MixUp'],
    [
      'a batch transform without result',
      [good],
      { batchTransform: () => wrong(undefined) },
      'a batch transform must return [x, y], two tensors',
    ],
  ])('say %s', async (_, dataset, options, message) => {
    const error = await errorOf(dataset, options);
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toContain(message);
    expect(error.message).not.toMatch(/DataLoader:.*DataLoader:/);
  });
});

describe('options that make no sense', () => {
  const dataset = datasetOf(4);
  it.each<[object, string]>([
    [{ batchSize: 0 }, 'batchSize must be an integer of at least 1, got 0'],
    [{ batchSize: 2.5 }, 'batchSize must be an integer of at least 1, got 2.5'],
    [{ workers: -1 }, 'workers must be an integer from 0 to 256, got -1'],
    [{ workers: 1000 }, 'workers must be an integer from 0 to 256, got 1000'],
    [{ prefetch: Number.NaN }, 'prefetch must be an integer of at least 0, got NaN'],
    [{ seed: 2 ** 32 }, `seed must be an integer from 0 to ${2 ** 32 - 1}, got ${2 ** 32}`],
    [
      { shuffle: true, sampler: new SequentialSampler(4) },
      'shuffle and sampler both give the order; leave one of them out',
    ],
    [
      { transform: {} },
      'a transform is a function (image, generator) or an object with a method apply(image, generator)',
    ],
    [{ batchTransform: 3 }, 'a batch transform is a function (batch, generator) or an object with a method applyBatch'],
    [
      { workers: 1, transform: function blur() {} },
      'transform is the function blur, which cannot be sent to worker threads; use workers: 0, or a class with a method recipe()',
    ],
    [
      { workers: 1, transform: new transforms.Compose([() => wrong(0)]) },
      'argument 0 of Compose[0] is a function, which cannot',
    ],
  ])('%o', (options, message) => {
    expect(() => new DataLoader(dataset, options)).toThrow(`DataLoader: ${message}`);
    expect(() => new DataLoader(dataset, options)).toThrow(ArgumentError);
  });

  it('datasets that are none, or that cannot be sent', () => {
    const rule = 'DataLoader: a dataset has a length and a method get(index)';
    for (const none of [null, undefined, 3, {}, { length: 2 }, { get: () => 0 }, (function* () {})()]) {
      expect(() => new DataLoader(wrong(none))).toThrow(rule);
    }
    class Own implements Dataset {
      length = 1;
      get = () => ({ image: zeros([1]), label: 0 });
    }
    expect(() => new DataLoader(new Own(), { workers: 1 })).toThrow(
      'DataLoader: dataset is an object of Own, which cannot be sent to worker threads; use workers: 0, or',
    );
    expect(() => new DataLoader({ length: 1, get: new Own().get }, { workers: 1 })).toThrow(
      'dataset.get is the function get',
    );
  });

  it('samplers that break their promise', () => {
    const start =
      (indices: unknown, length = 2) =>
      () =>
        new DataLoader(dataset, { sampler: { length, indices: () => wrong(indices) } })[Symbol.asyncIterator]();
    expect(start([0])).toThrow('DataLoader: the sampler promised 2 samples and gave 1');
    expect(start(undefined)).toThrow('the sampler promised 2 samples and gave undefined');
    expect(start([0, 4])).toThrow('DataLoader: the sampler gave position 4 of a dataset of 4');
    expect(start([0, -1])).toThrow('position -1');
    expect(start([0, Number.NaN])).toThrow('position NaN');
  });

  it('images of sizes that differ, with the class of the error as cause', async () => {
    const samples = [
      { image: zeros([1, 2, 2]), label: 0 },
      { image: zeros([1, 3, 2]), label: 0 },
    ];
    const error = await collect(new DataLoader(samples, { batchSize: 2 })).catch((reason) => reason);
    expect(error.cause).toBeInstanceOf(ShapeError);
  });
});
