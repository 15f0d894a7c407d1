import { describe, expect, it } from 'vitest';
import {
  crossEntropy,
  EagerStep,
  manualSeed,
  mse,
  nn,
  ones,
  prepareStep,
  SGD,
  type StepOptions,
  type Tensor,
  tensor,
  zeros,
} from '../../lib/index.js';
import { failure } from '../failure.js';
import { bitsOf, clouds, rejection, smallNet } from './parts.js';

/** One weight w, loss mean((w·x − y)²): its gradient is mean(2x(wx − y)). */
function line(options: Partial<StepOptions> = {}) {
  const model = new nn.Linear(1, 1, { bias: false });
  model.weight.data[0] = 0;
  const optimizer = new SGD(model.parameters(), { lr: 0.5 });
  const step = new EagerStep({ model, optimizer, loss: mse, ...options });
  const batch = (...points: [x: number, y: number][]) => [
    tensor(points.map(([x]) => [x])),
    tensor(points.map(([, y]) => [y])),
  ];
  return { model, optimizer, step, batch, weight: () => model.weight.item() };
}

describe('EagerStep', () => {
  it('updates with every batch, and gives loss and output from before', async () => {
    const { step, batch, weight } = line();
    const { loss, output } = await step.run(batch([1, 2], [1, 4]));
    expect([loss.item(), output.toArray()]).toEqual([10, [[0], [0]]]);
    expect([loss.requiresGrad, output.requiresGrad]).toEqual([false, false]);
    expect(weight()).toBe(3); // gradient −6, learning rate ½
    await step.run(batch([1, 2]));
    expect(weight()).toBe(2); // gradient 2·(3 − 2)
    expect([step.compiled, step.reason]).toEqual([false, null]);
  });

  it('forgets gradients from before, and leaves those of its last batch to be looked at', async () => {
    const { model, step, batch, weight } = line();
    model.weight.grad = tensor([[100]]);
    await step.run(batch([1, 1]));
    expect(weight()).toBe(1);
    expect(model.weight.grad.toArray()).toEqual([[-2]]);
    step.release();
    expect(model.weight.grad).toBeNull();
  });

  it('averages the gradients of several batches', async () => {
    const { step, batch, weight } = line({ accumulate: 3 });
    const seen: number[] = [];
    for (const y of [1, 2, 6, 4]) {
      await step.run(batch([1, y]));
      seen.push(weight());
    }
    expect(seen.slice(0, 2)).toEqual([0, 0]);
    expect(seen[2]).toBeCloseTo(3, 6); // mean gradient −6
    expect(seen[3]).toBe(seen[2]);
  });

  it('flushes what has come together, as an average of its own', async () => {
    const { step, batch, weight } = line({ accumulate: 4 });
    step.flush(); // nothing yet
    expect(weight()).toBe(0);
    await step.run(batch([1, 1]));
    await step.run(batch([1, 3]));
    step.flush();
    expect(weight()).toBeCloseTo(2, 6); // mean gradient −4
    step.flush();
    expect(weight()).toBeCloseTo(2, 6);
    // the next four count from the start
    for (let i = 0; i < 4; i++) await step.run(batch([1, 0]));
    expect(weight()).toBeCloseTo(0, 6);
  });

  it('is the same as one large batch', async () => {
    const { images, labels } = clouds(12);
    const train = async (accumulate: number) => {
      manualSeed(3);
      const model = new nn.Sequential(new nn.Flatten(), new nn.Linear(16, 3));
      const optimizer = new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
      const step = new EagerStep({ model, optimizer, loss: crossEntropy, accumulate });
      const size = 12 / accumulate;
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 12; i += size)
          await step.run([images.slice([[i, i + size]]), labels.slice([[i, i + size]])]);
      }
      return model.parameters().flatMap((p) => [...p.data]);
    };
    const [whole, parts] = [await train(1), await train(4)];
    // Sums of 12 terms near 1 in another order, over three updates.
    whole.forEach((value, i) => {
      expect(parts[i]).toBeCloseTo(value, 5);
    });
  });

  it('clips by value, then by norm', async () => {
    const byValue = line({ clipGradValue: 0.5 });
    await byValue.step.run(byValue.batch([1, 10]));
    expect(byValue.weight()).toBe(0.25);
    const byNorm = line({ clipGradNorm: 2 });
    await byNorm.step.run(byNorm.batch([1, 10]));
    expect(byNorm.weight()).toBeCloseTo(1, 5); // the norm has an epsilon of 1e-6 beside it
    const small = line({ clipGradNorm: 100, clipGradValue: 100 });
    await small.step.run(small.batch([1, 1]));
    expect(small.weight()).toBe(1);
  });

  it('tells the averages of every update, and of nothing else', async () => {
    let updates = 0;
    const { step, batch } = line({ accumulate: 2, ema: { update: () => updates++ } });
    for (let i = 0; i < 5; i++) await step.run(batch([1, 1]));
    expect(updates).toBe(2);
    step.flush();
    expect(updates).toBe(3);
  });

  it('leaves frozen parameters alone', async () => {
    const model = new nn.Sequential(new nn.Linear(2, 2), new nn.Linear(2, 1));
    const [frozen] = model.parameters();
    frozen.requiresGrad = false;
    const before = bitsOf({ frozen });
    const step = new EagerStep({ model, loss: mse, optimizer: new SGD(model.parameters(), { lr: 0.1 }) });
    await step.run([ones([3, 2]), zeros([3, 1])]);
    expect(bitsOf({ frozen })).toEqual(before);
    expect(frozen.grad).toBeNull();
  });

  it('has one input and any number of targets', async () => {
    const { model, optimizer } = line();
    const twoTargets = (output: Tensor<'float32'>, y: Tensor, weight: Tensor) =>
      output
        .sub(y as Tensor<'float32'>)
        .square()
        .mul(weight as Tensor<'float32'>)
        .sum();
    const step = new EagerStep({ model, optimizer, loss: twoTargets });
    const { loss } = await step.run([tensor([[1]]), tensor([[3]]), tensor([[2]])]);
    expect(loss.item()).toBe(18);
    const reconstruction = new EagerStep({ model, optimizer, loss: (output) => output.square().mean() });
    expect((await reconstruction.run([tensor([[0]])])).loss.item()).toBe(0);
  });

  it('stops for a signal before anything has changed', async () => {
    const { step, batch, weight } = line();
    const signal = AbortSignal.abort('enough');
    expect(await rejection(step.run(batch([1, 1]), { signal }))).toBe(
      'ConvforgeError ERR_ABORTED run: aborted by its signal',
    );
    expect(weight()).toBe(0);
  });

  it('says what is wrong with a batch or a loss', async () => {
    const { step, model, optimizer } = line();
    const x = tensor([[1]]);
    expect(await rejection(step.run([]))).toBe(
      'ArgumentError ERR_ARGUMENT run: a batch must be an array of tensors: inputs [n, …], then targets',
    );
    expect(await rejection(step.run({ images: x } as never))).toContain('a batch must be an array of tensors');
    expect(await rejection(step.run([tensor(1), x]))).toContain('inputs of a batch must be [n, …], got a scalar');
    expect(await rejection(step.run([x, zeros([2, 1])]))).toBe(
      'ShapeError ERR_SHAPE run: inputs [1, 1] and targets [2, 1] of a batch differ in their number',
    );
    const withLoss = (loss: unknown) => rejection(new EagerStep({ model, optimizer, loss: loss as never }).run([x, x]));
    expect(await withLoss(() => zeros([2]))).toBe(
      'ShapeError ERR_SHAPE loss: a loss must be a tensor of one element, got [2]',
    );
    expect(await withLoss(() => 3)).toContain('one element, got number');
    expect(await withLoss(() => zeros([]))).toBe(
      'AutogradError ERR_AUTOGRAD run: the loss does not depend on any parameter that requires a gradient',
    );
  });

  it.each<[object, string]>([
    [{ model: {} }, 'model must be a module'],
    [{ loss: 'crossEntropy' }, 'loss must be a function of the output and the targets, or a module'],
    [{ optimizer: {} }, 'optimizer must be an optimizer, such as new SGD(model.parameters(), { lr: 0.1 })'],
    [{ clipGradNorm: 0 }, 'clipGradNorm must be above 0, got 0'],
    [{ clipGradValue: Number.NaN }, 'clipGradValue must be above 0, got NaN'],
    [{ accumulate: 1.5 }, 'accumulate must be an integer of at least 1, got 1.5'],
    [{ accumulate: 0 }, 'accumulate must be an integer of at least 1, got 0'],
  ])('refuses %j', (options, message) => {
    expect(failure(() => line(options))).toBe(`ArgumentError ERR_ARGUMENT EagerStep: ${message}`);
  });
});

describe('prepareStep', () => {
  it('trains with whatever step it chooses', async () => {
    manualSeed(1);
    const model = smallNet();
    const { images, labels } = clouds(24);
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    const step = await prepareStep({ model, loss: crossEntropy, optimizer }, [images, labels]);
    const losses: number[] = [];
    for (let i = 0; i < 30; i++) losses.push((await step.run([images, labels])).loss.item());
    expect(losses[29]).toBeLessThan(losses[0] / 2);
    expect(step.compiled).toBe(step.reason === null && !(step instanceof EagerStep));
    await step.release();
  });
});
