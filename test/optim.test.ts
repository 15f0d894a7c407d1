import { describe, expect, it } from 'vitest';
import { Adam, AdamW, crossEntropy, Generator, nn, type optim, SGD, type Tensor, tensor, zeros } from '../lib/index.js';
import { failure } from './failure.js';

const leaf = (...values: number[]) => tensor(values, { dtype: 'float64', requiresGrad: true });

/** Sets the gradient and takes a step. */
function stepWith(optimizer: optim.Optimizer, ...gradients: (number[] | null)[]): void {
  optimizer.parameters.forEach((parameter, i) => {
    const values = gradients[i];
    parameter.grad = values ? tensor(Float64Array.from(values)) : null;
  });
  optimizer.step();
}

describe('options', () => {
  const w = () => [leaf(1)];
  it.each<[() => unknown, string]>([
    [() => new SGD([], { lr: 1 }), 'SGD: there are no parameters to optimise'],
    [() => new SGD(w(), { lr: -1 }), 'SGD: lr must be at least 0, got -1'],
    [() => new SGD(w(), { lr: Number.NaN }), 'SGD: lr must be at least 0, got NaN'],
    [() => new SGD(w(), {} as never), 'SGD: lr must be at least 0, got undefined'],
    [() => new SGD(w(), { lr: 1, momentum: 1.1 }), 'SGD: momentum must be in [0, 1], got 1.1'],
    [() => new SGD(w(), { lr: 1, dampening: -0.1 }), 'SGD: dampening must be in [0, 1], got -0.1'],
    [() => new SGD(w(), { lr: 1, weightDecay: -1 }), 'SGD: weightDecay must be at least 0, got -1'],
    [
      () => new SGD(w(), { lr: 1, nesterov: true }),
      'SGD: nesterov needs momentum above 0 and no dampening, got 0 and 0',
    ],
    [
      () => new SGD(w(), { lr: 1, nesterov: true, momentum: 0.9, dampening: 0.1 }),
      'SGD: nesterov needs momentum above 0 and no dampening, got 0.9 and 0.1',
    ],
    [() => new Adam(w(), { lr: -1 }), 'Adam: lr must be at least 0, got -1'],
    [() => new Adam(w(), { eps: -1 }), 'Adam: eps must be at least 0, got -1'],
    [() => new AdamW(w(), { weightDecay: -1 }), 'AdamW: weightDecay must be at least 0, got -1'],
    [() => new AdamW([]), 'AdamW: there are no parameters to optimise'],
    [
      () => new SGD([leaf(1, 2).mul(2)], { lr: 1 }),
      'SGD: a parameter of shape [2] is the result of an operation; only leaves can be optimised',
    ],
  ])('%# out of range', (make, message) => {
    expect(failure(make)).toBe(`ArgumentError ERR_ARGUMENT ${message}`);
  });

  it('refuses a beta of 1, which would divide by 0, and a parameter listed twice', () => {
    expect(failure(() => new Adam(w(), { betas: [1, 0.9] }))).toMatch(
      /Adam: betas\[0\] must be in \[0, 0\.9+\d*\], got 1$/,
    );
    expect(failure(() => new Adam(w(), { betas: [0.9, -0.1] }))).toContain('betas[1] must be in');
    const [p] = w();
    expect(failure(() => new SGD([p, leaf(2), p], { lr: 1 }))).toBe(
      'ArgumentError ERR_ARGUMENT SGD: a parameter is listed twice, and would be updated twice in each step',
    );
  });

  it('have the documented defaults', () => {
    expect(new SGD(w(), { lr: 1 }).options).toEqual({ momentum: 0, dampening: 0, weightDecay: 0, nesterov: false });
    const adam = { betas: [0.9, 0.999], eps: 1e-8 };
    expect([new Adam(w()).lr, new Adam(w()).options]).toEqual([1e-3, { ...adam, weightDecay: 0 }]);
    expect([new AdamW(w()).lr, new AdamW(w()).options]).toEqual([1e-3, { ...adam, weightDecay: 0.01 }]);
  });

  it('take parameters from any iterable', () => {
    function* parameters() {
      yield leaf(1);
      yield leaf(2);
    }
    expect(new SGD(parameters(), { lr: 1 }).parameters).toHaveLength(2);
  });
});

