import { describe, expect, it } from 'vitest';
import {
  Adam,
  crossEntropy,
  type EpochRecord,
  nn,
  SGD,
  type StepInfo,
  type Tensor,
  Trainer,
  tensor,
  zeros,
} from '../../lib/index.js';
import { CloudLoader, clouds, Decay, loader, quiet, rejection, smallNet, temporaryFolder, training } from './parts.js';

const inFolder = temporaryFolder();
const validation = new CloudLoader(12, 5, 2);

describe('fit', () => {
  it('trains, validates and records', async () => {
    const { trainer } = training();
    const { history, step, stopped, best, compiled } = await trainer.fit(loader(), { epochs: 8, validation, ...quiet });
    expect([step, stopped, compiled]).toEqual([24, 'finished', expect.any(Boolean)]);
    expect(history.map(({ epoch, step }) => [epoch, step])).toEqual(
      Array.from({ length: 8 }, (_, i) => [i + 1, 3 * i + 3]),
    );
    const { train, validation: measured, lr, seconds, imagesPerSecond } = history[7];
    expect([Object.keys(train), Object.keys(measured ?? {}), lr]).toEqual([
      ['loss', 'accuracy'],
      ['loss', 'accuracy'],
      0.1,
    ]);
    expect(train.loss).toBeLessThan(history[0].train.loss / 2);
    expect(train.accuracy).toBeGreaterThan(0.8);
    expect(imagesPerSecond).toBeCloseTo(20 / seconds, 6);
    const losses = history.map((record) => record.validation?.loss as number);
    expect(best).toEqual({
      epoch: losses.indexOf(Math.min(...losses)) + 1,
      value: Math.min(...losses),
      monitor: 'validation.loss',
    });
  });

  it('takes losses that are modules for what their functions are', async () => {
    const records = [];
    for (const loss of [crossEntropy, new nn.CrossEntropyLoss()]) {
      const { trainer } = training({ loss });
      const fresh = new CloudLoader(12, 5, 2); // the same batches for both
      const { history } = await trainer.fit(loader(), { epochs: 2, validation: fresh, ...quiet });
      records.push(history.map((record) => [record.train, record.validation]));
    }
    expect(records[1]).toEqual(records[0]);
  });

  it('weighs batches by their samples', async () => {
    const model = new nn.Linear(1, 1, { bias: false });
    const batches = [
      [tensor([[1], [1], [1]]), zeros([3, 1])],
      [tensor([[5]]), zeros([1, 1])],
    ];
    const { trainer } = training({
      model,
      optimizer: new SGD(model.parameters(), { lr: 0 }),
      loss: (output) => output.mean(),
      metrics: { mean: (output) => output.mean().item() },
    });
    const { history } = await trainer.fit(batches, { epochs: 1, validation: batches, ...quiet });
    const expected = 2 * model.weight.item();
    for (const values of [history[0].train, history[0].validation]) {
      expect(values?.loss).toBeCloseTo(expected, 5);
      expect(values?.mean).toBeCloseTo(expected, 5);
    }
  });

  it('takes iterables of every kind', async () => {
    const batches = [...Array(2)].map(() => Object.values(clouds(4)) as [Tensor, Tensor]);
    const sync = {
      *[Symbol.iterator]() {
        yield* batches;
      },
    };
    const async = {
      async *[Symbol.asyncIterator]() {
        yield* batches;
      },
    };
    for (const each of [batches, new Set(batches), sync, async]) {
      expect((await training().trainer.fit(each, { epochs: 2, ...quiet })).step).toBe(4);
    }
  });

  it('accumulates, and updates with the rest at the end of an epoch', async () => {
    const { trainer } = training({ accumulate: 2 });
    const steps: number[] = [];
    const onStepEnd = ({ step }: StepInfo) => void steps.push(step);
    const { history } = await trainer.fit(loader(), { epochs: 2, callbacks: { onStepEnd }, ...quiet });
    expect(steps).toEqual([0, 1, 1, 2, 3, 3]);
    expect(history.map(({ step }) => step)).toEqual([2, 4]);
  });

  it('steps its schedule after each epoch with what is watched, or after each update', async () => {
    const perEpoch = training();
    const scheduler = new Decay(perEpoch.optimizer, 0.5);
    const { trainer } = training({ optimizer: perEpoch.optimizer, model: perEpoch.model, scheduler });
    const { history } = await trainer.fit(loader(), {
      epochs: 3,
      validation,
      monitor: 'validation.accuracy',
      ...quiet,
    });
    expect(history.map(({ lr }) => lr)).toEqual([0.1, 0.05, 0.025]);
    expect(scheduler.metrics).toEqual(history.map((record) => record.validation?.accuracy));

    const perStep = training();
    const each = new Decay(perStep.optimizer, 0.5);
    const other = training({ ...perStep, scheduler: each, schedulerInterval: 'step' });
    const seen: number[] = [];
    const onStepEnd = ({ lr }: StepInfo) => void seen.push(lr);
    const { history: rates } = await other.trainer.fit(loader(), { epochs: 1, callbacks: { onStepEnd }, ...quiet });
    expect(rates[0].lr).toBe(0.025); // of the last update, not of the next
    expect([seen, each.metrics]).toEqual([
      [0.1, 0.05, 0.025],
      [undefined, undefined, undefined],
    ]);
  });

  it('calls its callbacks in order, and waits for them', async () => {
    const { trainer } = training();
    const calls: string[] = [];
    const note =
      (name: string) =>
      async (...values: unknown[]) => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        const [value] = values as { kind?: string; batch?: number }[];
        calls.push(value?.kind ? `${name} ${value.kind}` : value?.batch ? `${name} ${value.batch}` : name);
      };
    const names = ['onTrainBegin', 'onEpochBegin', 'onStepEnd', 'onEpochEnd', 'onCheckpoint', 'onTrainEnd'] as const;
    const callbacks = Object.fromEntries(names.map((name) => [name, note(name)]));
    await trainer.fit(loader(), { epochs: 1, folder: inFolder('calls'), callbacks: [callbacks, {}], ...quiet });
    expect(calls).toEqual([
      ...['onTrainBegin', 'onEpochBegin', 'onStepEnd 1', 'onStepEnd 2', 'onStepEnd 3'],
      ...['onEpochEnd', 'onCheckpoint best', 'onCheckpoint last', 'onTrainEnd'],
    ]);
  });

  it('stops from a callback, and passes on what one throws', async () => {
    const { trainer } = training();
    const callbacks = { onStepEnd: ({ step }: StepInfo) => (step === 4 ? trainer.stop() : undefined) };
    const { step, stopped, history } = await trainer.fit(loader(), { epochs: 5, callbacks, ...quiet });
    expect([step, stopped, history.length]).toEqual([4, 'stopped', 1]);
    const listeners = process.listenerCount('SIGINT');
    const onEpochEnd = () => {
      throw new Error('no more');
    };
    expect(await rejection(trainer.fit(loader(), { epochs: 1, callbacks: { onEpochEnd }, ...quiet }))).toContain(
      'no more',
    );
    expect(process.listenerCount('SIGINT')).toBe(listeners);
  });

  it('trains one thing at a time', async () => {
    const { trainer } = training();
    const first = trainer.fit(loader(), { epochs: 1, ...quiet });
    expect(await rejection(trainer.fit(loader(), { epochs: 1, ...quiet }))).toContain(
      'this trainer is training already',
    );
    await first;
  });

  it('gives the event loop a turn after every step', async () => {
    let turns = 0;
    let isTraining = true;
    const turn = () => {
      turns++;
      if (isTraining) setImmediate(turn);
    };
    setImmediate(turn);
    const { step } = await training().trainer.fit(new CloudLoader(400, 4), { epochs: 1, ...quiet });
    isTraining = false;
    expect(turns).toBeGreaterThanOrEqual(step);
  });
});

