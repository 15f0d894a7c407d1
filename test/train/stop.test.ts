import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type FitOptions,
  loadCheckpoint,
  nn,
  SGD,
  type StepInfo,
  type Tensor,
  Trainer,
  tensor,
  zeros,
} from '../../lib/index.js';
import { bitsOf, clouds, copyOf, loader, quiet, rejection, temporaryFolder, training } from './parts.js';

const inFolder = temporaryFolder();

describe('early stopping', () => {
  /** A loss that follows a list, whatever the weights. */
  function scripted(...losses: number[]) {
    const model = new nn.Linear(1, 1);
    let at = 0;
    const value = { loss: losses, next: () => losses[Math.min(at++, losses.length - 1)] };
    const trainer = new Trainer({
      model,
      optimizer: new SGD(model.parameters(), { lr: 0 }),
      loss: (output) => output.sum().mul(0).add(1),
      metrics: { scripted: () => value.next() },
    });
    const trains = (options: Partial<FitOptions>) =>
      trainer.fit([[zeros([1, 1])]], { epochs: 20, monitor: 'train.scripted', mode: 'min', ...quiet, ...options });
    return trains;
  }

  it('waits for as many epochs without gain as it is told', async () => {
    const { history, stopped, best } = await scripted(5, 4, 4, 3, 3, 6, 3, 2)({ earlyStopping: { patience: 3 } });
    expect([history.length, stopped, best?.epoch, best?.value]).toEqual([7, 'earlyStopping', 4, 3]);
  });

  it('takes a gain for one from minDelta on, which the best checkpoint does not ask for', async () => {
    const { history, best } = await scripted(5, 4.9, 4.8, 4.7)({ earlyStopping: { patience: 2, minDelta: 0.5 } });
    expect([history.length, best?.epoch]).toEqual([3, 3]);
  });

  it('knows that more is better, and never takes NaN for it', async () => {
    const rising = await scripted(
      Number.NaN,
      1,
      2,
      Number.NaN,
      1,
    )({
      mode: undefined,
      earlyStopping: { patience: 2 },
    });
    expect([rising.history.length, rising.best]).toEqual([5, { epoch: 3, value: 2, monitor: 'train.scripted' }]);
  });

  it('may watch something else than the best checkpoint', async () => {
    const { best, history } = await scripted(
      1,
      2,
      3,
      4,
    )({
      earlyStopping: { patience: 2, monitor: 'train.scripted', mode: 'min' },
      mode: 'max',
    });
    expect([history.length, best?.epoch]).toEqual([3, 3]);
  });
});

it('a mode is that of its own value: early stopping by another takes the one that suits it', async () => {
  const { trainer } = training();
  const options = { epochs: 4, monitor: 'train.accuracy', mode: 'max', ...quiet } as const;
  // the loss falls in each of the first epochs, as the test of `fit` sees
  const { history, stopped } = await trainer.fit(loader(), {
    ...options,
    earlyStopping: { monitor: 'train.loss', patience: 2 },
  });
  expect([history.length, stopped]).toEqual([4, 'finished']);
});

describe('a signal', () => {
  it('stops after the update, and saves the place', async () => {
    const controller = new AbortController();
    const folder = inFolder('aborted');
    const { trainer } = training({ accumulate: 2 });
    const callbacks = {
      onStepEnd: ({ epoch, batch }: StepInfo) => (epoch === 2 && batch === 1 ? controller.abort() : undefined),
    };
    const options = { epochs: 4, folder, signal: controller.signal, callbacks, ...quiet };
    const { stopped, step, history } = await trainer.fit(loader(), options);
    // the update that the first batch of epoch 2 belongs to comes with the second
    expect([stopped, step, history.length]).toEqual(['aborted', 3, 1]);
    const { training: saved } = await loadCheckpoint(join(folder, 'last.safetensors'));
    expect([saved.epoch, saved.batch, saved.step, saved.loader]).toEqual([1, 2, 3, { epoch: 1, batch: 2 }]);
  });

  it('that came before does not even begin', async () => {
    const { model, trainer } = training();
    const before = bitsOf(copyOf(model));
    const { stopped, step } = await trainer.fit(loader(), { epochs: 1, signal: AbortSignal.abort(), ...quiet });
    expect([stopped, step, bitsOf(model.stateDict())]).toEqual(['aborted', 0, before]);
  });

  it('also ends a validation', async () => {
    const controller = new AbortController();
    const endless = {
      async *[Symbol.asyncIterator]() {
        for (let i = 0; ; i++) {
          if (i === 3) controller.abort();
          yield Object.values(clouds(2)) as Tensor[];
        }
      },
    };
    const folder = inFolder('validating');
    const { trainer } = training();
    const { stopped, history } = await trainer.fit(loader(), {
      epochs: 2,
      validation: endless,
      signal: controller.signal,
      folder,
      ...quiet,
    });
    expect([stopped, history.length]).toEqual(['aborted', 0]);
    const { training: saved } = await loadCheckpoint(join(folder, 'last.safetensors'));
    expect([saved.epoch, saved.batch, saved.isTrained]).toEqual([0, 3, true]);
  });
});

describe('divergence', () => {
  it('stops with step, learning rate and last loss, and leaves the checkpoint', async () => {
    const folder = inFolder('diverged');
    const { trainer, optimizer } = training();
    const onEpochEnd = () => {
      optimizer.lr = 1e30;
    };
    const error = await trainer
      .fit(loader(), { epochs: 5, folder, callbacks: { onEpochEnd }, ...quiet })
      .catch((e) => e);
    expect(`${error.name} ${error.code}`).toBe('DivergedError ERR_DIVERGED');
    expect(error.message).toMatch(
      /^fit: the loss is (NaN|-?Infinity) after \d updates, in epoch 2 after \d batches, at learning rate 1e\+30; the last finite loss was [\d.e+]+; .*diverged.last\.safetensors stays as it was\. A lower/,
    );
    const { weights, training: saved } = await loadCheckpoint(join(folder, 'last.safetensors'));
    expect(saved.epoch).toBe(1);
    expect(
      Object.values(weights).every(({ data }) => Array.from(data as Float32Array, Number).every(Number.isFinite)),
    ).toBe(true);
  });

  it('of the weights in the last update of an epoch is not saved', async () => {
    const folder = inFolder('broken');
    const model = new nn.Linear(1, 1);
    const { trainer } = training({
      model,
      optimizer: new SGD(model.parameters(), { lr: 0.1 }),
      loss: (y) => y.mean(),
      metrics: {},
    });
    const onStepEnd = ({ epoch }: StepInfo) => {
      if (epoch === 2) model.weight.data[0] = Number.NaN;
    };
    const said = await rejection(
      trainer.fit([[tensor([[1]])]], { epochs: 3, folder, callbacks: { onStepEnd }, ...quiet }),
    );
    expect(said).toBe(
      'DivergedError ERR_DIVERGED fit: weight holds numbers that are not finite after step 2; nothing was saved',
    );
    expect((await loadCheckpoint(join(folder, 'last.safetensors'))).training.epoch).toBe(1);
  });

  it('of the validation alone is one, too', async () => {
    const { trainer } = training();
    const bad = [[zeros([1, 1, 4, 4]).add(Number.NaN), zeros([1], { dtype: 'int32' })]];
    expect(await rejection(trainer.fit(loader(), { epochs: 1, validation: bad, ...quiet }))).toMatch(
      /^DivergedError ERR_DIVERGED fit: the validation loss is NaN after 3 updates/,
    );
  });
});
