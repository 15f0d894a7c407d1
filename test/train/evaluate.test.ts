import { describe, expect, it } from 'vitest';
import {
  accuracy,
  crossEntropy,
  evaluate,
  f1Score,
  type Loss,
  nn,
  optim,
  type Tensor,
  zeros,
} from '../../lib/index.js';
import { bitsOf, CloudLoader, clouds, loader, quiet, rejection, training } from './parts.js';

const validation = new CloudLoader(12, 5, 2);

describe('averaged weights', () => {
  it('are what validation, evaluation and prediction use', async () => {
    const { model, trainer: plain } = training();
    const ema = new optim.ExponentialMovingAverage(model, { decay: 0.9 });
    const { trainer } = training({ model, ema });
    const { images: seen, labels } = clouds(12, 3, 2);
    const validation = [[seen, labels]];
    const { history } = await trainer.fit(loader(), { epochs: 2, validation, ...quiet });
    expect(ema.stateDict().updates).toBe(6);
    const own = bitsOf(model.stateDict());
    const { metrics } = await trainer.evaluate(validation);
    expect(metrics).toEqual(history[1].validation);
    expect(bitsOf(model.stateDict())).toEqual(own);
    expect((await plain.evaluate(validation)).metrics.loss).not.toBe(metrics.loss);
    const { images } = clouds(4);
    const predicted = (await trainer.predict(images)).toArray();
    await ema.apply(async () => {
      const expected = model.eval().forward(images).toArray() as number[][];
      expect(predicted).toEqual(expected.map((row) => row.map((value) => expect.closeTo(value, 4))));
    });
  });
});

describe('evaluate', () => {
  it('tells how good a classifier is', async () => {
    const { model } = training();
    const { samples, metrics, classification } = await evaluate(model, validation, {
      loss: crossEntropy,
      metrics: { accuracy, f1Score },
      topK: 2,
      labels: ['a', 'b', 'c'],
    });
    model.eval();
    const batches: (readonly Tensor[])[] = [];
    for await (const batch of validation) batches.push(batch);
    const [images, labels] = [0, 1].map((i) => batches.map((batch) => batch[i]));
    const { concat } = await import('../../lib/index.js');
    const output = model.forward(concat(images)) as Tensor<'float32'>;
    const truth = concat(labels);
    expect(samples).toBe(12);
    expect(metrics.loss).toBeCloseTo(crossEntropy(output, truth).item(), 4);
    expect(metrics.accuracy).toBe(accuracy(output, truth));
    expect(metrics.f1Score).toBe(f1Score(output, truth));
    expect(classification?.accuracy).toBe(metrics.accuracy);
    expect(classification?.topK.k).toBe(2);
    expect(classification?.topK.accuracy).toBeGreaterThanOrEqual(metrics.accuracy);
    expect(classification?.confusionMatrix.flat().reduce((a, b) => a + b)).toBe(12);
    expect(classification?.report.classes.map(({ label }) => label)).toEqual(['a', 'b', 'c']);
  });

  it('has nothing to say on classes where there are none', async () => {
    const model = new nn.Linear(2, 2);
    const { classification, metrics } = await evaluate(model, [[zeros([3, 2]), zeros([3, 2])]]);
    expect([classification, metrics]).toEqual([null, {}]);
  });

  it('runs models that cannot be traced', async () => {
    class Choosy extends nn.Module {
      readonly layer = new nn.Linear(16, 3);
      forward(x: Tensor<'float32'>): Tensor<'float32'> {
        const y = this.layer.forward(x.flatten(1) as Tensor<'float32'>);
        return y.sum().item() > 0 ? y : y.neg();
      }
    }
    const { samples } = await evaluate(new Choosy(), validation);
    expect(samples).toBe(12);
  });

  it('refuses losses that are none, and losses of more than one element', async () => {
    const model = new nn.Linear(2, 2);
    const batches = [[zeros([3, 2]), zeros([3], { dtype: 'int32' })]];
    const losing = (loss: unknown) => evaluate(model, batches, { loss: loss as Loss });
    await expect(losing('crossEntropy')).rejects.toThrow('evaluate: loss must be a function of the output');
    await expect(losing((output: Tensor) => output)).rejects.toThrow(
      'loss: a loss must be a tensor of one element, got [3, 2]',
    );
  });

  it('stops for a signal, and says when there is nothing', async () => {
    const { model } = training();
    expect(await rejection(evaluate(model, validation, { signal: AbortSignal.abort() }))).toMatch(/ERR_ABORTED/);
    expect(await rejection(evaluate(model, []))).toBe(
      'ArgumentError ERR_ARGUMENT evaluate: the loader gave no samples',
    );
    expect(await rejection(evaluate(model, 3 as never))).toContain('loader must be iterable');
    expect(await rejection(evaluate(model, validation, { metrics: { loss: accuracy } }))).toContain(
      "a metric cannot be called 'loss'",
    );
    let batches = 0;
    const counting = { labels: ['a', 'b'], onBatch: () => batches++ };
    expect(await rejection(evaluate(model, validation, counting))).toBe(
      'ArgumentError ERR_ARGUMENT evaluate: 3 classes need as many labels, got 2',
    );
    expect(batches).toBe(0);
    expect(model.training).toBe(true);
  });
});

describe('predict', () => {
  it('gives outputs of a tensor in parts, and of a loader', async () => {
    const { model, trainer } = training();
    const { images, labels } = clouds(7);
    model.eval();
    const expected = (model.forward(images).toArray() as number[][]).map((row) => row.map((v) => expect.closeTo(v, 4)));
    expect((await trainer.predict(images, { batchSize: 3 })).toArray()).toEqual(expected);
    expect((await trainer.predict([[images, labels]])).toArray()).toEqual(expected);
    expect(await rejection(trainer.predict(images, { batchSize: 0 }))).toContain('batchSize must be an integer');
    for (const none of [zeros([0, 1, 4, 4]), []])
      expect(await rejection(trainer.predict(none))).toContain('there are no inputs');
    expect(await rejection(trainer.predict([[1]] as never))).toContain('predict: a batch must be an array of tensors');
    expect(await rejection(trainer.predict(images, { signal: AbortSignal.abort() }))).toMatch(/ERR_ABORTED/);
  });
});
