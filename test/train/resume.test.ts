import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DataLoader, TensorDataset, transforms } from '../../lib/data/index.js';
import {
  Adam,
  accuracy,
  backendInfo,
  crossEntropy,
  type FitOptions,
  f1Score,
  type Loader,
  loadCheckpoint,
  manualSeed,
  nn,
  optim,
  SGD,
  type StepInfo,
  type Tensor,
  Trainer,
  type TrainerOptions,
  tensor,
} from '../../lib/index.js';
import {
  bitsOf,
  CloudLoader,
  clouds,
  Decay,
  exact,
  historyOf,
  quiet,
  rejection,
  smallNet,
  temporaryFolder,
  withoutTimes,
} from './parts.js';

const inFolder = temporaryFolder();
const { images, labels } = clouds(12, 3, 2);
const validation = [[images, labels]];

/** A training with everything that has state, in a world of its own as after the start of a process. */
function start(seed: number, options: Partial<TrainerOptions> = {}, loader: Loader = new CloudLoader(22, 5)) {
  manualSeed(seed);
  const model = smallNet();
  const optimizer = new Adam(model.parameters(), { lr: 0.02 });
  const scheduler = new Decay(optimizer, 0.97);
  const ema = new optim.ExponentialMovingAverage(model, { decay: 0.9, warmUp: true });
  const trainer = new Trainer({
    ...{ model, optimizer, scheduler, schedulerInterval: 'step', ema, loss: crossEntropy, clipGradNorm: 1 },
    metrics: { accuracy, f1Score },
    ...options,
  });
  const fit = (more: Partial<FitOptions>) => trainer.fit(loader, { epochs: 6, validation, ...quiet, ...more });
  /** Everything that training changes. */
  const state = () => ({
    weights: bitsOf(model.stateDict()),
    optimizer: exact(optimizer.stateDict()),
    averages: exact(ema.stateDict()),
  });
  return { model, optimizer, trainer, fit, state };
}

/** Aborts after the given batch of the given epoch. */
function abortingAt(at: { epoch: number; batch: number }): Pick<FitOptions, 'signal' | 'callbacks'> {
  const controller = new AbortController();
  const onStepEnd = ({ epoch, batch }: StepInfo) => {
    if (epoch === at.epoch && batch === at.batch) controller.abort();
  };
  return { signal: controller.signal, callbacks: { onStepEnd } };
}

