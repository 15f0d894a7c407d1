import { describe, expect, it } from 'vitest';
import { accuracy, zeros } from '../../lib/index.js';
import { failure } from '../failure.js';
import { clouds, Decay, loader, quiet, rejection, training } from './parts.js';

describe('options', () => {
  it.each<[object, string]>([
    [{ model: { parameters: () => [zeros([1], { requiresGrad: true })] } }, 'Trainer: model must be a module'],
    [{ metrics: { loss: accuracy } }, "Trainer: a metric cannot be called 'loss'"],
    [{ metrics: { accuracy: 1 } }, "Trainer: metric 'accuracy' must be a function of output and targets"],
    [{ scheduler: {} }, 'Trainer: scheduler must have step, stateDict and loadStateDict, as those of optim have'],
    [{ schedulerInterval: 'step' }, 'Trainer: schedulerInterval goes with a scheduler only'],
    [
      { scheduler: new Decay({ lr: 1 }, 1), schedulerInterval: 'batch' },
      "Trainer: schedulerInterval must be 'epoch' or 'step', got \"batch\"",
    ],
    [{ ema: {} }, 'Trainer: ema must be averages of the weights'],
    [{ compile: 'yes' }, 'Trainer: compile must be true or false, got "yes"'],
    [{ accumulate: -1 }, 'Trainer: accumulate must be an integer of at least 1, got -1'],
  ])('of a trainer: %# is refused', (options, message) => {
    expect(failure(() => training(options))).toContain(`ArgumentError ERR_ARGUMENT ${message}`);
  });

  it.each<[object, string]>([
    [{ epochs: 0 }, 'epochs must be an integer of at least 1, got 0'],
    [{ epochs: undefined }, 'epochs must be an integer of at least 1, got undefined'],
    [{ validation: 7 }, 'validation must be iterable, such as a DataLoader or an array of batches'],
    [{ signal: {} }, 'signal must be an AbortSignal'],
    [{ folder: '' }, 'folder must be the path of a folder'],
    [{ resume: true }, 'resume: true needs a folder to look for the checkpoint in'],
    [{ checkpointEvery: 2 }, 'checkpointEvery needs a folder to write to'],
    [{ checkpointEvery: 0, folder: 'x' }, 'checkpointEvery must be an integer of at least 1, got 0'],
    [{ logEvery: 0.5 }, 'logEvery must be an integer of at least 1, got 0.5'],
    [{ metadata: { seed: 7n } }, 'metadata must be what JSON can keep'],
    [{ earlyStopping: {} }, 'patience must be an integer of at least 1, got undefined'],
    [{ earlyStopping: { patience: 1, minDelta: -1 } }, 'minDelta must be at least 0, got -1'],
    [
      { earlyStopping: { patience: 1, monitor: 'loss' } },
      'monitor must be one of train.loss, train.accuracy, got "loss"',
    ],
    [{ monitor: 'validation.loss' }, 'monitor must be one of train.loss, train.accuracy, got "validation.loss"'],
    [{ mode: 'auto' }, "mode must be 'min' or 'max', got \"auto\""],
  ])('of fit: %# is refused', async (options, message) => {
    const said = await rejection(training().trainer.fit(loader(), { epochs: 1, ...quiet, ...options }));
    expect(said).toBe(`ArgumentError ERR_ARGUMENT fit: ${message}`);
  });

  it('a loader must give batches, and again in the next epoch', async () => {
    const said = (given: unknown, epochs = 1) =>
      rejection(training().trainer.fit(given as never, { epochs, ...quiet }));
    expect(await said(null)).toContain('fit: loader must be iterable');
    expect(await said([])).toBe(
      'ArgumentError ERR_ARGUMENT fit: the loader gave no batches in epoch 1; it must give them anew each time it is iterated over',
    );
    expect(await said([{ images: 1 }])).toContain('fit: a batch must be an array of tensors');
    function* once() {
      yield Object.values(clouds(4));
    }
    expect(await said(once(), 2)).toContain('gave no batches in epoch 2');
  });
});