// Worked by hand from the definitions; test/golden.test.ts compares whole trainings with PyTorch.
describe('one step', () => {
  it('of SGD, with everything that changes it', () => {
    const w = leaf(2);
    const sgd = new SGD([w], { lr: 0.5, momentum: 0.5, weightDecay: 0.25, nesterov: true });
    stepWith(sgd, [1]); // g = 1.5, buffer = 1.5, look ahead 2.25
    expect(w.item()).toBe(2 - 0.5 * 2.25);
    stepWith(sgd, [1]); // g = 1 + 0.25·0.875 = 1.21875, buffer = 1.96875, look ahead 2.203125
    expect(w.item()).toBe(0.875 - 0.5 * 2.203125);
    const damped = leaf(0);
    const heavy = new SGD([damped], { lr: 1, momentum: 1, dampening: 0.5 });
    for (let i = 0; i < 3; i++) stepWith(heavy, [1]); // buffers 1, 1.5, 2: the first is not dampened
    expect(damped.item()).toBe(-4.5);
  });

  it('of Adam has the length of the learning rate, whatever the gradient', () => {
    const w = leaf(1, 1, 1);
    stepWith(new Adam([w], { lr: 0.125, eps: 0 }), [1e-6, -40, 3]);
    expect(w.toArray()).toEqual([0.875, 1.125, 0.875].map((v) => expect.closeTo(v, 12)));
  });

  it('of Adam adds decay to the gradient, of AdamW takes it off the parameter', () => {
    const [coupled, decoupled] = [leaf(8), leaf(8)];
    stepWith(new Adam([coupled], { lr: 0.5, eps: 0, weightDecay: 0.5 }), [0]); // g = 4, a step of 0.5
    stepWith(new AdamW([decoupled], { lr: 0.5, eps: 0.5, weightDecay: 0.5 }), [0]); // 8·(1 − 0.25)
    expect([coupled.item(), decoupled.item()]).toEqual([expect.closeTo(7.5, 12), 6]);
  });

  it('uses the learning rate of the moment', () => {
    const w = leaf(0);
    const sgd = new SGD([w], { lr: 1 });
    stepWith(sgd, [1]);
    sgd.lr = 0.25;
    stepWith(sgd, [1]);
    expect(w.item()).toBe(-1.25);
  });
});

describe('parameters', () => {
  it('without a gradient are left alone, and their state too', () => {
    const [a, b] = [leaf(1), leaf(1)];
    const adam = new Adam([a, b], { lr: 0.1, weightDecay: 0.5 });
    stepWith(adam, [1], null);
    stepWith(adam, [1], null);
    expect(b.item()).toBe(1);
    stepWith(adam, [1], [3]);
    // The first update of b: bias correction counts its own updates, so that it is as long as the learning rate.
    expect(b.item()).toBeCloseTo(0.9, 6);
    expect(adam.stateDict().tensors.updates.map((t) => t?.item())).toEqual([3, 1]);
  });

  it('that no longer require grad are left alone', () => {
    const w = leaf(1);
    const sgd = new SGD([w], { lr: 1 });
    w.requiresGrad = false;
    stepWith(sgd, [1]);
    expect(w.item()).toBe(1);
  });

  it('must have gradients like themselves', () => {
    const w = leaf(1, 2);
    const sgd = new SGD([w], { lr: 1 });
    expect(failure(() => stepWith(sgd, [1]))).toBe(
      'ShapeError ERR_SHAPE step: a gradient is float64 [1], its parameter float64 [2]',
    );
    w.grad = tensor([1, 2]) as Tensor as Tensor<'float64'>;
    expect(failure(() => sgd.step())).toContain('a gradient is float32 [2], its parameter float64 [2]');
    expect(w.toArray()).toEqual([1, 2]);
  });

  it('forget their gradients with zeroGrad', () => {
    const w = leaf(1);
    const sgd = new SGD([w], { lr: 1 });
    w.mul(2).backward();
    sgd.zeroGrad();
    sgd.step();
    expect([w.grad, w.item()]).toEqual([null, 1]);
  });
});

