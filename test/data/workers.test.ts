import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type * as dataModule from '../../lib/data/index.js';
import type { Batch, DataLoader, DataLoaderOptions, Dataset } from '../../lib/data/index.js';
import type * as coreModule from '../../lib/index.js';
import { type CompiledPackage, child, compilePackage, runNode } from '../compiled.js';
import { bitsOf, collect, labelsOf } from './batches.js';

// Worker threads run what is compiled, so everything here comes from there.
let compiled: CompiledPackage;
let core: typeof coreModule;
let data: typeof dataModule;
let own: {
  samples: (address: string, count: number, deeds?: Record<string, unknown>) => Promise<Dataset>;
  Noise: new (amount: number) => dataModule.transforms.Transform;
  Unknown: new () => dataModule.transforms.Transform;
  Elsewhere: new () => dataModule.transforms.Transform;
  Itself: new () => dataModule.transforms.BatchTransform;
  Always: new (targets: coreModule.Tensor) => dataModule.transforms.BatchTransform;
};
const loaders: DataLoader[] = [];

beforeAll(async () => {
  compiled = compilePackage();
  core = await import(/* @vite-ignore */ compiled.url('index.js'));
  data = await import(/* @vite-ignore */ compiled.url('data/index.js'));
  own = await import(/* @vite-ignore */ pathToFileURL(child('samples.mjs')).href);
});

afterAll(async () => {
  await Promise.all(loaders.map((loader) => loader.close()));
  compiled.remove();
});

function loaderOf(dataset: Dataset, options: DataLoaderOptions): DataLoader {
  const loader = new data.DataLoader(dataset, options);
  loaders.push(loader);
  return loader;
}

const samples = (count: number, deeds?: Record<string, unknown>) => own.samples(compiled.url('index.js'), count, deeds);

function images(count: number) {
  const { Generator, rand, tensor } = core;
  const labels = Int32Array.from({ length: count }, (_, i) => i % 5);
  return new data.TensorDataset(rand([count, 3, 6, 6], { generator: new Generator(1) }), tensor(labels));
}

