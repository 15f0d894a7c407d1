import { describe, expect, it } from 'vitest';
import type { Value } from '../lib/graph/graph.js';
import { Trace } from '../lib/graph/trace.js';
import { Adam, AdamW, Lion, manualSeed, nn, optim, RMSprop, SGD, type Tensor, tensor } from '../lib/index.js';
import { outputsOf, withTracer } from '../lib/ops/op.js';
import { failure } from './failure.js';

const leaf = (...values: number[]) => tensor(values, { dtype: 'float64', requiresGrad: true }) as Tensor;

function withGradient(values: number[], gradient: number[]): Tensor {
  const p = leaf(...values);
  p.grad = tensor(Float64Array.from(gradient)) as Tensor;
  return p;
}

const gradientsOf = (parameters: Tensor[]) => parameters.map(({ grad }) => grad?.toArray());

describe('clipGradNorm', () => {
  it('scales all gradients by one number, and gives the norm they had', () => {
    const parameters = [withGradient([0, 0], [3, 0]), leaf(1), withGradient([0], [4])];
    const gradient = parameters[0].grad as Tensor;
    expect(optim.clipGradNorm(parameters, 2.5).item()).toBe(5);
    const scale = 2.5 / (5 + 1e-6);
    expect(gradientsOf(parameters)).toEqual([
      [expect.closeTo(3 * scale, 15), 0],
      undefined,
      [expect.closeTo(4 * scale, 15)],
    ]);
    expect(gradient.toArray()).toEqual([3, 0]); // a new tensor is the gradient now
  });

  it('leaves gradients alone that are short enough', () => {
    const parameters = [withGradient([0, 0], [3, 4])];
    expect(optim.clipGradNorm(parameters, 5.1).item()).toBe(5);
    expect(gradientsOf(parameters)).toEqual([[3, 4]]);
    expect(optim.clipGradNorm(parameters, Number.POSITIVE_INFINITY).item()).toBe(5);
    expect(gradientsOf(parameters)).toEqual([[3, 4]]);
  });

  // PyTorch 1.13's results for gradients [3, -4] and [12]
  it.each([
    [1, 19],
    [2, 13],
    [3, 12.20705],
    [0.5, 51.78461],
    [Number.POSITIVE_INFINITY, 12],
  ])('norm of type %d', (normType, expected) => {
    const parameters = [withGradient([0, 0], [3, -4]), withGradient([0], [12])];
    const norm = optim.clipGradNorm(parameters, 1, normType).item();
    expect(norm).toBeCloseTo(expected, 3);
    expect(gradientsOf(parameters)).toEqual([
      [expect.closeTo(3 / norm, 6), expect.closeTo(-4 / norm, 6)],
      [expect.closeTo(12 / norm, 6)],
    ]);
  });

  it('of NaN makes all gradients NaN, an infinite one makes the finite ones 0', () => {
    const nan = [withGradient([0, 0], [1, Number.NaN]), withGradient([0], [1])];
    expect(optim.clipGradNorm(nan, 1).item()).toBeNaN();
    expect(gradientsOf(nan)).toEqual([[Number.NaN, Number.NaN], [Number.NaN]]);
    const infinite = [withGradient([0, 0], [1, Number.POSITIVE_INFINITY]), withGradient([0], [1])];
    expect(optim.clipGradNorm(infinite, 1).item()).toBe(Number.POSITIVE_INFINITY);
    expect(gradientsOf(infinite)).toEqual([[0, Number.NaN], [0]]);
  });

  it('of nothing is 0', () => {
    expect(optim.clipGradNorm([leaf(1)], 1).item()).toBe(0);
    expect(optim.clipGradNorm([], 1).item()).toBe(0);
    const empty = withGradient([], []);
    for (const normType of [2, Number.POSITIVE_INFINITY])
      expect(optim.clipGradNorm([empty], 1, normType).item()).toBe(0);
  });

  it('takes one tensor, any iterable, and both floating-point types', () => {
    const double = withGradient([0], [3]);
    const single = tensor([0], { requiresGrad: true });
    single.grad = tensor([4]);
    expect(optim.clipGradNorm(new Set<Tensor>([double, single]), 1).item()).toBeCloseTo(5, 6);
    expect([double.grad?.dtype, single.grad?.dtype]).toEqual(['float64', 'float32']);
    expect(optim.clipGradNorm(withGradient([0], [-2]), 1).item()).toBe(2);
  });
});