describe('a resumed training', () => {
  it.each([
    { epoch: 1, batch: 1, accumulate: 1 },
    { epoch: 4, batch: 3, accumulate: 1 },
    { epoch: 4, batch: 5, accumulate: 1 }, // the last batch of the epoch: validation is yet to come
    { epoch: 3, batch: 1, accumulate: 2 },
    { epoch: 2, batch: 4, accumulate: 3 },
  ])('ends with the same bits as one that was not stopped: %j', async ({ accumulate, ...at }) => {
    const name = `${at.epoch}-${at.batch}-${accumulate}`;
    const whole = start(7, { accumulate });
    const through = await whole.fit({ folder: inFolder(`whole-${name}`) });
    expect(through.compiled).toBe(backendInfo().backend === 'native');

    const folder = inFolder(`parts-${name}`);
    const first = await start(7, { accumulate }).fit({ folder, ...abortingAt(at) });
    expect([first.stopped, first.history.length]).toEqual(['aborted', at.epoch - 1]);
    const second = start(99, { accumulate });
    const rest = await second.fit({ folder, resume: true });

    expect(second.state()).toEqual(whole.state());
    expect(rest.history.map(withoutTimes)).toEqual(through.history.map(withoutTimes));
    expect(historyOf(folder)).toEqual(historyOf(inFolder(`whole-${name}`)));
    expect([rest.step, rest.best]).toEqual([through.step, through.best]);
    for (const file of ['best', 'last']) {
      const [a, b] = await Promise.all(
        [folder, inFolder(`whole-${name}`)].map((each) => loadCheckpoint(join(each, `${file}.safetensors`))),
      );
      const comparable = ({ weights, training }: typeof a) => {
        const { sums, history, ...state } = training;
        expect(sums.samples).toBe(0);
        return { weights: bitsOf(weights), state: exact(state), history: history.map(withoutTimes) };
      };
      expect(comparable(a)).toEqual(comparable(b));
    }
  });

  it('op by op is as exact', async () => {
    const whole = start(7, { compile: false });
    await whole.fit({ epochs: 2 });
    const folder = inFolder('eager');
    await start(7, { compile: false }).fit({ epochs: 2, folder, ...abortingAt({ epoch: 2, batch: 2 }) });
    const second = start(99, { compile: false });
    expect((await second.fit({ epochs: 2, folder, resume: true })).compiled).toBe(false);
    expect(second.state()).toEqual(whole.state());
  });

  it('goes on in the middle of an epoch of a DataLoader', async () => {
    const { images, labels } = clouds(22);
    const transform = new transforms.RandomCrop(4, { padding: 1 });
    const loader = (seed: number) =>
      new DataLoader(new TensorDataset(images, labels), { batchSize: 5, shuffle: true, seed, transform });
    const whole = start(7, {}, loader(1));
    await whole.fit({ epochs: 3 });
    const folder = inFolder('loader');
    await start(7, {}, loader(1)).fit({ epochs: 3, folder, ...abortingAt({ epoch: 2, batch: 2 }) });
    const second = start(99, {}, loader(2));
    await second.fit({ epochs: 3, folder, resume: true });
    expect(second.state()).toEqual(whole.state());
  });

  it('goes on between epochs, for as long as it is now told', async () => {
    const whole = start(3);
    await whole.fit({ epochs: 4 });
    const folder = inFolder('longer');
    await start(3).fit({ epochs: 2, folder });
    const second = start(5);
    const { history } = await second.fit({ epochs: 4, folder, resume: join(folder, 'last.safetensors') });
    expect(history.length).toBe(4);
    expect(second.state()).toEqual(whole.state());
  });

  it('that is over already does nothing more', async () => {
    const folder = inFolder('over');
    const first = start(3);
    await first.fit({ epochs: 2, folder });
    const second = start(5);
    const { history, step, stopped, compiled } = await second.fit({ epochs: 2, folder, resume: true });
    expect([history.length, step, stopped, compiled]).toEqual([2, 10, 'finished', null]);
    expect(second.state()).toEqual(first.state());
  });

  it('that stopped early stays so', async () => {
    const folder = inFolder('patience');
    const earlyStopping = { patience: 1, minDelta: 1e9 };
    const { history } = await start(3).fit({ folder, earlyStopping });
    const again = await start(4).fit({ folder, earlyStopping, resume: true });
    expect([history.length, again.history.length, again.stopped]).toEqual([2, 2, 'earlyStopping']);
    const patient = await start(4).fit({ folder, earlyStopping: { ...earlyStopping, patience: 3 }, resume: true });
    expect([patient.history.length, patient.stopped]).toEqual([4, 'earlyStopping']);
  });

  it('begins anew where there is nothing to go on from', async () => {
    const folder = inFolder('nothing');
    const { history } = await start(3).fit({ epochs: 1, folder, resume: true });
    expect(history.length).toBe(1);
  });

  it('goes past the batches it has behind it when the loader does not know', async () => {
    const fixed = Array.from({ length: 5 }, (_, i) => [
      images.slice([[2 * i, 2 * i + 2]]),
      labels.slice([[2 * i, 2 * i + 2]]),
    ]);
    const whole = start(3, {}, fixed);
    await whole.fit({ epochs: 3 });
    const folder = inFolder('fixed');
    await start(3, {}, fixed).fit({ epochs: 3, folder, ...abortingAt({ epoch: 2, batch: 3 }) });
    const second = start(8, {}, fixed);
    await second.fit({ epochs: 3, folder, resume: true });
    expect(second.state()).toEqual(whole.state());
  });

  it('goes on with what a loss has learned', async () => {
    class Scaled extends nn.Module {
      readonly scale = nn.parameter(tensor([1]));
      forward(logits: Tensor, target: Tensor) {
        return crossEntropy(logits, target).mul(this.scale.square()).sub(this.scale).sum();
      }
    }
    const begin = (seed: number) => {
      manualSeed(seed);
      const [model, loss] = [smallNet(), new Scaled()];
      const optimizer = new Adam([...model.parameters(), loss.scale], { lr: 0.02 });
      return {
        ...start(seed, { model, loss, optimizer, scheduler: undefined, schedulerInterval: undefined, ema: undefined }),
        loss,
      };
    };
    const whole = begin(3);
    await whole.fit({ epochs: 3 });
    const folder = inFolder('learned-loss');
    await begin(3).fit({ epochs: 2, folder });
    const second = begin(5);
    await second.fit({ epochs: 3, folder, resume: true });
    expect(second.loss.scale.item()).not.toBe(1);
    expect(second.loss.scale.item()).toBe(whole.loss.scale.item());
  });

  it('goes on where the process was killed between its first two checkpoints', async () => {
    const whole = start(3);
    await whole.fit({ epochs: 2 });
    const folder = inFolder('best-only');
    await start(3).fit({ epochs: 1, folder });
    rmSync(join(folder, 'last.safetensors'));
    const second = start(5);
    const { history } = await second.fit({ epochs: 2, folder, resume: true });
    expect(history.length).toBe(2);
    expect(second.state()).toEqual(whole.state());
  });

  it('goes past no more than the epoch has, where the loader has become shorter', async () => {
    const batches = Array.from({ length: 4 }, () => [images, labels]);
    const folder = inFolder('shorter');
    await start(3, {}, batches).fit({ epochs: 3, folder, ...abortingAt({ epoch: 1, batch: 3 }) });
    const { step, history } = await start(3, {}, batches.slice(0, 1)).fit({ epochs: 3, folder, resume: true });
    expect([step, history.map((record) => record.step)]).toEqual([5, [3, 4, 5]]);
  });

  it('draws a metric that is new, from where it begins', async () => {
    const folder = inFolder('new-metric');
    await start(3, { metrics: {} }).fit({ epochs: 1, folder });
    await start(3).fit({ epochs: 2, folder, resume: true });
    expect(readFileSync(join(folder, 'curves.svg'), 'utf8')).toContain('f1Score');
  });

  it('writes to another folder when it is told to, and leaves what is there', async () => {
    const [from, to] = [inFolder('from'), inFolder('to')];
    await start(3).fit({ epochs: 1, folder: from });
    const before = readFileSync(join(from, 'last.safetensors'));
    const resume = join(from, 'last.safetensors');
    await start(4).fit({ epochs: 2, folder: to, resume });
    expect([historyOf(from).length, historyOf(to).length]).toEqual([1, 2]);
    expect(readFileSync(join(from, 'last.safetensors')).equals(before)).toBe(true);
    expect(await rejection(start(4).fit({ epochs: 3, folder: to, resume }))).toContain(
      'holds checkpoints of an earlier',
    );
  });

  it('repairs a history that a killed process has left', async () => {
    const folder = inFolder('repair');
    await start(3).fit({ epochs: 2, folder });
    const file = join(folder, 'history.jsonl');
    const text = readFileSync(file, 'utf8');
    for (const damaged of [`${text}{"epoch":3,"st`, text.slice(0, 40), `${text}${text.split('\n')[1]}\n`]) {
      writeFileSync(file, damaged);
      await start(3).fit({ epochs: 2, folder, resume: true });
      expect(readFileSync(file, 'utf8')).toBe(text);
    }
  });
});

