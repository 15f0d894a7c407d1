import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { csvIndex, DataLoader, type ImageFiles, imageFolder } from '../../lib/data/index.js';
import { ArgumentError, DataError, full, type Tensor } from '../../lib/index.js';
import { encodeImage } from '../../lib/io/index.js';
import { tarOf, withSize } from './archives.js';
import { collect } from './batches.js';

const folder = mkdtempSync(join(tmpdir(), 'convforge-images-'));
afterAll(() => rmSync(folder, { recursive: true }));
const inFolder = (...names: string[]) => join(folder, ...names);
const wrong = (value: unknown) => value as never;

function write(path: string, bytes: Uint8Array | string): void {
  mkdirSync(dirname(inFolder(path)), { recursive: true });
  writeFileSync(inFolder(path), bytes);
}

/** A picture of one colour, or of one gray level. */
const picture = (level: number, shape = [3, 2, 2], format: 'png' | 'jpg' | 'webp' = 'png') =>
  encodeImage(full(shape, level / 255), format);
const levelOf = async (dataset: ImageFiles, index: number) =>
  Math.round(255 * (await dataset.get(index)).image.data[0]);

beforeAll(async () => {
  write('pets/dog/2.png', await picture(20));
  write('pets/dog/1.PNG', await picture(10));
  write('pets/cat/deep/down/3.jpg', await picture(30, [3, 2, 2], 'jpg'));
  write('pets/cat/4.webp', await picture(40, [3, 2, 2], 'webp'));
  write('pets/cat/.hidden.png', 'no picture');
  write('pets/cat/notes.txt', 'no picture');
  write('pets/.git/x.png', 'no picture');
  write('pets/stray.png', 'no picture');
});

