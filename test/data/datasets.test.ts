import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cifar10, digits, fashionMnist, ImageDataset, mnist, readIdx, TensorDataset } from '../../lib/data/index.js';
import { Generator, ones, Tensor, tensor, zeros } from '../../lib/index.js';
import { tarOf } from './archives.js';

const folder = mkdtempSync(join(tmpdir(), 'convforge-data-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('digits', () => {
  it('are the 1,797 of the source, with its class counts and a known first digit', async () => {
    const { images, labels, length } = await digits();
    expect([length, ...images.shape]).toEqual([1797, 1797, 1, 8, 8]);
    const counts = new Array(10).fill(0);
    for (const label of labels.data) counts[label]++;
    expect(counts).toEqual([178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    expect([...images.data.subarray(0, 8)].map((v) => v * 16)).toEqual([0, 0, 5, 13, 9, 1, 0, 0]);
    expect(labels.data[0]).toBe(0);
    expect(Math.max(...images.data)).toBe(1);
  });
});

describe('TensorDataset', () => {
  const dataset = new TensorDataset(
    tensor(
      Float32Array.from({ length: 20 }, (_, i) => i),
      [10, 2],
    ),
    tensor(Int32Array.from({ length: 10 }, (_, i) => i % 3)),
  );

  it('selects copies', () => {
    const { images, labels } = dataset.select([3, 0]);
    expect(images.toArray()).toEqual([
      [6, 7],
      [0, 1],
    ]);
    expect(labels.toArray()).toEqual([0, 0]);
    images.data[0] = 100;
    expect(dataset.images.data[6]).toBe(6);
  });

  it('goes through every sample once, in order or shuffled by the generator', () => {
    const firsts = (options: object) =>
      [...dataset.batches({ batchSize: 4, ...options })]
        .flatMap(({ images }) => images.toArray())
        .map((row) => (row as number[])[0] / 2);
    expect(firsts({})).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const shuffled = firsts({ shuffle: true, generator: new Generator(1) });
    expect(shuffled).not.toEqual(firsts({}));
    expect([...shuffled].sort((a, b) => a - b)).toEqual(firsts({}));
    expect(firsts({ shuffle: true, generator: new Generator(1) })).toEqual(shuffled);
    expect(firsts({ dropLast: true })).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('splits every class by the same share, without overlap', async () => {
    const data = await digits();
    const [rest, held] = data.stratifiedSplit(0.2, new Generator(3));
    expect([rest.length, held.length]).toEqual([1438, 359]);
    for (let digit = 0; digit < 10; digit++) {
      const count = (labels: Int32Array) => labels.filter((label) => label === digit).length;
      expect(count(held.labels.data)).toBe(Math.round(0.2 * count(data.labels.data)));
    }
    const key = (set: TensorDataset, i: number) =>
      `${set.labels.data[i]}:${set.images.data.subarray(i * 64, (i + 1) * 64).join()}`;
    const keys = (set: TensorDataset) => Array.from({ length: set.length }, (_, i) => key(set, i));
    expect([...keys(rest), ...keys(held)].sort()).toEqual(keys(data).sort());
  });

  it('gives samples, copied, and takes any targets', () => {
    const { image, label } = dataset.get(3);
    expect([image.toArray(), label]).toEqual([[6, 7], 0]);
    image.data[0] = 100;
    expect(dataset.images.data[6]).toBe(6);
    expect(() => dataset.get(10)).toThrow('TensorDataset.get: position 10 is outside [0, 10)');
    const masks = new TensorDataset(zeros([3, 2]), ones([3, 2, 2]));
    expect((masks.get(2).label as Tensor).toArray()).toEqual([
      [1, 1],
      [1, 1],
    ]);
    expect(masks.select([1]).labels.shape).toEqual([1, 2, 2]);
    expect(() => masks.stratifiedSplit(0.5)).toThrow(
      'TensorDataset.stratifiedSplit: labels must be classes, int32 [count], got float32 [3, 2, 2]',
    );
  });

  it('refuses what does not fit, in full sentences', () => {
    expect(() => new TensorDataset(zeros([3, 1]), zeros([2], { dtype: 'int32' }))).toThrow(
      'TensorDataset: images [count, ...] and labels [count] must agree, got [3, 1] and [2]',
    );
    expect(() => dataset.select([10])).toThrow('TensorDataset.select: position 10 is outside [0, 10)');
    expect(() => [...dataset.batches({ batchSize: 0 })]).toThrow(
      'TensorDataset.batches: batchSize must be an integer of at least 1, got 0',
    );
    expect(() => dataset.stratifiedSplit(1)).toThrow(
      'TensorDataset.stratifiedSplit: fraction must be in (0, 1), got 1',
    );
  });
});

/** An IDX file of unsigned bytes. */
function idx(shape: number[], data: number[]): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header[2] = 8;
  header[3] = shape.length;
  shape.forEach((extent, axis) => {
    header.writeUInt32BE(extent, 4 + 4 * axis);
  });
  return Buffer.concat([header, Buffer.from(data)]);
}

describe('readIdx', () => {
  it('reads shape and bytes', () => {
    expect(readIdx(idx([2, 3], [1, 2, 3, 4, 5, 6]))).toEqual({ shape: [2, 3], data: Buffer.from([1, 2, 3, 4, 5, 6]) });
  });

  it.each([
    ['nothing', Buffer.alloc(0), 'not an IDX file'],
    ['text', Buffer.from('hello'), 'not an IDX file'],
    ['floats', Buffer.from([0, 0, 13, 1, 0, 0, 0, 0]), 'element type 0xd is not unsigned byte'],
    ['a cut header', Buffer.from([0, 0, 8, 2, 0, 0]), 'the header is cut off'],
    ['cut data', idx([2, 2], [1, 2, 3]), 'shape [2, 2] needs 4 bytes of data, the file has 3'],
    [
      'a huge shape',
      idx([2 ** 31, 2 ** 31], []),
      `shape [${2 ** 31}, ${2 ** 31}] needs ${2 ** 62} bytes of data, the file has 0`,
    ],
  ])('refuses %s', (_, bytes, why) => {
    expect(() => readIdx(bytes)).toThrow(`readIdx: ${why}`);
  });
});

describe('mnist', () => {
  it('reads packed and plain files and scales to 0 … 1', async () => {
    writeFileSync(join(folder, 't10k-images-idx3-ubyte.gz'), gzipSync(idx([2, 1, 2], [0, 255, 51, 102])));
    writeFileSync(join(folder, 't10k-labels-idx1-ubyte'), idx([2], [7, 3]));
    const { images, labels } = await mnist({ split: 'test', root: folder });
    expect([images.shape, labels.toArray()]).toEqual([
      [2, 1, 1, 2],
      [7, 3],
    ]);
    expect([...images.data]).toEqual([0, 1, 0.2, 0.4].map(Math.fround));
  });

  it('says what is missing or damaged', async () => {
    await expect(mnist({ root: folder })).rejects.toThrow(
      `mnist: there is no train-images-idx3-ubyte or train-images-idx3-ubyte.gz in ${folder}`,
    );
    writeFileSync(join(folder, 'train-images-idx3-ubyte.gz'), 'no gzip');
    writeFileSync(join(folder, 'train-labels-idx1-ubyte'), idx([2], [7, 3]));
    await expect(mnist({ root: folder })).rejects.toThrow(
      `mnist: ${join(folder, 'train-images-idx3-ubyte.gz')} is damaged: incorrect header check`,
    );
    writeFileSync(join(folder, 'train-images-idx3-ubyte.gz'), gzipSync(idx([1, 1, 1], [0])));
    await expect(mnist({ root: folder })).rejects.toThrow(
      'mnist: train-images-idx3-ubyte and train-labels-idx1-ubyte do not belong together',
    );
  });

  it('is read from the same files as Fashion-MNIST', async () => {
    const { labels } = await fashionMnist({ split: 'test', root: folder });
    expect(labels.toArray()).toEqual([7, 3]);
    await expect(mnist({ split: 'valid' as never })).rejects.toThrow('mnist: split must be train or test, got "valid"');
  });

  const real = process.env.CONVFORGE_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));
  const hasReal = existsSync(join(real, 'mnist'));
  it.skipIf(!hasReal)(
    'reads the real files (skipped where neither CONVFORGE_DATA nor ../shared/data has mnist/)',
    async () => {
      const { images, labels } = await mnist({ split: 'test', root: join(real, 'mnist') });
      expect(images.shape).toEqual([10000, 1, 28, 28]);
      expect([...labels.data.subarray(0, 5)]).toEqual([7, 2, 1, 0, 4]);
    },
  );
});

describe('ImageDataset', () => {
  const images = new Tensor('uint8', new Uint8Array([0, 255, 51, 102]), [2, 1, 1, 2]);

  it('gives bytes as numbers in 0 … 1', () => {
    const dataset = new ImageDataset(images, tensor([4, 5], { dtype: 'int32' }), ['a']);
    const { image, label } = dataset.get(1);
    expect([image.shape, [...image.data], label]).toEqual([[1, 1, 2], [0.2, 0.4].map(Math.fround), 5]);
    expect([dataset.length, dataset.classes]).toEqual([2, ['a']]);
    expect(() => dataset.get(-1)).toThrow('ImageDataset.get: position -1 is outside [0, 2)');
  });

  it('refuses what does not fit', () => {
    expect(() => new ImageDataset(images, tensor([1], { dtype: 'int32' }))).toThrow(
      'ImageDataset: images [count, c, h, w] and labels [count] must agree, got [2, 1, 1, 2] and [1]',
    );
  });
});

describe('cifar10', () => {
  const root = join(folder, 'cifar');
  /** A record: label, then a plane of each colour. */
  const record = (label: number, colors: number[]) =>
    Buffer.concat([Buffer.from([label]), ...colors.map((value) => Buffer.alloc(1024, value))]);
  const file = (number: number) => Buffer.concat([record(number, [255, 0, 51]), record(9 - number, [number, 0, 0])]);
  const names = ['data_batch_1.bin', 'data_batch_2.bin', 'data_batch_3.bin', 'data_batch_4.bin', 'data_batch_5.bin'];

  beforeEach(() => mkdirSync(root));
  afterEach(() => rmSync(root, { recursive: true }));

  it('reads the files, in their folder or not, and the archive of them', async () => {
    const archive = tarOf(names.map((name, i) => [`cifar-10-batches-bin/${name}`, file(i)] as const));
    const ways: (() => void)[] = [
      () => {
        for (const [i, name] of names.entries()) writeFileSync(join(root, name), file(i));
      },
      () => {
        mkdirSync(join(root, 'cifar-10-batches-bin'));
        for (const [i, name] of names.entries()) writeFileSync(join(root, 'cifar-10-batches-bin', name), file(i));
      },
      () => writeFileSync(join(root, 'cifar-10-binary.tar.gz'), gzipSync(archive)),
    ];
    for (const prepare of ways) {
      prepare();
      const dataset = await cifar10({ root });
      expect([dataset.images.shape, dataset.labels.toArray()]).toEqual([
        [10, 3, 32, 32],
        [0, 9, 1, 8, 2, 7, 3, 6, 4, 5],
      ]);
      const { image } = dataset.get(4);
      expect([0, 1023, 1024, 2048].map((i) => image.data[i])).toEqual([1, 1, 0, Math.fround(0.2)]);
      expect(dataset.classes[9]).toBe('truck');
      rmSync(root, { recursive: true });
      mkdirSync(root);
    }
  });

  it('says what is damaged', async () => {
    const path = join(root, 'test_batch.bin');
    const reading = () => cifar10({ root, split: 'test' });
    writeFileSync(path, file(1).subarray(1));
    await expect(reading()).rejects.toThrow(
      `cifar10: ${path} is damaged: 6145 bytes are no whole number of records of 3073`,
    );
    writeFileSync(path, '');
    await expect(reading()).rejects.toThrow('0 bytes are no whole number of records');
    writeFileSync(path, record(10, [0, 0, 0]));
    await expect(reading()).rejects.toThrow(`${path} is damaged: record 0 has label 10`);
    rmSync(path);
    writeFileSync(join(root, 'cifar-10-binary.tar.gz'), gzipSync(tarOf([['other/file', file(0)]])));
    await expect(reading()).rejects.toThrow('is damaged: it has no cifar-10-batches-bin/test_batch.bin');
    await expect(cifar10({ split: 'all' as never })).rejects.toThrow('cifar10: split must be train or test, got "all"');
  });
});