describe('clipGradValue', () => {
  it('cuts off on both sides; NaN stays', () => {
    const parameters = [withGradient([0, 0, 0, 0], [-9, 0.25, Number.POSITIVE_INFINITY, Number.NaN]), leaf(1)];
    optim.clipGradValue(parameters, 0.5);
    expect(gradientsOf(parameters)).toEqual([[-0.5, 0.25, 0.5, Number.NaN], undefined]);
  });
});

describe('ExponentialMovingAverage', () => {
  const set = (net: nn.Module, value: number) => {
    for (const p of net.parameters()) nn.init.constant(p, value);
  };

  it('moves towards the weights, and begins as a copy of them', () => {
    const net = new nn.Linear(2, 1);
    set(net, 4);
    const ema = new optim.ExponentialMovingAverage(net, { decay: 0.75 });
    set(net, 8);
    ema.update();
    ema.update();
    expect(ema.stateDict().averages.weight.toArray()).toEqual([[6 - 0.25, 6 - 0.25]]);
    expect(net.weight.toArray()).toEqual([[8, 8]]);
  });

  it('warms up: its decay is (1 + t) / (10 + t) at first', () => {
    const net = new nn.Linear(1, 1);
    set(net, 0);
    const ema = new optim.ExponentialMovingAverage(net, { decay: 0.5, warmUp: true });
    set(net, 1);
    let expected = 0;
    for (let t = 1; t <= 12; t++) {
      ema.update();
      const decay = Math.min(0.5, (1 + t) / (10 + t));
      expected = decay * expected + 1 - decay;
      expect(ema.stateDict().averages.bias.toArray()).toEqual([expect.closeTo(expected, 5)]);
    }
  });

  it('averages running statistics, and copies counts', () => {
    const net = new nn.BatchNorm2d(1);
    const ema = new optim.ExponentialMovingAverage(net, { decay: 0.5 });
    net.forward(tensor(Float32Array.of(0, 2), [1, 1, 1, 2])); // running_mean 0.1
    net.forward(tensor(Float32Array.of(0, 2), [1, 1, 1, 2])); // 0.19
    ema.update();
    const { running_mean: mean, num_batches_tracked: tracked } = ema.stateDict().averages;
    expect(mean.toArray()).toEqual([expect.closeTo(0.095, 6)]);
    expect(tracked.item()).toBe(2);
  });

  it('stands in for the weights while a function runs, however that ends', async () => {
    const net = new nn.Linear(1, 1);
    set(net, 1);
    const ema = new optim.ExponentialMovingAverage(net);
    set(net, 2);
    const { storage } = net.weight;
    expect(ema.apply(() => net.weight.item())).toBe(1);
    expect(net.weight.item()).toBe(2);
    expect(() =>
      ema.apply(() => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(net.weight.item()).toBe(2);
    const running = ema.apply(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return net.weight.item();
    });
    expect(failure(() => ema.stateDict())).toContain('wait for apply');
    expect(failure(() => ema.apply(() => 0))).toContain('wait for apply');
    expect(await running).toBe(1);
    expect(net.weight.item()).toBe(2);
    await expect(
      ema.apply(async () => {
        throw new Error('later');
      }),
    ).rejects.toThrow('later');
    expect([net.weight.item(), net.weight.storage === storage]).toEqual([2, true]);
  });

  it('is saved, loaded and copied into another module', () => {
    const net = new nn.Sequential(new nn.Linear(2, 2), new nn.BatchNorm2d(2));
    const ema = new optim.ExponentialMovingAverage(net, { warmUp: true });
    set(net, 3);
    ema.update();
    const saved = ema.stateDict();
    const other = new nn.Sequential(new nn.Linear(2, 2), new nn.BatchNorm2d(2));
    const resumed = new optim.ExponentialMovingAverage(other, { warmUp: true });
    resumed.loadStateDict(saved);
    set(other, 3);
    ema.update();
    resumed.update();
    const arrays = (state: optim.MovingAverageState) => [
      state.updates,
      Object.entries(state.averages).map(([name, t]) => [name, t.toArray()]),
    ];
    expect(arrays(resumed.stateDict())).toEqual(arrays(ema.stateDict()));
    const copy = new nn.Sequential(new nn.Linear(2, 2), new nn.BatchNorm2d(2));
    ema.copyTo(copy);
    expect(copy.stateDict()['0.weight'].toArray()).toEqual(ema.stateDict().averages['0.weight'].toArray());
  });

  it('has an average once for weights that two layers share', () => {
    const shared = new nn.Linear(2, 2);
    const ema = new optim.ExponentialMovingAverage(new nn.Sequential(shared, shared), { decay: 0.5 });
    const { averages } = ema.stateDict();
    expect(Object.keys(averages)).toEqual(['0.weight', '0.bias', '1.weight', '1.bias']);
    set(shared, 1);
    const before = averages['0.bias'].toArray() as number[];
    ema.update();
    expect(ema.stateDict().averages['1.bias'].toArray()).toEqual(before.map((v) => expect.closeTo(v / 2 + 0.5, 6)));
  });
});

describe('schedulers', () => {
  it('take up changes by hand, and groups that are added later', () => {
    const sgd = new SGD([leaf(1)], { lr: 1 });
    const scheduler = new optim.ExponentialLR(sgd, { gamma: 0.5 });
    scheduler.step();
    sgd.lr = 8;
    scheduler.step();
    sgd.addParamGroup({ params: [leaf(1)], lr: 0.25 });
    scheduler.step();
    expect(sgd.groups.map(({ lr }) => lr)).toEqual([2, 0.125]);
    const absolute = new optim.LambdaLR(sgd, { lrLambda: (epoch) => epoch });
    sgd.addParamGroup({ params: [leaf(1)], lr: 5 });
    absolute.step();
    absolute.step();
    expect(sgd.groups.map(({ lr }) => lr)).toEqual([2, 0.5, 10]);
  });

  it('can be saved right after a group was added', () => {
    const sgd = new SGD([leaf(1)], { lr: 1 });
    const scheduler = new optim.CosineAnnealingLR(sgd, { tMax: 4 });
    sgd.addParamGroup({ params: [leaf(1)], lr: 3 });
    const saved = scheduler.stateDict();
    expect(saved).toEqual({ epoch: 0, baseLrs: [1, 3] });
    scheduler.loadStateDict(saved);
  });

  it('start from the rates before any schedule', () => {
    const sgd = new SGD([leaf(1)], { lr: 1 });
    new optim.ConstantLR(sgd, { factor: 0.5 });
    new optim.CosineAnnealingWarmRestarts(sgd, { t0: 3 });
    expect([sgd.lr, sgd.groups[0].initialLr]).toEqual([1, 1]);
  });

  it.each<[string, (sgd: optim.Optimizer) => optim.Scheduler, number]>([
    ['a line to 0', (sgd) => new optim.LinearLR(sgd, { endFactor: 0, totalIters: 4 }), 5],
    ['a cycle', (sgd) => new optim.OneCycleLR(sgd, { maxLr: 1, totalSteps: 6, annealStrategy: 'linear' }), 6],
  ])('%s ends with rates that a saved state may have', (_, make, steps) => {
    const sgd = new SGD([leaf(1)], { lr: 1, momentum: 0.9 });
    const scheduler = make(sgd);
    for (let i = 0; i < steps; i++) scheduler.step();
    expect(sgd.lr).toBeGreaterThanOrEqual(0);
    expect(sgd.lr).toBeLessThan(1e-4);
    sgd.loadStateDict(sgd.stateDict());
  });

  it('of a plateau: NaN is no improvement, and equal is none', () => {
    const sgd = new SGD([leaf(1)], { lr: 1 });
    const scheduler = new optim.ReduceLROnPlateau(sgd, { patience: 1, factor: 0.5 });
    const rates = [3, Number.NaN, Number.NaN, 3, 2].map((metric) => {
      scheduler.step(metric);
      return sgd.lr;
    });
    expect(rates).toEqual([1, 1, 0.5, 0.5, 0.5]);
    expect(scheduler.epoch).toBe(5);
  });

  it('refuse a state of another kind of schedule', () => {
    const sgd = new SGD([leaf(1)], { lr: 1 });
    const step = new optim.StepLR(sgd, { stepSize: 1 });
    const plateau = new optim.ReduceLROnPlateau(sgd);
    const chained = new optim.ChainedScheduler([step, plateau]);
    expect(failure(() => plateau.loadStateDict(step.stateDict()))).toBe(
      'ConvforgeError ERR_STATE_DICT loadStateDict: the state is not of a ReduceLROnPlateau',
    );
    expect(failure(() => chained.loadStateDict(step.stateDict()))).toContain('the state must be of 2 schedulers');
    const saved = chained.stateDict();
    chained.step(1);
    const now = chained.stateDict();
    const half = { ...saved, schedulers: [(saved.schedulers as unknown[])[0], {}] };
    expect(failure(() => chained.loadStateDict(half))).toContain('epoch must be an integer');
    expect(chained.stateDict()).toEqual(now); // the first one has not been loaded either
    expect(failure(() => step.loadStateDict(undefined as never))).toContain('epoch must be an integer');
  });
});

/** Runs what a trace has noted, op by op on the memory of its state, as a compiled step does. */
function replay(trace: Trace, inputs: readonly Tensor[]): void {
  for (const effect of trace.effects) effect(inputs);
  const known = new Map<Value, Tensor>(trace.inputs.map((value, i) => [value, inputs[i]]));
  const tensorOf = (value: Value | null) => value && (known.get(value) ?? value.constant ?? value.state);
  for (const { op, attributes, inputs, outputs } of trace.nodes) {
    outputsOf(op, inputs.map(tensorOf), attributes).forEach((output, i) => {
      known.set(outputs[i], output);
    });
  }
}

describe('a step that is traced and run again', () => {
  const optimizers: [string, (p: Tensor[]) => optim.Optimizer][] = [
    ['SGD', (p) => new SGD(p, { lr: 0.5, weightDecay: 0.1 })],
    ['SGD with momentum', (p) => new SGD(p, { lr: 0.5, momentum: 0.5, dampening: 0.25 })],
    ['Adam', (p) => new Adam(p, { lr: 0.5, amsgrad: true })],
    ['AdamW', (p) => new AdamW(p, { lr: 0.5 })],
    ['RMSprop', (p) => new RMSprop(p, { centered: true, momentum: 0.5 })],
    ['Lion', (p) => new Lion(p, { lr: 0.5 })],
  ];
  const GRADIENTS = [
    [1, -2],
    [0.5, 3],
    [-4, 1],
    [2, 2],
  ];

  it.each(optimizers)('%s makes the steps of one that is not, as its learning rate changes', (_, make) => {
    for (const eagerSteps of [0, 2]) {
      manualSeed(0);
      const build = () => {
        const layer = new nn.Linear(2, 1, { bias: false });
        nn.init.constant(layer.weight, 3);
        const optimizer = make(layer.parameters());
        const scheduler = new optim.ExponentialLR(optimizer, { gamma: 0.5 });
        const ema = new optim.ExponentialMovingAverage(layer, { decay: 0.5, warmUp: true });
        const update = (gradient: Tensor) => {
          layer.weight.grad = gradient as Tensor<'float32'>;
          optim.clipGradNorm(layer.parameters(), 2);
          optimizer.step();
          ema.update();
        };
        return { layer, optimizer, scheduler, ema, update };
      };
      const gradients = GRADIENTS.map((values) => tensor([values]));
      const eager = build();
      for (const gradient of gradients) {
        eager.update(gradient);
        eager.scheduler.step();
      }
      const traced = build();
      for (const gradient of gradients.slice(0, eagerSteps)) {
        traced.update(gradient);
        traced.scheduler.step();
      }
      const before = traced.optimizer.stateDict().step;
      const trace = new Trace();
      const input = trace.input('gradient', 'float32', [1, 2]);
      trace.withState(Object.values(traced.layer.stateDict()), () => withTracer(trace, () => traced.update(input)));
      expect(traced.optimizer.stateDict().step, 'tracing is no step').toBe(before);
      for (const gradient of gradients.slice(eagerSteps)) {
        replay(trace, [gradient]);
        traced.scheduler.step();
      }
      const describeAll = ({ layer, optimizer, ema }: typeof eager) => ({
        weight: layer.weight.toArray(),
        step: optimizer.stateDict().step,
        state: optimizer
          .stateDict()
          .state.map(
            (each) => each && [each.updates, Object.entries(each.tensors).map(([name, t]) => [name, t.toArray()])],
          ),
        average: [ema.stateDict().updates, ema.stateDict().averages.weight.toArray()],
      });
      expect(describeAll(traced)).toEqual(describeAll(eager));
    }
  });

  it('counts batches and moves statistics of a batch norm', () => {
    const [eager, traced] = [new nn.BatchNorm2d(2), new nn.BatchNorm2d(2)];
    const x = tensor(
      Float32Array.from({ length: 16 }, (_, i) => i * i),
      [2, 2, 2, 2],
    );
    const trace = new Trace();
    const input = trace.input('x', 'float32', [2, 2, 2, 2]);
    trace.withState(Object.values(traced.stateDict()), () => withTracer(trace, () => traced.forward(input)));
    expect(traced.stateDict().num_batches_tracked.item()).toBe(0);
    for (let i = 0; i < 3; i++) {
      eager.forward(x);
      replay(trace, [x]);
    }
    const values = (layer: nn.Module) => Object.values(layer.stateDict()).map((t) => t.toArray());
    expect(values(traced)).toEqual(values(eager));
    expect(eager.stateDict().num_batches_tracked.item()).toBe(3);
  });
});
