import { afterEach, describe, expect, it } from 'vitest';
import { nativeAddon } from '../../lib/backend/backend.js';
import {
  Adam,
  availableIsas,
  backendInfo,
  CompiledStep,
  compileStep,
  crossEntropy,
  EagerStep,
  Generator,
  manualSeed,
  mse,
  nn,
  ones,
  optim,
  randn,
  SGD,
  type StepOptions,
  setBackend,
  setIsa,
  setPrecision,
  setThreads,
  type Tensor,
  tensor,
  zeros,
} from '../../lib/index.js';

const initial = backendInfo();
const isas = availableIsas();
const BACKENDS = nativeAddon() ? (['native', 'typescript'] as const) : (['typescript'] as const);

afterEach(() => {
  setPrecision('fast');
  setBackend(initial.backend);
  if (isas.length) setIsa(isas[0]);
  if (initial.backend === 'native') setThreads(initial.threads);
});

class Network extends nn.Module {
  conv1 = new nn.Conv2d(3, 20, 3, { padding: 1 });
  conv2 = new nn.Conv2d(20, 20, 3, { padding: 1, bias: false });
  norm2 = new nn.BatchNorm2d(20);
  shortcut = new nn.Conv2d(20, 20, 1, { bias: false });
  pool = new nn.MaxPool2d(2);
  conv3 = new nn.Conv2d(20, 33, 3, { stride: 2, bias: false });
  norm3 = new nn.BatchNorm2d(33);
  dropout = new nn.Dropout(0.25);
  head = new nn.Linear(33, 5);

  forward(x: Tensor): Tensor {
    const a = this.conv1.forward(x as Tensor<'float32'>).relu();
    const b = this.norm2.forward(this.conv2.forward(a)).add(this.shortcut.forward(a)).relu();
    const c = this.norm3.forward(this.conv3.forward(this.pool.forward(b))).relu();
    return this.head.forward(this.dropout.forward(c.mean([2, 3])) as Tensor<'float32'>);
  }
}

/** relu(norm(x) + shortcut(x)), where one of both sides needs no gradient. */
class Block extends nn.Module {
  readonly norm = new nn.BatchNorm2d(20);
  readonly shortcut = new nn.BatchNorm2d(20);
  readonly conv1 = new nn.Conv2d(20, 20, 3, { padding: 1, bias: false });
  readonly conv2 = new nn.Conv2d(20, 20, 1, { bias: false });

  constructor(frozen: 'norm' | 'shortcut') {
    super();
    nn.init.uniform(this.norm.bias as Tensor, -1, 1);
    nn.init.uniform(this.shortcut.bias as Tensor, -1, 1);
    for (const each of frozen === 'norm' ? [this.norm, this.conv1] : [this.shortcut, this.conv2]) each.freeze();
  }

  forward(x: Tensor<'float32'>): Tensor {
    return this.norm
      .forward(this.conv1.forward(x))
      .add(this.shortcut.forward(this.conv2.forward(x)))
      .relu();
  }
}

/** A loss with a parameter, a parameter that no optimizer has, a buffer and a mode. */
class Uncertain extends nn.Module {
  readonly scale = nn.parameter(ones([1]));
  readonly unused = nn.parameter(ones([1]));
  readonly weight = nn.buffer(ones([1]));
  late = ones([1]);

  forward(logits: Tensor, labels: Tensor): Tensor {
    const loss = crossEntropy(logits, labels).mul(this.weight).mul(this.scale).mul(this.late);
    return loss
      .mul(this.training ? 2 : 1)
      .add(this.unused.mul(0))
      .sum();
  }
}

function batchOf(n: number, seed: number): [Tensor, Tensor] {
  const generator = new Generator(seed);
  const labels = Int32Array.from({ length: n }, () => generator.integer(5));
  return [randn([n, 3, 10, 9], { generator }), tensor(labels, [n])];
}

function made(optimizer: (parameters: Tensor[]) => optim.Optimizer, rest: Partial<StepOptions> = {}): StepOptions {
  manualSeed(3);
  const model = new Network();
  return { model, loss: crossEntropy, optimizer: optimizer(model.parameters()), ...rest };
}