describe('imageFolder', () => {
  it('takes folders as classes, and finds images at any depth', async () => {
    const dataset = await imageFolder(inFolder('pets'));
    expect([dataset.length, dataset.classes, [...dataset.labels]]).toEqual([4, ['cat', 'dog'], [0, 0, 1, 1]]);
    expect([0, 1, 2, 3].map((i) => dataset.source(i))).toEqual(
      ['cat/4.webp', 'cat/deep/down/3.jpg', 'dog/1.PNG', 'dog/2.png'].map((path) => inFolder('pets', path)),
    );
    expect(await Promise.all([0, 1, 2, 3].map((i) => levelOf(dataset, i)))).toEqual([40, 30, 10, 20]);
    const { image, label } = await dataset.get(3);
    expect([image.shape, image.dtype, label]).toEqual([[3, 2, 2], 'float32', 1]);
    expect(() => dataset.get(4)).toThrow('imageFolder: get: position 4 is outside [0, 4)');
  });

  it('follows links to folders', async () => {
    mkdirSync(inFolder('linked'));
    symlinkSync(inFolder('pets', 'dog'), inFolder('linked', 'hound'), 'dir');
    expect((await imageFolder(inFolder('linked'))).classes).toEqual(['hound']);
  });

  it('names links that lead nowhere when they are asked for', async () => {
    write('broken/a/1.png', await picture(1));
    for (const name of ['2.png', 'folder']) symlinkSync(inFolder('nowhere'), inFolder('broken', 'a', name));
    const dataset = await imageFolder(inFolder('broken'));
    expect(dataset.length).toBe(2);
    const missing = inFolder('broken', 'a', '2.png');
    await expect(dataset.get(1)).rejects.toThrow(`${missing} cannot be read: there is no such file or folder`);
  });

  it('makes gray and coloured images alike', async () => {
    write('mixed/a/gray.png', await picture(100, [1, 2, 2]));
    write('mixed/a/rgb.png', await picture(50));
    const [[colour]] = await collect(new DataLoader(await imageFolder(inFolder('mixed')), { batchSize: 2 }));
    expect(colour.shape).toEqual([2, 3, 2, 2]);
    const gray = await imageFolder(inFolder('mixed'), { mode: 'gray' });
    const [[levels]] = await collect(new DataLoader(gray, { batchSize: 2 }));
    expect([levels.shape, Math.round(255 * levels.data[0])]).toEqual([[2, 1, 2, 2], 100]);
  });

  it('reads archives, whatever folders are around', async () => {
    const files = [
      ['dog/2.png', await picture(20)],
      ['cat/1.png', await picture(10)],
      [`cat/${'long/'.repeat(30)}3.png`, await picture(30)],
      ['readme.txt', Buffer.from('no picture')],
    ] as const;
    for (const [name, prefix] of [
      ['plain.tar', ''],
      ['packed.tgz', './train/'],
      ['deep.tar.gz', 'a/b/'],
    ] as const) {
      const tar = tarOf([
        [prefix || 'x/', Buffer.alloc(0), '5'],
        ...files.map(([path, data]) => [prefix + path, data] as const),
      ]);
      write(name, name.endsWith('z') ? gzipSync(tar) : tar);
      const dataset = await imageFolder(inFolder(name));
      expect([dataset.classes, [...dataset.labels]]).toEqual([
        ['cat', 'dog'],
        [0, 0, 1],
      ]);
      expect(await Promise.all([0, 1, 2].map((i) => levelOf(dataset, i)))).toEqual([10, 30, 20]);
      expect(dataset.source(2)).toBe(`${inFolder(name)}: ${prefix.replace('./', '')}dog/2.png`);
    }
    // of one class alone the innermost shared folder is the class
    write(
      'one.tar',
      tarOf([
        ['train/cat/1.png', files[0][1]],
        ['train/cat/2.png', files[1][1]],
      ]),
    );
    expect((await imageFolder(inFolder('one.tar'))).classes).toEqual(['cat']);
  });

  it('decodes once with a cache, to the same numbers', async () => {
    const [plain, cached] = [await imageFolder(inFolder('pets')), await imageFolder(inFolder('pets'), { cache: true })];
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 4; i++) {
        const [expected, found] = [await plain.get(i), await cached.get(i)];
        expect([found.label, found.image.toArray()]).toEqual([expected.label, expected.image.toArray()]);
        // who changes an image changes it for himself
        (found.image as Tensor<'float32'>).data.fill(0);
      }
    }
    const again = cached.get(0);
    expect(again).not.toBeInstanceOf(Promise);
  });

  it('says which image does not fit into a cache', async () => {
    write('sizes/a/1.png', await picture(1));
    write('sizes/a/2.png', await picture(1, [3, 2, 5]));
    const dataset = await imageFolder(inFolder('sizes'), { cache: true });
    await dataset.get(0);
    await expect(dataset.get(1)).rejects.toThrow(
      `imageFolder: the option cache needs images of one size; ${inFolder('sizes', 'a', '2.png')} is [3, 2, 5], the first [3, 2, 2]`,
    );
    await expect(collect(new DataLoader(await imageFolder(inFolder('sizes')), { batchSize: 2 }))).rejects.toThrow(
      /^DataLoader: sample \d \(.*\.png\): images of a batch must have one shape/,
    );
  });

  it('names the file that is damaged, alone and in an archive', async () => {
    const jpeg = await picture(9, [3, 20, 20], 'jpg');
    write('bad/a/0.png', await picture(1));
    write('bad/a/1.jpg', jpeg.subarray(0, 150));
    const dataset = await imageFolder(inFolder('bad'));
    const error = await collect(new DataLoader(dataset, { batchSize: 2 })).catch((each) => each);
    expect(error).toBeInstanceOf(DataError);
    const name = inFolder('bad', 'a', '1.jpg');
    expect(error.message).toContain(`DataLoader: sample 1 (${name}): readImage: ${name} cannot be decoded`);
    write('bad.tar', tarOf([['a/0.png', Buffer.from('nothing')]]));
    await expect((await imageFolder(inFolder('bad.tar'))).get(0)).rejects.toMatchObject({
      code: 'ERR_FILE_FORMAT',
      message: expect.stringContaining(
        `${inFolder('bad.tar')}: a/0.png: readImage: the image of 7 bytes cannot be decoded`,
      ),
    });
  });

  it.each<[string, string, () => unknown]>([
    ['ERR_FILE_FORMAT', 'imageFolder: * cannot be read: there is no such file or folder', () => undefined],
    ['ERR_ARGUMENT', 'imageFolder: there are no images in folders of *', () => mkdirSync(inFolder('case'))],
    ['ERR_ARGUMENT', 'imageFolder: there are no images in folders of *', () => write('case/loose.png', 'x')],
    [
      'ERR_ARGUMENT',
      'imageFolder: there are no images of the classes b, c in *',
      () => ['a/1.png', 'b/x.txt', 'c/y'].map((path) => write(`case/${path}`, 'x')),
    ],
    [
      'ERR_ARGUMENT',
      'imageFolder: * is neither a folder nor an archive .tar, .tar.gz or .tgz',
      () => write('case', 'x'),
    ],
  ])('%s %s', async (code, message, prepare) => {
    prepare();
    try {
      await expect(imageFolder(inFolder('case'))).rejects.toMatchObject({
        code,
        message: message.replace('*', inFolder('case')),
      });
    } finally {
      rmSync(inFolder('case'), { recursive: true, force: true });
    }
  });

  it('refuses damaged archives and other modes', async () => {
    const tar = tarOf([['a/0.png', Buffer.alloc(600)]]);
    const damaged: [string, Buffer, string][] = [
      ['no.tar', Buffer.alloc(600, 'x'), 'readTar: not a tar archive'],
      ['cut.tar', tar.subarray(0, 800), 'readTar: it ends in the middle of a/0.png'],
      ['no.tgz', Buffer.from('no gzip'), 'incorrect header check'],
      ['cut.tgz', gzipSync(tar).subarray(0, 40), 'unexpected end of file'],
      [
        'second.tar',
        Buffer.concat([tar.subarray(0, 1536), Buffer.alloc(512, 1)]),
        'readTar: no valid header at byte 1536',
      ],
      ['less.tar', withSize(tar, '-1000'), 'readTar: the header at byte 0 has no valid size'],
      ['binary.tar', withSize(tar, '\x80\0\0\x01'), 'readTar: the header at byte 0 has no valid size'],
    ];
    for (const [name, bytes, reason] of damaged) {
      write(name, bytes);
      await expect(imageFolder(inFolder(name))).rejects.toMatchObject({
        code: 'ERR_FILE_FORMAT',
        message: `imageFolder: ${inFolder(name)} is damaged: ${reason}`,
      });
    }
    write('empty.tar', Buffer.alloc(1024));
    await expect(imageFolder(inFolder('empty.tar'))).rejects.toThrow('imageFolder: there are no images in folders of');
    await expect(imageFolder(inFolder('pets'), { mode: wrong('cmyk') })).rejects.toThrow(
      'imageFolder: mode must be rgb or gray, got "cmyk"',
    );
  });
});