describe('a saved state', () => {
  const makers: [string, (parameters: Tensor[]) => optim.Optimizer][] = [
    ['SGD with momentum', (p) => new SGD(p, { lr: 0.05, momentum: 0.9, nesterov: true })],
    ['Adam', (p) => new Adam(p, { lr: 0.01 })],
    ['AdamW', (p) => new AdamW(p, { lr: 0.01 })],
  ];

  function network(): nn.Sequential {
    const net = new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.ReLU(), new nn.Flatten(), new nn.Linear(8, 3));
    const random = new Generator(11);
    for (const p of net.parameters()) nn.init.normal(p, 0, 0.5, random);
    return net;
  }

  const random = new Generator(12);
  const batches = Array.from({ length: 6 }, () => ({
    x: tensor(
      Float32Array.from({ length: 2 * 16 }, () => random.normal()),
      [2, 1, 4, 4],
    ),
    labels: tensor([random.integer(3), random.integer(3)], { dtype: 'int32' }),
  }));

  function train(net: nn.Sequential, optimizer: optim.Optimizer, from: number, to: number): void {
    for (const { x, labels } of batches.slice(from, to)) {
      optimizer.zeroGrad();
      crossEntropy(net.forward(x), labels).backward();
      optimizer.step();
    }
  }

  const bitsOf = (net: nn.Module) =>
    net.parameters().map((p) => Array.from(new Uint32Array(p.data.buffer, p.data.byteOffset, p.size)));
  const copyOf = (state: optim.OptimizerState): optim.OptimizerState => ({
    ...state,
    tensors: Object.fromEntries(
      Object.entries(state.tensors).map(([name, list]) => [name, list.map((t) => t?.clone() ?? null)]),
    ),
  });

  it.each(makers)('of %s continues bit for bit', (_, make) => {
    const straight = network();
    const whole = make(straight.parameters());
    train(straight, whole, 0, 6);

    const first = network();
    const half = make(first.parameters());
    train(first, half, 0, 3);
    const state = copyOf(half.stateDict());
    const second = network();
    second.loadStateDict(first.stateDict());
    const resumed = make(second.parameters());
    resumed.lr = 77; // is part of the state
    resumed.loadStateDict(state);
    expect(resumed.stateDict().step).toBe(3);
    train(second, resumed, 3, 6);
    expect(bitsOf(second)).toEqual(bitsOf(straight));
    expect(resumed.lr).toBe(whole.lr);

    const forgetful = network();
    forgetful.loadStateDict(first.stateDict());
    train(forgetful, make(forgetful.parameters()), 3, 6);
    expect(bitsOf(forgetful)).not.toEqual(bitsOf(straight));
  });

  it('is a copy of what was loaded, and a list of its own of what was saved', () => {
    const w = leaf(1);
    const sgd = new SGD([w], { lr: 1, momentum: 0.5 });
    const early = sgd.stateDict();
    stepWith(sgd, [1]);
    expect(early.tensors.momentum).toEqual([null]);
    const state = sgd.stateDict();
    const other = new SGD([leaf(1)], { lr: 1, momentum: 0.5 });
    other.loadStateDict(state);
    stepWith(other, [1]);
    expect([state.tensors.momentum[0]?.item(), other.stateDict().tensors.momentum[0]?.item()]).toEqual([1, 1.5]);
    other.loadStateDict(early);
    expect(other.stateDict()).toEqual({ step: 0, lr: 1, tensors: { momentum: [null] } });
  });

  it('of other parameters is refused, and nothing has changed then', () => {
    const parameters = [leaf(1, 2, 3), leaf(4)];
    const adam = new Adam(parameters, { lr: 0.5 });
    stepWith(adam, [1, 1, 1], [1]);
    const good = copyOf(adam.stateDict());
    const before = JSON.stringify(describeState(adam.stateDict()));
    const { firstMoment, secondMoment, updates } = good.tensors;
    const f64 = (shape: number[]) => zeros(shape, { dtype: 'float64' });
    const bad: [string, Record<string, unknown>, Partial<optim.OptimizerState>?][] = [
      ['firstMoment', { firstMoment: [firstMoment[0]] }],
      ['firstMoment', { firstMoment: [...firstMoment, null] }],
      ['firstMoment', { firstMoment: undefined }],
      ['firstMoment', { firstMoment: [f64([]), firstMoment[1]] }],
      ['firstMoment', { firstMoment: [f64([2]), firstMoment[1]] }],
      ['firstMoment', { firstMoment: [zeros([3]), firstMoment[1]] }],
      ['secondMoment', { secondMoment: [secondMoment[0], [0]] }],
      ['secondMoment', { secondMoment: [null, secondMoment[1]] }],
      ['updates', { updates: [updates[0], f64([])] }],
      ['updates', { updates: [updates[0], tensor([1], { dtype: 'int32' })] }],
      ['updates', { updates: [null, null] }],
    ];
    for (const [name, tensors] of bad) {
      const state = { ...good, tensors: { ...good.tensors, ...tensors } } as optim.OptimizerState;
      expect(failure(() => adam.loadStateDict(state))).toBe(
        `ConvforgeError ERR_STATE_DICT loadStateDict: ${name} does not fit the optimizer's parameters`,
      );
    }
    expect(failure(() => adam.loadStateDict({ ...good, step: -1 }))).toBe(
      'ConvforgeError ERR_STATE_DICT loadStateDict: step -1 or lr 0.5 is out of range',
    );
    expect(failure(() => adam.loadStateDict({ ...good, lr: Number.NaN }))).toContain(
      'step 1 or lr NaN is out of range',
    );
    expect(JSON.stringify(describeState(adam.stateDict()))).toBe(before);
    adam.loadStateDict(good);
  });

  function describeState({ step, lr, tensors }: optim.OptimizerState) {
    return { step, lr, tensors: Object.entries(tensors).map(([name, list]) => [name, list.map((t) => t?.toArray())]) };
  }
});