/** Largest difference between two models' tensors, in units of the largest element of each. */
function difference(a: nn.Module, b: nn.Module): number {
  const other = b.stateDict();
  return Math.max(
    ...Object.entries(a.stateDict()).map(([name, tensor]) => {
      const [mine, yours] = [tensor, other[name]].map((t) => Array.from(t.data as Float32Array, Number));
      const unit = Math.max(1e-3, ...yours.map(Math.abs));
      return Math.max(...mine.map((v, i) => Math.abs(v - yours[i]))) / unit;
    }),
  );
}

const OPTIMIZERS: Record<string, (parameters: Tensor[]) => optim.Optimizer> = {
  SGD: (parameters) => new SGD(parameters, { lr: 0.05, momentum: 0.9, weightDecay: 1e-3, nesterov: true }),
  Adam: (parameters) => new Adam(parameters, { lr: 0.01 }),
};

for (const backend of BACKENDS) {
  describe(`a compiled step on the ${backend} backend`, () => {
    for (const [name, optimizer] of Object.entries(OPTIMIZERS)) {
      it(`does what an eager one does, with ${name}`, async () => {
        setBackend(backend);
        setPrecision('exact');
        const [a, b] = [made(optimizer), made(optimizer)];
        const batches = [1, 2, 3, 4].map((seed) => batchOf(seed === 3 ? 3 : 6, seed));
        manualSeed(11);
        const compiled = await compileStep(a, batches[0]);
        const losses: number[] = [];
        for (const batch of batches) losses.push((await compiled.run(batch)).loss.item());
        manualSeed(11);
        const eager = new EagerStep(b);
        for (const [i, batch] of batches.entries()) {
          const { loss } = await eager.run(batch);
          expect(losses[i]).toBeCloseTo(loss.item(), 4);
        }
        // Adam divides by gradients that may be roundings of 0, where any sign is right
        expect(difference(a.model, b.model)).toBeLessThan(name === 'Adam' ? 0.05 : 1e-4);
        expect((a.model as Network).norm2.numBatchesTracked?.item()).toBe(4);
        await compiled.release();
      });
    }

    it('clips, averages and accumulates as an eager one does', async () => {
      setBackend(backend);
      setPrecision('exact');
      const rest = { clipGradNorm: 0.5, clipGradValue: 0.2, accumulate: 2 };
      const [a, b] = [made(OPTIMIZERS.SGD, rest), made(OPTIMIZERS.SGD, rest)].map((options) => ({
        ...options,
        ema: new optim.ExponentialMovingAverage(options.model, { decay: 0.9 }),
      }));
      manualSeed(11);
      const compiled = await compileStep(a, batchOf(4, 1));
      for (const seed of [1, 2, 3, 4, 5]) await compiled.run(batchOf(4, seed));
      await compiled.flush();
      manualSeed(11);
      const eager = new EagerStep(b);
      for (const seed of [1, 2, 3, 4, 5]) await eager.run(batchOf(4, seed));
      eager.flush();
      expect(difference(a.model, b.model)).toBeLessThan(1e-4);
      await a.ema.apply(async () => {
        await b.ema.apply(async () => {
          expect(difference(a.model, b.model)).toBeLessThan(1e-4);
        });
      });
      await compiled.release();
    });

    it('drops the gradients of layers that are frozen while batches accumulate', async () => {
      setBackend(backend);
      setPrecision('exact');
      const [a, b] = [0, 1].map(() => made(OPTIMIZERS.SGD, { clipGradNorm: 0.01, accumulate: 2 }));
      const [compiled, eager] = [await compileStep(a, batchOf(4, 1)), new EagerStep(b)];
      for (const [i, step] of [compiled, eager].entries()) {
        manualSeed(11);
        await step.run(batchOf(4, 1));
        ([a, b][i].model as Network).conv1.freeze();
        await step.run(batchOf(4, 2));
      }
      expect(difference(a.model, b.model)).toBeLessThan(1e-4);
      await compiled.release();
    });

    it.each(['norm', 'shortcut'] as const)('goes back through a sum whose %s is frozen', async (frozen) => {
      setBackend(backend);
      setPrecision('exact');
      const [a, b] = [0, 1].map(() => {
        manualSeed(5);
        const model = new Block(frozen);
        return { model, loss: mse, optimizer: new SGD(model.parameters(), { lr: 0.5 }) };
      });
      const batch = [randn([4, 20, 8, 8]), randn([4, 20, 8, 8])];
      const compiled = await compileStep(a, batch);
      const eager = new EagerStep(b);
      for (let i = 0; i < 3; i++) {
        await compiled.run(batch);
        await eager.run(batch);
      }
      expect(difference(a.model, b.model)).toBeLessThan(1e-4);
      await compiled.release();
    });

    it('gives the same bits again, and on two threads', async () => {
      setBackend(backend);
      const results = [];
      for (const threads of [1, 1, 2]) {
        if (backend === 'native') setThreads(threads);
        const options = made(OPTIMIZERS.SGD);
        manualSeed(11);
        const step = await compileStep(options, batchOf(4, 1));
        for (const seed of [1, 2, 3]) await step.run(batchOf(4, seed));
        results.push(Object.values(options.model.stateDict()).map(({ data }) => data));
        await step.release();
      }
      expect(results[1]).toEqual(results[0]);
      expect(results[2]).toEqual(results[0]);
    });

    it('follows the learning rate, frozen layers, and a switch to eval()', async () => {
      setBackend(backend);
      const options = made(OPTIMIZERS.SGD);
      const model = options.model as Network;
      const step = await compileStep(options, batchOf(4, 1));
      const weight = () => model.conv1.weight.toArray();
      await step.run(batchOf(4, 1));
      const before = weight();
      options.optimizer.lr = 0;
      await step.run(batchOf(4, 2));
      expect(weight()).toEqual(before);
      options.optimizer.lr = 0.1;
      model.conv1.weight.requiresGrad = false;
      const head = model.head.weight.toArray();
      await step.run(batchOf(4, 3));
      expect(weight()).toEqual(before);
      expect(model.head.weight.toArray()).not.toEqual(head);
      model.eval();
      const mean = model.norm2.runningMean?.toArray();
      await step.run(batchOf(4, 4));
      expect(model.norm2.runningMean?.toArray()).toEqual(mean);
      await step.release();
    });

    it('leaves weights where they are, so that they can be loaded between steps', async () => {
      setBackend(backend);
      const options = made((parameters) => new SGD(parameters, { lr: 0 }));
      const step = await compileStep(options, batchOf(4, 1));
      options.model.eval();
      const { output } = await step.run(batchOf(4, 1));
      const zeroed = Object.fromEntries(
        Object.entries(options.model.stateDict()).map(([name, t]) => [name, zeros(t.shape, { dtype: t.dtype })]),
      );
      options.model.loadStateDict(zeroed);
      const after = (await step.run(batchOf(4, 1))).output;
      expect(output.toArray()).not.toEqual(after.toArray());
      expect(new Set(after.data as Float32Array)).toEqual(new Set([0]));
      expect(options.model.parameters().every(({ grad }) => grad === null)).toBe(true);
      await step.release();
    });

    it('trains a loss that is a module, and follows its buffers and its mode', async () => {
      setBackend(backend);
      setPrecision('exact');
      const build = () => {
        const options = made((parameters) => new SGD(parameters, { lr: 0.05 }));
        const loss = new Uncertain();
        options.optimizer.addParamGroup({ params: loss.scale });
        return { ...options, loss, clipGradNorm: 0.1 };
      };
      const [a, b] = [build(), build()];
      const batch = batchOf(4, 1);
      const compiled = await compileStep({ ...a }, batch);
      const eager = new EagerStep({ ...b });
      const late = [0, 1].map(() => nn.parameter(ones([1])));
      const changes: ((options: typeof a, i: number) => void)[] = [
        () => {},
        ({ loss }) => nn.init.constant(loss.weight, 3),
        ({ loss }) => loss.eval(),
        ({ loss, optimizer }, i) => {
          loss.late = late[i];
          optimizer.addParamGroup({ params: late[i] });
        },
      ];
      for (const [i, change] of changes.entries()) {
        [a, b].forEach(change);
        manualSeed(11);
        const one = (await compiled.run(batch)).loss.item();
        manualSeed(11);
        const other = (await eager.run(batch)).loss.item();
        expect(one / other, `after change ${i}`).toBeCloseTo(1, 4);
      }
      expect(difference(a.model, b.model)).toBeLessThan(1e-4);
      for (const [mine, yours] of [[a.loss.scale, b.loss.scale], late]) {
        expect(mine.item()).toBeCloseTo(yours.item(), 4);
        expect(mine.item()).not.toBe(1);
      }
      expect([a.loss.unused.grad, b.loss.unused.grad?.item()]).toEqual([null, 0]);
      await compiled.release();
    });

    it('keeps averages from being mixed up with weights they stand in for', async () => {
      setBackend(backend);
      const options = made(OPTIMIZERS.SGD);
      const ema = new optim.ExponentialMovingAverage(options.model);
      const step = await compileStep({ ...options, ema }, batchOf(4, 1));
      await expect(ema.apply(() => step.run(batchOf(4, 1)))).rejects.toThrow('the averages are in the place');
      await step.run(batchOf(4, 1));
      expect(ema.stateDict().updates).toBe(1);
      await step.release();
    });

    it('lets no gradient be computed from weights that it has changed', async () => {
      setBackend(backend);
      const options = made(OPTIMIZERS.SGD);
      const batch = batchOf(4, 1);
      const step = await compileStep(options, batch);
      const loss = mse(options.model.forward(batch[0]) as Tensor<'float32'>, zeros([4, 5]));
      await step.run(batch);
      expect(() => loss.backward()).toThrow('was changed in place after the forward pass');
      await step.release();
    });

    it('runs steps one after the other, however they are started', async () => {
      setBackend(backend);
      const [a, b] = [made(OPTIMIZERS.SGD), made(OPTIMIZERS.SGD)];
      manualSeed(11);
      const one = await compileStep(a, batchOf(4, 1));
      for (const seed of [1, 2, 3]) await one.run(batchOf(4, seed));
      manualSeed(11);
      const other = await compileStep(b, batchOf(4, 1));
      await Promise.all([1, 2, 3].map((seed) => other.run(batchOf(4, seed))));
      expect(difference(a.model, b.model)).toBe(0);
      await Promise.all([one.release(), other.release()]);
    });
  });
}