describe('csvIndex', () => {
  const table = async (text: string, options = {}) => {
    write('table.csv', text);
    return csvIndex(inFolder('table.csv'), options);
  };
  const fields = (dataset: ImageFiles) => [
    Array.from({ length: dataset.length }, (_, i) => dataset.source(i).slice(folder.length + 1)),
    [...dataset.labels],
    dataset.classes,
  ];

  it('reads paths and names of classes', async () => {
    const dataset = await table('path,label\npets/dog/2.png,dog\npets/cat/4.webp,cat\n');
    expect(fields(dataset)).toEqual([
      ['pets/dog/2.png', 'pets/cat/4.webp'],
      [1, 0],
      ['cat', 'dog'],
    ]);
    expect(await levelOf(dataset, 1)).toBe(40);
  });

  it('finds columns by name or number, quoted fields, other delimiters and folders', async () => {
    const text = '\uFEFFid;"the ""label""";file\r\n\r\n1;"a;b";"dog/2.png"\r\n2;"c\nd";dog/1.PNG';
    const options = { delimiter: ';', root: inFolder('pets') };
    const expected = [
      ['pets/dog/2.png', 'pets/dog/1.PNG'],
      [0, 1],
      ['a;b', 'c\nd'],
    ];
    expect(fields(await table(text, { ...options, image: 'file', label: 'the "label"' }))).toEqual(expected);
    expect(fields(await table(text, { ...options, image: 2, label: 1 }))).toEqual(expected);
  });

  it('takes absolute paths as they are', async () => {
    const dataset = await table(`path,label\n${inFolder('pets', 'dog', '2.png')},dog\npets/cat/4.webp,cat`);
    expect(await Promise.all([0, 1].map((i) => levelOf(dataset, i)))).toEqual([20, 40]);
  });

  it('keeps classes that are integers, of which some may be missing', async () => {
    const dataset = await table('x.png,5\ny.png,2', { header: false });
    expect(fields(dataset)).toEqual([
      ['x.png', 'y.png'],
      [5, 2],
      ['0', '1', '2', '3', '4', '5'],
    ]);
    const named = await table('x.png,5\ny.png,2', { header: false, classes: ['2', '5'] });
    expect(fields(named)).toEqual([
      ['x.png', 'y.png'],
      [1, 0],
      ['2', '5'],
    ]);
    expect(fields(await table('x.png,1.5\ny.png,-1', { header: false }))[2]).toEqual(['-1', '1.5']);
  });

  it('reads numbers to predict', async () => {
    const dataset = await table('path,age\npets/dog/2.png,1.5\npets/dog/1.PNG,-2e1', { target: 'number' });
    const [[, y]] = await collect(new DataLoader(dataset, { batchSize: 2 }));
    expect([y.dtype, y.shape, y.toArray(), dataset.classes]).toEqual(['float32', [2], [1.5, -20], []]);
  });

  it.each<[string, string, object, string]>([
    ['no rows', 'path,label\n', {}, 'there are no rows in *'],
    ['nothing', '', {}, 'there are no rows in *'],
    ['a missing field', 'path,label\na.png,1\nb.png\n', {}, '* line 3: there is no field 1'],
    ['an empty field', 'path,label\n,1\n', {}, '* line 2: there is no field 0'],
    ['a field past the end of a quoted one', 'path,label\n"a"b,1', {}, '* line 2: text follows a quoted field'],
    ['a quote that does not end', 'path,label\na,"1\n2', {}, '* line 2: a quoted field does not end'],
    ['an unknown column', 'path,label\na,1', { image: 'file' }, 'there is no column "file" in *, but path, label'],
    [
      'a name without header',
      'a,1',
      { image: 'file', header: false },
      'without a header columns have numbers, got "file"',
    ],
    [
      'a column below 0',
      'path,label\na,1',
      { label: -1 },
      'the number of a column must be an integer of at least 0, got -1',
    ],
    [
      'another class',
      'path,label\na,cow',
      { classes: ['cat', 'dog'] },
      '* line 2: "cow" is none of the classes cat, dog',
    ],
    ['no number', 'path,label\na,1\nb,x', { target: 'number' }, '* line 3: "x" is no number'],
    ['another target', 'path,label\na,1', { target: 'mask' }, 'target must be class or number, got "mask"'],
    [
      'numbers that are no classes',
      'path,label\na,123456789',
      {},
      '* has class 123456789; numbers that are names need the option classes',
    ],
    ['a delimiter of two', 'path,label\na,1', { delimiter: '::' }, 'delimiter must be one character, got "::"'],
  ])('refuses %s', async (_, text, options, message) => {
    await expect(table(text, options)).rejects.toThrow(`csvIndex: ${message.replace('*', inFolder('table.csv'))}`);
  });

  it('says what cannot be read', async () => {
    await expect(csvIndex(inFolder('none.csv'))).rejects.toThrow(
      'none.csv cannot be read: there is no such file or folder',
    );
    await expect((await table('a,b\nnone.png,1')).get(0)).rejects.toThrow(`${inFolder('none.png')} cannot be read`);
    await expect(table('path,label\na,1', { mode: 'cmyk' })).rejects.toBeInstanceOf(ArgumentError);
  });
});