describe('modes', () => {
  it('are those of training, of inference while validating, and afterwards what they were', async () => {
    const { model, trainer } = training();
    const norm = (model as nn.Sequential).layers[1] as nn.BatchNorm2d;
    const seen: boolean[][] = [];
    const watch = (output: Tensor) => {
      seen.push([model.training, norm.training]);
      return output.size;
    };
    const watching = training({ model, metrics: { watch } }).trainer;
    const options = { epochs: 1, validation: [Object.values(clouds(3))], ...quiet };
    model.eval();
    await watching.fit([Object.values(clouds(3))], options);
    expect(seen).toEqual([
      [true, true],
      [false, false],
    ]);
    expect([model.training, norm.training]).toEqual([false, false]);
    model.train();
    norm.eval(); // a batch norm that is not to change
    const runningMean = norm.runningMean as Tensor<'float32'>;
    const before = [...runningMean.data];
    await watching.fit([Object.values(clouds(3))], options);
    expect(seen.slice(2)).toEqual([
      [true, false],
      [false, false],
    ]);
    expect([model.training, norm.training]).toEqual([true, false]);
    expect([...runningMean.data]).toEqual(before);
    await trainer.evaluate([Object.values(clouds(3))]);
    expect([model.training, norm.training]).toEqual([true, false]);
  });
});

it('a record has the type that callbacks see', async () => {
  const records: EpochRecord[] = [];
  const model = smallNet();
  const trainer = new Trainer({ model, optimizer: new Adam(model.parameters()), loss: crossEntropy });
  await trainer.fit(loader(), {
    epochs: 1,
    callbacks: { onEpochEnd: (record) => void records.push(record) },
    ...quiet,
  });
  expect(records).toEqual([expect.objectContaining({ epoch: 1, step: 3, validation: null })]);
});