describe('what cannot be compiled', () => {
  class Looking extends Network {
    override forward(x: Tensor): Tensor {
      return x.mean().item() > 0 ? super.forward(x) : super.forward(x.mul(2));
    }
  }

  it('is a model whose control flow depends on elements', async () => {
    const model = new Looking();
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    const step = compileStep({ model, loss: crossEntropy, optimizer }, batchOf(2, 1));
    await expect(step).rejects.toMatchObject({ code: 'ERR_TRACE' });
    // and everything is as it was
    expect(model.conv1.weight.data).toHaveLength(540);
    const eager = new EagerStep({ model, loss: crossEntropy, optimizer });
    expect((await eager.run(batchOf(2, 1))).loss.item()).toBeGreaterThan(0);
  });

  it('is told in words', async () => {
    const options = made(OPTIMIZERS.SGD);
    const bad = (given: object, batch: unknown = batchOf(2, 1)) =>
      compileStep({ ...options, ...given } as StepOptions, batch as Tensor[]);
    await expect(bad({ model: null })).rejects.toThrow('compileStep: model must be a module');
    await expect(bad({ loss: 3 })).rejects.toThrow('loss must be a function');
    await expect(bad({}, [])).rejects.toThrow('a batch must be an array of tensors');
    await expect(bad({ loss: (y: Tensor) => y })).rejects.toThrow('must be a tensor of one element');
    await expect(bad({ loss: (y: Tensor) => mse(ones(y.shape), ones(y.shape)) })).rejects.toThrow(
      'does not depend on any parameter',
    );
    const wrong = [randn([2, 4, 10, 9]), tensor([1, 2], { dtype: 'int32' })];
    await expect(bad({}, wrong)).rejects.toThrow('expects 3 input channels');
  });

  it('is refused when it is run: labels out of range, aborted, released', async () => {
    const options = made(OPTIMIZERS.SGD);
    const step = await compileStep(options, batchOf(2, 1));
    expect(step).toBeInstanceOf(CompiledStep);
    const [x] = batchOf(2, 1);
    const before = options.model.parameters().map((p) => p.toArray());
    await expect(step.run([x, tensor([1, 5], { dtype: 'int32' })])).rejects.toThrow('label 5 at position 1');
    await expect(step.run([x, tensor([1n, 2n ** 32n])])).rejects.toThrow('must fit into 32 bits, got 4294967296');
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(step.run(batchOf(2, 1), { signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(options.model.parameters().map((p) => p.toArray())).toEqual(before);
    await step.release();
    await expect(step.run(batchOf(2, 1))).rejects.toThrow('run: the step was released');
    await expect(step.flush()).rejects.toThrow('flush: the step was released');
    await expect(step.run([])).rejects.toThrow('a batch must be an array of tensors');
    expect(() => step.prepare(batchOf(2, 1))).toThrow('prepare: the step was released');
  });
});
