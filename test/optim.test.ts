import { describe, expect, it } from 'vitest';
import {
  Adam,
  AdamW,
  crossEntropy,
  Generator,
  Lion,
  nn,
  optim,
  RMSprop,
  SGD,
  type Tensor,
  tensor,
  zeros,
} from '../lib/index.js';
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
    [() => new RMSprop(w(), { alpha: 1.5 }), 'RMSprop: alpha must be in [0, 1], got 1.5'],
    [() => new RMSprop(w(), { momentum: -0.1 }), 'RMSprop: momentum must be at least 0, got -0.1'],
    [() => new Lion(w(), { weightDecay: Number.NaN }), 'Lion: weightDecay must be at least 0, got NaN'],
    [() => new SGD([{ params: [] }], { lr: 1 }), 'SGD: a group has no parameters'],
    [() => new SGD([{ params: w(), lr: -2 }], { lr: 1 }), 'SGD: lr must be at least 0, got -2'],
    [
      () => new SGD([{ params: w(), nesterov: true }], { lr: 1 }),
      'SGD: nesterov needs momentum above 0 and no dampening, got 0 and 0',
    ],
    [() => new SGD([1, 2] as never, { lr: 1 }), 'SGD: parameters must be tensors, or groups { params, … } of them'],
    [
      () => new SGD([leaf(1), { params: [leaf(2)] }] as never, { lr: 1 }),
      'SGD: parameters must be tensors, or groups { params, … } of them',
    ],
    [
      () => new SGD([leaf(1, 2).mul(2)], { lr: 1 }),
      'SGD: a parameter of shape [2] is the result of an operation; only leaves can be optimised',
    ],
  ])('%# out of range', (make, message) => {
    expect(failure(make)).toBe(`ArgumentError ERR_ARGUMENT ${message}`);
  });

  it('refuses a beta of 1, which would divide by 0, and a parameter listed twice', () => {
    expect(failure(() => new Adam(w(), { betas: [1, 0.9] }))).toContain('Adam: betas[0] must be in [0, 1), got 1');
    expect(failure(() => new Adam(w(), { betas: [0.9, -0.1] }))).toContain('betas[1] must be in');
    const [p] = w();
    expect(failure(() => new SGD([p, leaf(2), p], { lr: 1 }))).toBe(
      'ArgumentError ERR_ARGUMENT SGD: a parameter is listed twice, and would be updated twice in each step',
    );
  });

  it('have the documented defaults', () => {
    const sgd = { momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, maximize: false };
    expect(new SGD(w(), { lr: 1 }).options).toEqual({ lr: 1, ...sgd });
    const adam = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, amsgrad: false, maximize: false };
    expect(new Adam(w()).options).toEqual({ ...adam, weightDecay: 0 });
    expect(new AdamW(w()).options).toEqual({ ...adam, weightDecay: 0.01 });
    const rmsprop = { lr: 0.01, alpha: 0.99, eps: 1e-8, weightDecay: 0, momentum: 0, centered: false, maximize: false };
    expect(new RMSprop(w()).options).toEqual(rmsprop);
    expect(new Lion(w()).options).toEqual({ lr: 1e-4, betas: [0.9, 0.99], weightDecay: 0, maximize: false });
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
    expect(adam.stateDict().state.map((state) => state?.updates)).toEqual([3, 1]);
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
    ['AdamW with AMSGrad', (p) => new AdamW(p, { lr: 0.01, amsgrad: true })],
    ['RMSprop', (p) => new RMSprop(p, { centered: true, momentum: 0.9 })],
    ['Lion', (p) => new Lion(p, { lr: 0.01, weightDecay: 0.1 })],
    [
      'SGD with two groups, of which one dampens',
      ([first, ...rest]) =>
        new SGD(
          [
            { params: first, momentum: 0.5, dampening: 0.5 },
            { params: rest, lr: 0.01 },
          ],
          { lr: 0.1 },
        ),
    ],
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
    ...structuredClone({ step: state.step, groups: state.groups }),
    state: state.state.map(
      (each) =>
        each && {
          updates: each.updates,
          tensors: Object.fromEntries(Object.entries(each.tensors).map(([name, t]) => [name, t.clone()])),
        },
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
    expect(early.state).toEqual([null]);
    const state = sgd.stateDict();
    const other = new SGD([leaf(1)], { lr: 2, momentum: 0.25 });
    other.loadStateDict(state);
    expect(other.groups[0]).toMatchObject({ lr: 1, momentum: 0.5 });
    stepWith(other, [1]);
    const momentum = (from: optim.Optimizer) => from.stateDict().state[0]?.tensors.momentum.item();
    expect([momentum(sgd), momentum(other)]).toEqual([1, 1.5]);
    other.loadStateDict(early);
    expect(other.stateDict()).toEqual({ step: 0, groups: [{ ...sgd.options, size: 1 }], state: [null] });
  });

  it('is loaded into the memory there is, which traced steps use', () => {
    const [a, b] = [leaf(1), leaf(1)];
    const sgd = new SGD([a, b], { lr: 1, momentum: 0.5 });
    const fresh = sgd.stateDict();
    stepWith(sgd, [1], [2]);
    const kept = sgd.stateDict().state.map((each) => each?.tensors.momentum.storage);
    const early = copyOf(sgd.stateDict());
    stepWith(sgd, [1], [2]);
    sgd.loadStateDict({ ...early, state: [early.state[0], null] });
    expect(sgd.stateDict().state[1]).toBe(null);
    stepWith(sgd, [0], [4]);
    const state = sgd.stateDict().state;
    expect(state.map((each) => each?.tensors.momentum.item())).toEqual([0.5, 4]);
    expect(state.map((each, i) => each?.tensors.momentum.storage === kept[i])).toEqual([true, true]);
    sgd.loadStateDict(fresh);
    expect(sgd.stateDict()).toEqual(fresh);
  });

  it('is plain JSON but for its tensors', () => {
    const sgd = new SGD([leaf(1)], { lr: 1, momentum: 0.5 });
    stepWith(sgd, [1]);
    const { step, groups, state } = sgd.stateDict();
    expect(JSON.parse(JSON.stringify({ step, groups }))).toEqual({ step: 1, groups: [{ ...sgd.options, size: 1 }] });
    expect(state[0]?.updates).toBe(1);
  });

  it('of other parameters is refused, and nothing has changed then', () => {
    const adam = new Adam([leaf(1, 2, 3), leaf(4)], { lr: 0.5 });
    stepWith(adam, [1, 1, 1], [1]);
    const good = copyOf(adam.stateDict());
    const before = JSON.stringify(describeState(adam.stateDict()));
    const f64 = (shape: number[]) => zeros(shape, { dtype: 'float64' });
    const [first, second] = good.state as optim.ParameterState[];
    const [group] = good.groups;
    const withFirst = (tensors: Record<string, unknown>) => ({
      state: [{ ...first, tensors: { ...first.tensors, ...tensors } } as optim.ParameterState, second],
    });
    const bad: [Partial<optim.OptimizerState>, string][] = [
      [
        { groups: [group, group] },
        'the state is of groups of 2, 2 parameters, the optimizer of groups of 2 parameters',
      ],
      [
        { groups: [{ ...group, size: 1 }] },
        'the state is of groups of 1 parameters, the optimizer of groups of 2 parameters',
      ],
      [{ groups: undefined }, 'the state is of groups of  parameters, the optimizer of groups of 2 parameters'],
      [{ groups: [{ ...group, lr: Number.NaN }] }, 'Adam: lr must be at least 0, got NaN'],
      [{ step: -1 }, 'step must be an integer of at least 0, got -1'],
      [{ state: [first] }, 'the state is of 1 parameters, the optimizer of 2'],
      [{ state: undefined }, 'the state is of undefined parameters, the optimizer of 2'],
      [
        { state: [{ ...first, updates: 0.5 }, second] },
        'updates of parameter 0 must be an integer of at least 0, got 0.5',
      ],
      [{ state: [second, first] }, 'firstMoment of parameter 0 must be float64 [3], got float64 [1]'],
      [withFirst({ secondMoment: undefined }), 'secondMoment of parameter 0 must be float64 [3], got undefined'],
      [withFirst({ secondMoment: zeros([3]) }), 'secondMoment of parameter 0 must be float64 [3], got float32 [3]'],
      [withFirst({ firstMoment: [0] }), 'firstMoment of parameter 0 must be float64 [3], got object'],
      [withFirst({ largestMoment: f64([]) }), 'largestMoment of parameter 0 must be float64 [3], got float64 []'],
      [withFirst({ momentum: f64([3]) }), 'Adam keeps no momentum for a parameter'],
    ];
    for (const [part, message] of bad) {
      expect(failure(() => adam.loadStateDict({ ...good, ...part } as optim.OptimizerState))).toBe(
        `ConvforgeError ERR_STATE_DICT loadStateDict: ${message}`,
      );
    }
    expect(failure(() => adam.loadStateDict(undefined as never))).toContain('ERR_STATE_DICT');
    expect(JSON.stringify(describeState(adam.stateDict()))).toBe(before);
    adam.loadStateDict(good);
  });

  function describeState({ step, groups, state }: optim.OptimizerState) {
    const tensors = state.map((each) => Object.entries(each?.tensors ?? {}).map(([name, t]) => [name, t.toArray()]));
    return { step, groups, updates: state.map((each) => each?.updates), tensors };
  }
});

