import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Checkpoint, loadCheckpoint, nn, saveCheckpoint, tensor, version } from '../../lib/index.js';
import { encodeSafetensors, loadSafetensors, saveSafetensors } from '../../lib/io/index.js';
import { removeLeftovers, replaceFile } from '../../lib/io/replacefile.js';
import { pack, unpack } from '../../lib/train/pack.js';
import { bitsOf, exact, rejection, temporaryFolder } from './parts.js';

const inFolder = temporaryFolder();

describe('pack', () => {
  it('keeps every number and every tensor', () => {
    const state = {
      step: 3,
      best: Number.POSITIVE_INFINITY,
      worst: Number.NEGATIVE_INFINITY,
      none: Number.NaN,
      zero: -0,
      tiny: 5e-324,
      third: 1 / 3,
      lists: [[tensor([1, 2]), null], [], [{ deep: tensor(Int32Array.of(7)) }]],
      text: 'training',
      yes: true,
    };
    const tensors: nn.StateDict = {};
    const packed = JSON.parse(JSON.stringify(pack('training', state, tensors)));
    expect(Object.keys(tensors)).toEqual(['training/lists/0/0', 'training/lists/2/0/deep']);
    const back = unpack(packed, tensors) as typeof state;
    expect(Object.is(back.zero, -0)).toBe(true);
    expect(exact(back)).toEqual(exact(state));
  });

  it('says which tensor is not there', () => {
    const packed = pack('a', { b: tensor([1]) }, {});
    expect(() => unpack(packed, {})).toThrow('the checkpoint names a tensor a/b, which is not in it');
  });
});

const weights = new nn.Linear(3, 2).stateDict();
const checkpoint: Omit<Checkpoint, 'version'> = {
  weights,
  training: {
    ...{ step: 12, epoch: 3, batch: 0, isTrained: false, history: [] },
    sums: { loss: [0, 0], metrics: {}, samples: 0, seconds: 0, lr: null },
    best: { value: Number.NaN, epoch: 0, wait: 2 },
    stopping: { value: 0.5, epoch: 1, wait: 2 },
    optimizer: { name: 'SGD', state: { lr: 0.1, tensors: { momentum: [tensor([1, 2, 3]), null] } } },
    ...{ scheduler: null, ema: null, loader: { epoch: 3 } },
    generators: { default: { words: [1, 2, 3, 4], spare: 0.25 }, modules: {} },
  },
  metadata: { classes: ['cat', 'dog'] },
};

describe('a checkpoint', () => {
  it('comes back as it was', async () => {
    const path = inFolder('whole.safetensors');
    await saveCheckpoint(path, checkpoint);
    const back = await loadCheckpoint(path);
    expect(exact(back.training)).toEqual(exact(checkpoint.training));
    expect([back.metadata, back.version]).toEqual([checkpoint.metadata, version]);
    expect(bitsOf(back.weights)).toEqual(bitsOf(weights));
  });

  it('is a file whose weights anything that reads safetensors finds by name', async () => {
    const path = inFolder('plain.safetensors');
    await saveCheckpoint(path, checkpoint);
    const { tensors } = await loadSafetensors(path);
    expect(Object.keys(tensors)).toEqual(['weight', 'bias', 'training/optimizer/state/tensors/momentum/0']);
    const report = new nn.Linear(3, 2).loadStateDict(tensors, { strict: false });
    expect([report.missing, report.unexpected.length]).toEqual([[], 1]);
  });

  it('that cannot be written says why', async () => {
    expect(await rejection(saveCheckpoint(inFolder('missing/last.safetensors'), checkpoint))).toMatch(
      /^ConvforgeError ERR_FILE_FORMAT saveCheckpoint: .*last\.safetensors cannot be written: there is no such file or folder$/,
    );
  });

  it('cut off anywhere is an error that names the file', async () => {
    const path = inFolder('whole.safetensors');
    await saveCheckpoint(path, checkpoint);
    const bytes = readFileSync(path);
    const damaged = inFolder('damaged.safetensors');
    const headerEnd = 8 + Number(bytes.readBigUInt64LE(0));
    for (const length of [0, 7, 8, 100, headerEnd, bytes.length - 1]) {
      writeFileSync(damaged, bytes.subarray(0, length));
      expect(await rejection(loadCheckpoint(damaged))).toMatch(
        /^ConvforgeError ERR_FILE_FORMAT loadCheckpoint: .*damaged\.safetensors: /,
      );
    }
  });

  it('is told from other files', async () => {
    const path = inFolder('other.safetensors');
    await saveSafetensors(path, weights);
    expect(await rejection(loadCheckpoint(path))).toMatch(
      /^ConvforgeError ERR_FILE_FORMAT loadCheckpoint: .*other\.safetensors: it holds tensors, but was not written by a training$/,
    );
    writeFileSync(path, encodeSafetensors(weights, { 'convforge.training': '{' }));
    expect(await rejection(loadCheckpoint(path))).toContain('its note on the training is not JSON');
    writeFileSync(path, encodeSafetensors(weights, { 'convforge.training': 'null' }));
    expect(await rejection(loadCheckpoint(path))).toContain('ERR_FILE_FORMAT');
    const later = { format: 2, version: '9.0.0', training: {}, metadata: {} };
    writeFileSync(path, encodeSafetensors(weights, { 'convforge.training': JSON.stringify(later) }));
    expect(await rejection(loadCheckpoint(path))).toContain(
      `it has format 2, written by convforge 9.0.0; this is ${version}`,
    );
  });
});

describe('replacing a file', () => {
  it('leaves nothing else behind, also when it fails', async () => {
    const path = inFolder('one.txt');
    await replaceFile(path, 'old');
    await replaceFile(path, 'new');
    expect(readFileSync(path, 'utf8')).toBe('new');
    await expect(replaceFile(inFolder('missing/two.txt'), 'x')).rejects.toThrow('ENOENT');
    expect(readdirSync(inFolder('')).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  it('what killed processes have left can be cleared away', async () => {
    const path = inFolder('left.txt');
    const leftover = `${path}.01234567-89ab-cdef-0123-456789abcdef.tmp`;
    const others = [`${path}.mine.tmp`, inFolder('left.txt2.01234567-89ab-cdef-0123-456789abcdef.tmp')];
    for (const file of [path, leftover, ...others]) writeFileSync(file, '');
    await removeLeftovers(path);
    const names = readdirSync(inFolder('')).filter((name) => name.startsWith('left'));
    expect(names.sort()).toEqual([
      'left.txt',
      'left.txt.mine.tmp',
      'left.txt2.01234567-89ab-cdef-0123-456789abcdef.tmp',
    ]);
  });
});
