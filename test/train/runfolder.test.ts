import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadCheckpoint } from '../../lib/index.js';
import {
  bitsOf,
  CloudLoader,
  copyOf,
  historyOf,
  loader,
  quiet,
  rejection,
  temporaryFolder,
  training,
} from './parts.js';

const inFolder = temporaryFolder();
const validation = new CloudLoader(12, 5, 2);

describe('the folder', () => {
  it('holds checkpoints, history and curves', async () => {
    const folder = inFolder('files');
    const { trainer } = training();
    const { history } = await trainer.fit(loader(), {
      epochs: 2,
      validation,
      folder,
      metadata: { classes: ['a', 'b'] },
      ...quiet,
    });
    expect(readdirSync(folder).sort()).toEqual([
      'best.safetensors',
      'curves.png',
      'curves.svg',
      'history.jsonl',
      'last.safetensors',
    ]);
    const lines = readFileSync(join(folder, 'history.jsonl'), 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(history);
    expect(readFileSync(join(folder, 'curves.svg'), 'utf8')).toMatch(/^<svg.*validation accuracy/s);
    expect((await loadCheckpoint(join(folder, 'best.safetensors'))).metadata).toEqual({ classes: ['a', 'b'] });
  });

  it('keeps the best epoch and the last', async () => {
    const folder = inFolder('best');
    const { model, trainer } = training();
    const weights: Record<string, string>[] = [];
    const onEpochEnd = () => void weights.push(bitsOf(copyOf(model)));
    const { best } = await trainer.fit(loader(), {
      epochs: 6,
      validation,
      monitor: 'validation.accuracy',
      folder,
      callbacks: { onEpochEnd },
      ...quiet,
    });
    const saved = await Promise.all(
      ['best', 'last'].map((name) => loadCheckpoint(join(folder, `${name}.safetensors`))),
    );
    expect(saved.map(({ training: { epoch } }) => epoch)).toEqual([best?.epoch, 6]);
    expect(saved.map((each) => bitsOf(each.weights))).toEqual([weights[(best?.epoch ?? 0) - 1], weights[5]]);
  });

  it('is written to in between when that is asked for', async () => {
    const folder = inFolder('often');
    const { trainer } = training();
    const steps: number[] = [];
    const onCheckpoint = ({ step, kind }: { step: number; kind: string }) => void (kind === 'last' && steps.push(step));
    await trainer.fit(loader(), { epochs: 2, folder, checkpointEvery: 2, callbacks: { onCheckpoint }, ...quiet });
    expect(steps).toEqual([2, 3, 4, 6, 6]);
  });

  it('of another training is not overwritten unawares', async () => {
    const folder = inFolder('twice');
    await training().trainer.fit(loader(), { epochs: 1, folder, ...quiet });
    const before = readFileSync(join(folder, 'last.safetensors'));
    expect(await rejection(training().trainer.fit(loader(), { epochs: 1, folder, ...quiet }))).toMatch(
      /^ArgumentError ERR_ARGUMENT fit: .*twice holds checkpoints of an earlier training; go on with it by resume: true, or let it be replaced by overwrite: true$/,
    );
    expect(readFileSync(join(folder, 'last.safetensors')).equals(before)).toBe(true);
    const onTrainBegin = () => expect(readdirSync(folder)).toEqual([]);
    const options = { epochs: 2, folder, overwrite: true, callbacks: { onTrainBegin }, ...quiet };
    const { history } = await training().trainer.fit(loader(), options);
    expect([history.length, historyOf(folder).length]).toEqual([2, 2]);
  });

  it('is cleared of what killed processes have left of any of its files', async () => {
    const folder = inFolder('leftovers');
    await training().trainer.fit(loader(), { epochs: 1, folder, ...quiet });
    const files = readdirSync(folder);
    for (const file of ['last.safetensors', 'best.safetensors', 'history.jsonl', 'curves.svg', 'curves.png']) {
      expect(files).toContain(file);
      writeFileSync(join(folder, `${file}.01234567-89ab-cdef-0123-456789abcdef.tmp`), '');
    }
    await training().trainer.fit(loader(), { epochs: 1, folder, resume: true, ...quiet });
    expect(readdirSync(folder)).toEqual(files);
  });

  it('that cannot be made is named', async () => {
    const file = inFolder('file');
    writeFileSync(file, '');
    expect(
      await rejection(training().trainer.fit(loader(), { epochs: 1, folder: join(file, 'run'), ...quiet })),
    ).toMatch(/^ConvforgeError ERR_FILE_FORMAT fit: .*run cannot be made: a part of the path is not a folder$/);
  });

  it('is not needed', async () => {
    await training().trainer.fit(loader(), { epochs: 1, ...quiet });
    expect(existsSync('last.safetensors')).toBe(false);
  });
});