describe('batches do not depend on the number of workers', () => {
  it('with augmentation, mixing and a shuffled subset', async () => {
    const { transforms, Subset } = data;
    const options = {
      batchSize: 4,
      shuffle: true,
      seed: 5,
      transform: new transforms.Compose([
        new transforms.RandomCrop(6, { padding: 2 }),
        new transforms.RandomApply([new transforms.ColorJitter({ hue: 0.2, brightness: 0.3 })]),
        new transforms.Resize([5, 7]),
        new transforms.RandomErasing({ value: 'random' }),
        new own.Noise(0.1),
      ]),
      batchTransform: new transforms.RandomChoice([
        new transforms.MixUp({ numClasses: 5 }),
        new transforms.CutMix({ numClasses: 5 }),
      ]),
    };
    const dataset = new Subset(images(30), [3, 1, 4, 15, 9, 2, 6, 5, 28, 17, 29]);
    const made: unknown[] = [];
    for (const workers of [0, 1, 2]) {
      const loader = loaderOf(dataset, { ...options, workers });
      const epochs = [...(await collect(loader)), ...(await collect(loader))];
      expect(epochs.map(([x, y]) => [x.shape, y.shape]).slice(0, 3)).toEqual([
        [
          [4, 3, 5, 7],
          [4, 5],
        ],
        [
          [4, 3, 5, 7],
          [4, 5],
        ],
        [
          [3, 3, 5, 7],
          [3, 5],
        ],
      ]);
      made.push(bitsOf(epochs));
    }
    expect(made[1]).toEqual(made[0]);
    expect(made[2]).toEqual(made[0]);
  });

  it.each(['TensorDataset', 'ImageDataset', 'array', 'float targets'])('of %s', async (kind) => {
    const { tensor, Tensor, ones } = core;
    const bytes = Uint8Array.from({ length: 7 * 12 }, (_, i) => (i * 37) % 256);
    const labels = tensor(Int32Array.from({ length: 7 }, (_, i) => i));
    const datasets: Record<string, Dataset | dataModule.Sample[]> = {
      TensorDataset: images(7),
      ImageDataset: new data.ImageDataset(new Tensor('uint8', bytes, [7, 3, 2, 2]), labels, ['a', 'b']),
      array: [1, 2, 3].map((label) => ({ image: ones([1, 2, 2]).mul(label), label: ones([2, 3]).mul(label) })),
      'float targets': new data.TensorDataset(ones([5, 2]), ones([5, 3])),
    };
    const dataset = datasets[kind] as Dataset;
    const [alone, together] = [0, 2].map((workers) => loaderOf(dataset, { batchSize: 2, workers }));
    expect(bitsOf(await collect(together))).toEqual(bitsOf(await collect(alone)));
  });

  it('of image files, cached or not', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'convforge-workers-'));
    try {
      const { encodeImage } = await import(/* @vite-ignore */ compiled.url('io/index.js'));
      const rows = ['path,label'];
      for (let i = 0; i < 9; i++) {
        writeFileSync(join(folder, `${i}.png`), await encodeImage(core.rand([3, 4, 5]), 'png'));
        rows.push(`${i}.png,${i % 2 ? 'odd' : 'even'}`);
      }
      writeFileSync(join(folder, 'index.csv'), rows.join('\n'));
      const made: unknown[] = [];
      for (const cache of [false, true]) {
        const dataset = await data.csvIndex(join(folder, 'index.csv'), { cache });
        for (const workers of [0, 2]) {
          const loader = loaderOf(dataset, { batchSize: 4, shuffle: true, seed: 1, workers });
          made.push(bitsOf([...(await collect(loader)), ...(await collect(loader))]));
        }
        if (cache) {
          // what is cached needs no files: the workers have filled the memory that this thread reads
          rmSync(join(folder, '3.png'));
          expect(await dataset.get(3)).toMatchObject({ label: 1 });
        }
      }
      for (const each of made.slice(1)) expect(each).toEqual(made[0]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each(['its own inputs', 'a tensor that it keeps'])(
    'with a batch transform that makes targets of %s',
    async (what) => {
      const batchTransform = what === 'its own inputs' ? new own.Itself() : new own.Always(core.ones([2, 4]));
      const [alone, together] = [0, 1].map((workers) =>
        loaderOf(images(14), { batchSize: 2, workers, batchTransform }),
      );
      for (let epoch = 0; epoch < 2; epoch++)
        expect(bitsOf(await collect(together))).toEqual(bitsOf(await collect(alone)));
    },
  );

  it('when they go on in the middle of an epoch', async () => {
    const options = { batchSize: 3, shuffle: true, seed: 2, transform: new own.Noise(1) };
    const whole = bitsOf(await collect(loaderOf(await samples(20), options)));
    const before = loaderOf(await samples(20), { ...options, workers: 2 });
    let state = before.stateDict();
    const taken: Batch[] = [];
    for await (const batch of before) {
      taken.push(batch);
      state = JSON.parse(JSON.stringify(before.stateDict()));
      if (state.batch === 3) break;
    }
    const after = loaderOf(await samples(20), { ...options, workers: 1, seed: 77 });
    after.loadStateDict(state);
    taken.push(...(await collect(after)));
    expect(bitsOf(taken)).toEqual(whole);
  });
});

describe('workers', () => {
  it('share the work, in threads of their own', async () => {
    const loader = loaderOf(await samples(40, { tellThread: true, 0: 'wait', 1: 'wait' }), {
      batchSize: 1,
      workers: 2,
    });
    const batches = await collect(loader);
    expect(labelsOf(batches).flat()).toEqual(Array.from({ length: 40 }, (_, i) => i));
    const threads = new Set(batches.map(([x]) => x.data[1]));
    expect(threads.size).toBe(2);
    expect(threads.has(0)).toBe(false);
  });

  it('take classes of CommonJS modules', async () => {
    const { Double } = createRequire(import.meta.url)(child('transform.cjs'));
    const batches = await collect(loaderOf(await samples(3), { workers: 1, transform: new Double() }));
    expect(batches.map(([x]) => x.data[0])).toEqual([0, 2, 4]);
  });

  it('give tensors that stay as they are while others are made', async () => {
    const loader = loaderOf(await samples(50), { batchSize: 2, workers: 2, prefetch: 8 });
    const kept = await collect(loader);
    await collect(loader);
    expect(kept.flatMap(([x]) => Array.from(x.data).filter((_, i) => i % 2 === 0))).toEqual(
      Array.from({ length: 50 }, (_, i) => i),
    );
  });

  it('survive loops that are left early, and several loops at once', async () => {
    const loader = loaderOf(await samples(30), { batchSize: 2, workers: 2 });
    for (let i = 0; i < 5; i++) for await (const _ of loader) break;
    const [a, b] = await Promise.all([collect(loader), collect(loader)]);
    expect(labelsOf(a)).toEqual(labelsOf(b));
    expect(labelsOf(a).flat()).toEqual(Array.from({ length: 30 }, (_, i) => i));
  });

  it('end when they are closed, and start anew for the next loop', async () => {
    const loader = loaderOf(await samples(8, { 5: 'wait' }), { batchSize: 1, workers: 1, prefetch: 0 });
    const iterator = loader[Symbol.asyncIterator]();
    for (let i = 0; i < 5; i++) await iterator.next();
    const waiting = iterator.next();
    await Promise.all([
      expect(waiting).rejects.toMatchObject({
        code: 'ERR_ABORTED',
        message: 'DataLoader: closed while batches were loaded',
      }),
      loader.close(),
    ]);
    expect(await iterator.next()).toMatchObject({ done: true });
    expect(labelsOf(await collect(loader)).flat()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    await loader.close();
    await loader.close();
  });
});

describe('a worker that fails', () => {
  const errorOf = async (deeds: Record<string, unknown>, options: DataLoaderOptions = {}) => {
    const loader = loaderOf(await samples(12, deeds), { batchSize: 3, workers: 2, ...options });
    const error = await collect(loader).catch((reason) => reason);
    return { loader, error };
  };

  it('at a sample says at which, keeps class and code of the error, and works on', async () => {
    const { loader, error } = await errorOf({ 7: 'throw' });
    expect(error).toBeInstanceOf(core.DataError);
    expect(error.message).toBe('DataLoader: sample 7 (sample-7.bin): out of luck');
    expect(error.cause).toMatchObject({ name: 'RangeError', message: 'out of luck', code: 'ERR_LUCK' });
    expect(error.cause.stack).toContain('samples.mjs');
    const received: number[] = [];
    const again = async () => {
      for await (const [, y] of loader) received.push(...(y.data as Int32Array));
    };
    await expect(again()).rejects.toThrow('sample 7');
    expect(received).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('by ending the thread says so, with the samples in work', async () => {
    const { loader, error } = await errorOf({ 4: 'exit' });
    expect(error).toBeInstanceOf(core.DataError);
    expect(error.message).toMatch(
      /^DataLoader: worker [01] ended with code 3 while it loaded samples? .*4 \(sample-4\.bin\)/,
    );
    // the next loop has new threads, and meets the same end
    await expect(collect(loader)).rejects.toThrow('ended with code 3');
  });

  it('by an error outside of any sample says what happened', async () => {
    const { error } = await errorOf({ 4: 'die' });
    expect(error.message).toMatch(
      /^DataLoader: worker [01] failed: a stray failure while it loaded samples? .*4 \(sample-4\.bin\)/,
    );
  });

  it('in a batch transform says in which batch', async () => {
    const { MixUp } = data.transforms;
    const { error } = await errorOf({}, { batchTransform: new MixUp({ numClasses: 5 }) });
    expect(error.message).toBe('DataLoader: batch 1: MixUp: label 5 at position 2 is outside [0, 5)');
  });

  it('before it starts says why', async () => {
    const unknown = await errorOf({}, { transform: new own.Unknown() });
    expect(unknown.error.message).toMatch(
      /^DataLoader: a worker cannot start: file:.*samples\.mjs exports no class or function NotExported, which a recipe\(\) names$/,
    );
    const elsewhere = await errorOf({}, { transform: new own.Elsewhere() });
    expect(elsewhere.error.message).toMatch(
      /^DataLoader: a worker cannot start: Cannot find module .*no-such-module\.mjs/,
    );
    // a subclass without a recipe of its own
    const subclass = class Own extends data.transforms.Resize {};
    const subclassed = await errorOf({}, { transform: new subclass(3) });
    expect(subclassed.error.message).toContain('exports no class or function Own');
  });
});

describe('the process', () => {
  const program = (body: string) => ({
    code: `
      import { zeros } from '${compiled.url('index.js')}';
      import { DataLoader, TensorDataset, transforms } from '${compiled.url('data/index.js')}';
      const dataset = new TensorDataset(zeros([64, 1, 4, 4]), zeros([64], { dtype: 'int32' }));
      const options = { batchSize: 4, workers: 2, transform: new transforms.RandomHorizontalFlip() };
      const loader = new DataLoader(dataset, options);
      ${body}`,
  });

  it('ends by itself after a loop, after one that was left, and without any', () => {
    const bodies = [
      'let count = 0; for await (const [x] of loader) count += x.shape[0]; console.log(count);',
      'for await (const _ of loader) break; console.log(64);',
      'const first = loader[Symbol.asyncIterator](); await first.next(); console.log(64);',
      'console.log(64);',
    ];
    for (const body of bodies)
      expect(runNode(program(body))).toEqual({ status: 0, signal: null, stdout: '64\n', stderr: '' });
  });

  it('keeps its memory over many epochs', () => {
    const { stdout, stderr } = runNode(
      program(`
        const large = new TensorDataset(zeros([128, 3, 32, 32]), zeros([128], { dtype: 'int32' }));
        const looping = new DataLoader(large, { ...options, batchSize: 32 });
        const epochs = async (count) => {
          for (let i = 0; i < count; i++) for await (const _ of looping);
        };
        await epochs(100);
        const before = process.memoryUsage.rss();
        await epochs(400);
        console.log((process.memoryUsage.rss() - before) / 2 ** 20);`),
    );
    expect(stderr).toBe('');
    // 400 epochs of four batches of 384 KiB are 600 MiB; what is kept by mistake would show
    expect(Number(stdout)).toBeLessThan(60);
  });
});
