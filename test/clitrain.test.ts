import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { run } from '../lib/cli/program.js';
import { crossEntropy, full, loadCheckpoint, nn, rand, SGD, Trainer, zeros } from '../lib/index.js';
import { encodeImage, saveSafetensors, writeImage } from '../lib/io/index.js';
import * as models from '../lib/models/index.js';
import { tarOf } from './data/archives.js';

const folder = mkdtempSync(join(tmpdir(), 'convforge-clitrain-'));
afterAll(() => rmSync(folder, { recursive: true }));
const inFolder = (...names: string[]) => join(folder, ...names);

let [out, err] = ['', ''];
let onError: (text: string) => void = () => {};
beforeEach(() => {
  [out, err] = ['', ''];
  vi.spyOn(console, 'log').mockImplementation((line) => {
    out += `${line}\n`;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text;
    onError(String(text));
    return true;
  });
  return () => {
    onError = () => {};
    vi.restoreAllMocks();
  };
});

/** What a command that must fail says. */
async function failure(...args: string[]): Promise<string> {
  err = '';
  expect(await run(args)).toBe(1);
  return err.split('\n').find((line) => line.startsWith('convforge')) ?? err;
}

const historyOf = (...names: string[]) =>
  readFileSync(inFolder(...names, 'history.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

/** A folder of tiny pictures, one class dark and one bright, of `count` each. */
async function pictures(root: string, count: number, sides = [8, 8]): Promise<string> {
  for (const [name, light] of [
    ['bright', 0.6],
    ['dark', 0],
  ] as const) {
    mkdirSync(join(root, name), { recursive: true });
    for (let i = 0; i < count; i++) {
      const side = sides[i % sides.length];
      await writeImage(rand([3, side, side]).mul(0.4).add(light), join(root, name, `${i}.png`));
    }
  }
  return root;
}

const digitsRun = inFolder('digits');
const SHORT = ['--epochs', '2', '--batch-size', '32'];

describe('convforge train', () => {
  it('learns the digits that come with the package', async () => {
    expect(await run(['train', ...SHORT, '--out', digitsRun])).toBe(0);
    expect(out).toMatch(/^backend: (native|TypeScript)/);
    expect(out).toContain('digits: 1438 images to train on and 359 to test with, 8×8, 1 channel, 10 classes');
    expect(out).toMatch(/\n2 epochs, 90 updates\nbest: \d\d\.\d\d % of the test images read rightly, after epoch \d\n/);
    expect(out).toContain(`look at it: convforge eval ${join(digitsRun, 'best.safetensors')} --pictures `);
    expect(err).toMatch(/epoch 1\/2: loss .*validation loss .* images\/s/);
    const history = historyOf('digits');
    expect(history[1].validation.accuracy).toBeGreaterThan(0.85);
    // one cycle: up, and down to almost nothing
    expect(history[0].lr).toBeGreaterThan(100 * history[1].lr);
    expect(readdirSync(digitsRun).sort()).toEqual([
      'best.safetensors',
      'curves.png',
      'curves.svg',
      'history.jsonl',
      'last.safetensors',
    ]);
  });

  it('goes on with the options it was started with, but for those given', async () => {
    const data = await pictures(inFolder('few'), 10);
    const folder = inFolder('resumed');
    const flags = ['--optimizer', 'sgd', '--schedule', 'cosine', '--lr', '0.02', '--seed', '5', '--no-augment'];
    expect(await run(['train', '-d', data, '--epochs', '1', '--batch-size', '3', ...flags, '--out', folder])).toBe(0);
    expect(await run(['train', '--resume', '--out', folder, '--epochs', '2'])).toBe(0);
    expect(historyOf('resumed').map(({ step }) => step)).toEqual([6, 12]);
    const { metadata } = await loadCheckpoint(join(folder, 'last.safetensors'));
    expect(metadata).toMatchObject({
      command: { data, model: 'cnn', optimizer: 'sgd', lr: 0.02, seed: 5, epochs: 2, batchSize: 3, augment: false },
      classes: ['bright', 'dark'],
      imageShape: [3, 8, 8],
    });
  });

  it('trains on folders of pictures, with a part to test on or without, and resizes them', async () => {
    const both = inFolder('both');
    await pictures(join(both, 'train'), 8);
    await pictures(join(both, 'val'), 3);
    expect(await run(['train', '-d', both, '-e', '3', '-b', '4', '--lr', '0.01', '-o', inFolder('run1')])).toBe(0);
    expect(out).toContain('16 images to train on and 6 to test with, 8×8, 3 channels, 2 classes');
    expect(historyOf('run1')).toHaveLength(3);

    const mixed = await pictures(inFolder('mixed'), 10, [8, 12]);
    out = '';
    expect(
      await run(['train', '-d', mixed, '-e', '1', '--size', '6', '--schedule', 'constant', '-o', inFolder('run2')]),
    ).toBe(0);
    expect(out).toContain('16 images to train on and 4 to test with, 6×6, 3 channels, 2 classes');
    expect(await failure('train', '-d', mixed, '-e', '1', '-o', inFolder('run3'))).toMatch(/8.*12|12.*8/);
  });

  it('trains on archives of pictures', async () => {
    mkdirSync(inFolder('packed'));
    for (const [name, count] of [
      ['train.tgz', 6],
      ['valid.tar.gz', 2],
    ] as const) {
      const files = await Promise.all(
        Array.from({ length: 2 * count }, async (_, i) => {
          const image = await encodeImage(full([3, 8, 8], i % 2), 'png');
          return [`${i % 2 ? 'bright' : 'dark'}/${i}.png`, image] as const;
        }),
      );
      writeFileSync(inFolder('packed', name), gzipSync(tarOf(files)));
    }
    expect(await run(['train', '-d', inFolder('packed'), '-e', '1', '-o', inFolder('run4')])).toBe(0);
    expect(out).toContain('12 images to train on and 4 to test with, 8×8, 3 channels, 2 classes');
  });

  it('makes a new folder when none is named', async () => {
    const before = process.cwd();
    mkdirSync(inFolder('here'));
    process.chdir(inFolder('here'));
    try {
      const tiny = await pictures(inFolder('tiny'), 6);
      for (let i = 0; i < 2; i++) expect(await run(['train', '-d', tiny, '-e', '1'])).toBe(0);
    } finally {
      process.chdir(before);
    }
    expect(readdirSync(inFolder('here', 'runs')).sort()).toEqual(['tiny-cnn', 'tiny-cnn-2']);
  });

  it('names that folder after the data, also where these are in the current folder', async () => {
    const before = process.cwd();
    for (const part of ['train', 'test']) await pictures(inFolder('current', part), 3);
    process.chdir(inFolder('current'));
    try {
      expect(await run(['train', '-d', '.', '-e', '1'])).toBe(0);
    } finally {
      process.chdir(before);
    }
    expect(readdirSync(inFolder('current', 'runs'))).toEqual(['current-cnn']);
  });

  it('stops at Ctrl-C, saves, and says how to go on', async () => {
    const target = inFolder('interrupted');
    onError = (text) => {
      if (text.startsWith('epoch 1/')) for (const listener of process.listeners('SIGINT').slice(-1)) listener('SIGINT');
    };
    expect(await run(['train', '-d', inFolder('tiny'), '-e', '50', '-o', target])).toBe(130);
    expect(out).toContain(`interrupted; go on with: convforge train --resume --out ${target}`);
    expect(err).toContain('stopping after this step; Ctrl-C once more ends at once');
    expect((await loadCheckpoint(join(target, 'last.safetensors'))).training.epoch).toBe(1);
  });

  it('says in one line what is wrong', async () => {
    expect(await failure('train', '--data', 'digit')).toBe(
      "convforge train: --data: must be one of digits, mnist, fashion-mnist, cifar10, or a folder of images, one folder a class; there is no 'digit'",
    );
    const classifiers = Object.keys(models).filter((name) => /^[a-z]/.test(name) && name !== 'unet');
    const known = /^convforge train: --model: must be one of (.*), got 'alexnet'$/;
    const [, names] = known.exec(await failure('train', '--model', 'alexnet')) ?? [];
    expect(names?.split(', ').sort()).toEqual(['cnn', ...classifiers].sort());
    expect(await failure('train', '--batch-size', '0')).toContain(
      "'0' is invalid. It must be an integer of at least 1.",
    );
    expect(await failure('train', '--optimizer', 'lbfgs')).toContain('Allowed choices are adamw, adam, sgd.');
    expect(await failure('train', '--lr', '-1', '-o', inFolder('none'))).toContain('lr must be at least 0, got -1');
    expect(await failure('train', '--label-smoothing', '2', '-o', inFolder('none'))).toContain(
      'labelSmoothing must be',
    );
    expect(await failure('train', '--resume', '--overwrite')).toContain(
      "option '--resume' cannot be used with option '--overwrite'",
    );
    expect(await failure('train', '--resume')).toBe(
      'convforge train: --resume: goes with --out, the folder of the training',
    );
    expect(await failure('train', '--resume', '--out', inFolder('none'))).toMatch(
      /^convforge train: --resume: there is no .*last\.safetensors to go on from$/,
    );
    expect(await failure('train', ...SHORT, '--out', digitsRun)).toMatch(
      /^convforge train: fit: .*digits holds checkpoints of an earlier training; go on with it by resume: true, or/,
    );
    mkdirSync(inFolder('one'));
    renameSync(join(await pictures(inFolder('two'), 6), 'dark'), inFolder('one', 'dark'));
    expect(await failure('train', '-d', inFolder('one'))).toBe(
      `convforge train: --data: ${inFolder('one')} has one class, dark: there is nothing to tell apart`,
    );
    const half = inFolder('half');
    await pictures(join(half, 'train'), 2);
    expect(await failure('train', '-d', half)).toContain('has a part train, and none called test or val');
    await pictures(join(half, 'test', 'deeper'), 1);
    expect(await failure('train', '-d', half)).toBe(
      'convforge train: --data: train has the classes bright, dark, what is to test it deeper',
    );
  });
});

describe('convforge eval', () => {
  const best = join(digitsRun, 'best.safetensors');

  it('tells how good a network is, class by class', async () => {
    expect(await run(['eval', best])).toBe(0);
    expect(out).toMatch(/best\.safetensors, after \d epochs?, on the 359 test images of digits\n\nclass +precision/);
    expect(out).toMatch(
      /\naccuracy 0\.\d{4} of 359 samples\namong the 5 best [01]\.\d{4}\nloss \d\.\d{4}\nmost often: \d taken for \d \d+×/,
    );
    const accuracy = Number(/accuracy (0\.\d{4})/.exec(out)?.[1]);
    const { epoch } = (await loadCheckpoint(best)).training;
    expect(accuracy).toBeCloseTo(historyOf('digits')[epoch - 1].validation.accuracy, 4);
  });

  it('prints figures for programs', async () => {
    expect(await run(['eval', best, '--json', '--top-k', '2', '--threads', '1'])).toBe(0);
    const { data, samples, metrics, classification } = JSON.parse(out);
    expect([data, samples, classification.topK.k]).toEqual(['digits', 359, 2]);
    expect(classification.accuracy).toBeLessThanOrEqual(classification.topK.accuracy);
    expect(classification.report.classes).toHaveLength(10);
    expect(metrics.loss).toBeGreaterThan(0);
  });

  it('draws what the network sees', async () => {
    expect(await run(['eval', best, '--pictures', inFolder('pictures')])).toBe(0);
    const names = ['confusion.png', 'features.png', 'kernels.png', 'mistakes.png', 'right.png', 'wrong.png'];
    expect(readdirSync(inFolder('pictures')).sort()).toEqual(names);
    for (const name of names) {
      expect(out).toContain(name);
      expect(readFileSync(inFolder('pictures', name)).length).toBeGreaterThan(3000);
    }
  });

  it('draws pictures of colour, also where nothing is wrong', async () => {
    expect(await run(['eval', inFolder('run1', 'best.safetensors'), '-p', inFolder('colour')])).toBe(0);
    expect(readdirSync(inFolder('colour'))).toContain('kernels.png');
  });

  it('says in one line what is wrong', async () => {
    expect(await failure('eval', inFolder('nope.safetensors'))).toMatch(
      /^convforge eval: loadCheckpoint: .*nope\.safetensors cannot be read: there is no such file or folder$/,
    );
    const cut = inFolder('cut.safetensors');
    writeFileSync(cut, readFileSync(best).subarray(0, 5000));
    expect(await failure('eval', cut)).toMatch(/^convforge eval: loadCheckpoint: .*cut\.safetensors: /);
    const plain = inFolder('plain.safetensors');
    await saveSafetensors(plain, new nn.Linear(2, 2).stateDict());
    expect(await failure('eval', plain)).toContain('it holds tensors, but was not written by a training');
    const model = new nn.Linear(2, 2);
    const trainer = new Trainer({ model, optimizer: new SGD(model.parameters(), { lr: 0 }), loss: crossEntropy });
    const batches = [[zeros([1, 2]), zeros([1], { dtype: 'int32' })]];
    await trainer.fit(batches, { epochs: 1, folder: inFolder('own'), progress: false });
    expect(await failure('eval', inFolder('own', 'last.safetensors'))).toContain(
      'is a checkpoint of another program: it does not say what it was trained on',
    );
    expect(await failure('eval', best, '--data', inFolder('tiny'))).toMatch(
      /tells 10 classes of images 8×8 with 1 channel apart, .*tiny has 2 of 8×8 with 3 channels$/,
    );
    const named = await pictures(inFolder('named'), 4);
    renameSync(join(named, 'dark'), join(named, 'night'));
    const run1 = inFolder('run1', 'best.safetensors');
    expect(await failure('eval', run1, '-d', named)).toBe(
      `convforge eval: eval: class 1 of ${run1} is 'dark', that of ${named} is 'night'`,
    );
    expect(await failure('eval', best, '--top-k', '0')).toContain('It must be an integer of at least 1.');
    expect(await failure('eval', best, '--pictures', join(best, 'x'))).toContain('a part of the path is not a folder');
  });
});