describe('a checkpoint of something else', () => {
  const folder = inFolder('mismatch');
  const resume = join(folder, 'last.safetensors');
  const resumeWith = async (options: Partial<TrainerOptions>) => {
    await start(3).fit({ epochs: 1, folder, overwrite: true });
    return rejection(start(3, options).fit({ epochs: 2, resume }));
  };

  it('is refused in words', async () => {
    const model = smallNet();
    const prefix = 'ArgumentError ERR_ARGUMENT fit: the checkpoint cannot be resumed: ';
    expect(await resumeWith({ optimizer: new SGD(model.parameters(), { lr: 1 }) })).toBe(
      `${prefix}it was trained with Adam, the optimizer is SGD`,
    );
    expect(await resumeWith({ scheduler: undefined, schedulerInterval: undefined })).toBe(
      `${prefix}it has state of a scheduler, and none is given`,
    );
    expect(await resumeWith({ ema: undefined })).toBe(`${prefix}it has state of an ema, and none is given`);
    const other = new nn.Linear(16, 3);
    expect(await resumeWith({ model: other, optimizer: new Adam(other.parameters()) })).toMatch(
      /^ConvforgeError ERR_STATE_DICT loadStateDict: missing: weight, bias; unexpected: 0\.weight/,
    );
    await start(3, { ema: undefined }).fit({ epochs: 1, folder, overwrite: true });
    expect(await rejection(start(3).fit({ epochs: 2, resume }))).toBe(
      `${prefix}it has no state for the ema that is given`,
    );
  });

  it('or none at all', async () => {
    expect(await rejection(start(3).fit({ resume: inFolder('nowhere.safetensors') }))).toMatch(
      /^ConvforgeError ERR_FILE_FORMAT loadCheckpoint: .*nowhere\.safetensors cannot be read: there is no such file or folder$/,
    );
  });
});