describe('groups', () => {
  it('have options of their own, and the optimizer gives the others', () => {
    const [a, b, c] = [leaf(1), leaf(1), leaf(1)];
    const sgd = new SGD([{ params: [a], lr: 0.5 }, { params: b, weightDecay: 0.5 }, { params: [c] }], { lr: 0.25 });
    expect(sgd.groups.map(({ lr, weightDecay, params }) => [lr, weightDecay, params.length])).toEqual([
      [0.5, 0, 1],
      [0.25, 0.5, 1],
      [0.25, 0, 1],
    ]);
    expect(sgd.parameters).toEqual([a, b, c]);
    stepWith(sgd, [1], [1], [1]);
    expect([a, b, c].map((p) => p.item())).toEqual([0.5, 1 - 0.25 * 1.5, 0.75]);
    sgd.groups[2].lr = 1;
    stepWith(sgd, null, null, [1]);
    expect([a, b, c].map((p) => p.item())).toEqual([0.5, 0.625, -0.25]);
  });

  it('tell when a step has to be traced anew', () => {
    const sgd = new SGD([{ params: [leaf(1)] }, { params: [leaf(1)], momentum: 0.5 }], { lr: 1 });
    const { structure } = sgd;
    sgd.groups[1].momentum = 0.75;
    sgd.lr = 7;
    expect(sgd.structure).toBe(structure);
    sgd.groups[0].momentum = 0.75;
    const withMomentum = sgd.structure;
    expect(withMomentum).not.toBe(structure);
    sgd.addParamGroup({ params: [leaf(1)] });
    expect(sgd.structure).not.toBe(withMomentum);
    expect(new Lion([leaf(1), leaf(2)]).structure).toBe('2:');
  });

  it('have learning rates that lr tells of the first and sets for all', () => {
    const sgd = new SGD([{ params: [leaf(1)], lr: 0.5 }, { params: [leaf(1)] }], { lr: 0.25 });
    expect(sgd.lr).toBe(0.5);
    sgd.lr = 2;
    expect(sgd.groups.map(({ lr }) => lr)).toEqual([2, 2]);
  });

  it('can be added later, each parameter once', () => {
    const [a, b] = [leaf(1), leaf(1)];
    const adam = new Adam([a], { lr: 0.5 });
    adam.addParamGroup({ params: [b], lr: 0.125, betas: [0.5, 0.5] });
    expect(adam.groups[1]).toMatchObject({ lr: 0.125, betas: [0.5, 0.5], eps: 1e-8 });
    stepWith(adam, [3], [3]);
    expect([a.item(), b.item()]).toEqual([expect.closeTo(0.5, 6), expect.closeTo(0.875, 6)]);
    expect(failure(() => adam.addParamGroup({ params: [a] }))).toContain('a parameter is listed twice');
    expect(adam.groups).toHaveLength(2);
    expect(failure(() => adam.addParamGroup({} as never))).toContain('parameters must be tensors');
  });

  it('keep what decays from what does not', () => {
    const net = new nn.Sequential(new nn.Conv2d(1, 2, 3, { bias: false }), new nn.BatchNorm2d(2), new nn.Linear(2, 2));
    const groups = optim.weightDecayGroups(net, 0.1);
    expect(groups.map(({ params, weightDecay }) => [params.length, weightDecay])).toEqual([
      [2, 0.1],
      [3, 0],
    ]);
    expect(optim.weightDecayGroups(new nn.Conv2d(1, 1, 1, { bias: false }), 0.1)).toHaveLength(1);
    expect(failure(() => optim.weightDecayGroups(net, -1))).toBe(
      'ArgumentError ERR_ARGUMENT weightDecayGroups: weightDecay must be at least 0, got -1',
    );
  });
});
