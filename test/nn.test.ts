import { describe, expect, it } from 'vitest';
import { Generator, manualSeed, nn, ones, type Shape, type Tensor, tensor, zeros } from '../lib/index.js';
import { failure } from './failure.js';

type Image = Tensor<'float32'>;

function image(shape: Shape, seed = 1): Image {
  const random = new Generator(seed);
  const size = shape.reduce((product, extent) => product * extent, 1);
  return tensor(
    Float32Array.from({ length: size }, () => random.normal()),
    shape,
  );
}

/** A residual block and a tower of them, as users write models. */
class Block extends nn.Module {
  readonly conv: nn.Conv2d;
  readonly norm: nn.BatchNorm2d;

  constructor(channels: number) {
    super();
    this.conv = new nn.Conv2d(channels, channels, 3, { padding: 1, bias: false });
    this.norm = new nn.BatchNorm2d(channels);
  }

  forward(x: Image): Image {
    return x.add(this.norm.forward(this.conv.forward(x))).relu();
  }
}

class Tower extends nn.Module {
  readonly label = 'a property that is no module';
  readonly blocks = [new Block(2), new Block(2)];
  readonly heads = [[new nn.Linear(8, 3)], [new nn.Linear(8, 2, { bias: false }), new nn.Linear(8, 1)]];
  readonly layerScale = nn.parameter(ones([2, 1, 1]));
  readonly mixing = [nn.parameter(zeros([1])), nn.parameter(ones([1]))];
  readonly seenImages = nn.buffer(zeros([], { dtype: 'int64' }));
  readonly notTrained = zeros([5]);

  forward(x: Image): Image {
    let y = x;
    for (const block of this.blocks) y = block.forward(y).mul(this.layerScale);
    return this.heads[1][0].forward(y.flatten(1));
  }
}

const TOWER_STATE = [
  'layer_scale',
  'mixing.0',
  'mixing.1',
  'seen_images',
  ...[0, 1].flatMap((i) => [
    `blocks.${i}.conv.weight`,
    `blocks.${i}.norm.weight`,
    `blocks.${i}.norm.bias`,
    `blocks.${i}.norm.running_mean`,
    `blocks.${i}.norm.running_var`,
    `blocks.${i}.norm.num_batches_tracked`,
  ]),
  'heads.0.0.weight',
  'heads.0.0.bias',
  'heads.1.0.weight',
  'heads.1.1.weight',
  'heads.1.1.bias',
];

describe('Module', () => {
  it('finds modules, parameters and buffers in properties and nested arrays, by PyTorch names', () => {
    const net = new Tower();
    expect(Object.keys(net.stateDict()).sort()).toEqual([...TOWER_STATE].sort());
    const trained = TOWER_STATE.filter((name) => !/running|tracked|seen/.test(name));
    expect(
      net
        .namedParameters()
        .map(([name]) => name)
        .sort(),
    ).toEqual(trained.sort());
    expect(net.parameters().every((p) => p.requiresGrad)).toBe(true);
    expect(net.children().map(([name]) => name)).toEqual([
      'blocks.0',
      'blocks.1',
      'heads.0.0',
      'heads.1.0',
      'heads.1.1',
    ]);
  });

  it('counts shared modules and parameters once and saves them under all their names, as PyTorch does', () => {
    class Shared extends nn.Module {
      readonly first = new nn.Linear(2, 2);
      readonly second = this.first;
      readonly tied = this.first.weight;
      forward(x: Image): Image {
        return this.second.forward(this.first.forward(x));
      }
    }
    const net = new Shared();
    const names = ['tied', 'first.weight', 'first.bias', 'second.weight', 'second.bias'];
    expect(Object.keys(net.stateDict())).toEqual(names);
    expect(net.parameters()).toHaveLength(2);
    expect(net.modules().map(([name]) => name)).toEqual(['', 'first']);
  });

  it('does not run in circles when modules know each other', () => {
    class Child extends nn.Module {
      parent: nn.Module | null = null;
      readonly weight = nn.parameter(zeros([1]));
      forward(x: Image): Image {
        return x;
      }
    }
    const child = new Child();
    const net = new nn.Sequential(child);
    child.parent = net;
    expect(net.train(false).modules()).toHaveLength(2);
    expect(Object.keys(net.stateDict())).toEqual(['0.weight']);
  });

  it('switches everything below it between training and inference', () => {
    const net = new Tower();
    const modes = () => net.modules().map(([, module]) => module.training);
    expect(modes()).toEqual(Array(10).fill(true));
    expect(net.eval()).toBe(net);
    expect(modes()).toEqual(Array(10).fill(false));
    net.blocks[0].train();
    expect(modes().filter(Boolean)).toHaveLength(3);
    expect(net.train()).toBe(net);
    expect(modes()).toEqual(Array(10).fill(true));
  });

  it('trains all of its parameters that the result depends on', () => {
    const net = new Tower();
    net
      .forward(image([2, 2, 2, 2]))
      .square()
      .sum()
      .backward();
    const without = net.namedParameters().flatMap(([name, { grad }]) => (grad ? [] : [name]));
    expect(without).toEqual([
      'mixing.0',
      'mixing.1',
      'heads.0.0.weight',
      'heads.0.0.bias',
      'heads.1.1.weight',
      'heads.1.1.bias',
    ]);
    net.zeroGrad();
    expect(net.parameters().every(({ grad }) => grad === null)).toBe(true);
  });
});

describe('loadStateDict', () => {
  const net = () => new nn.Sequential(new nn.Linear(3, 2), new nn.BatchNorm2d(2));
  const values = (module: nn.Module) => Object.values(module.stateDict()).map((t) => Array.from(t.data, Number));

  it('copies everything, into the tensors that are there', () => {
    const [from, to] = [net(), net()];
    (from.stateDict()['1.num_batches_tracked'].data as BigInt64Array)[0] = 7n;
    const before = to.parameters();
    expect(values(to)).not.toEqual(values(from));
    expect(to.loadStateDict(from.stateDict())).toEqual({ missing: [], unexpected: [] });
    expect(values(to)).toEqual(values(from));
    expect(to.parameters().every((p, i) => p === before[i] && p.requiresGrad)).toBe(true);
    from.parameters()[0].data[0] = 99;
    expect(values(to)).not.toEqual(values(from));
  });

  it('reads the very memory of the module when it writes a state dict', () => {
    const module = net();
    const { '0.weight': weight } = module.stateDict();
    module.parameters()[0].data[0] = 5;
    expect(weight.data[0]).toBe(5);
    expect(weight.requiresGrad).toBe(false);
  });

  it('tells all that does not fit at once, and then has copied nothing', () => {
    const module = net();
    const before = values(module);
    const { '0.bias': _, ...state } = new nn.Sequential(new nn.Linear(3, 2), new nn.BatchNorm2d(2)).stateDict();
    const wrong = {
      ...state,
      '0.weight': zeros([2, 4]),
      '1.num_batches_tracked': tensor([1], [], { dtype: 'int32' }),
      '1.weight': undefined as unknown as Tensor,
      extra: zeros([1]),
      'more.extra': zeros([1]),
    };
    expect(failure(() => module.loadStateDict(wrong))).toBe(
      'ConvforgeError ERR_STATE_DICT loadStateDict: 0.weight is float32 [2, 4], the module has float32 [2, 3]; ' +
        '1.weight is no tensor; 1.num_batches_tracked is int32 [], the module has int64 []; ' +
        'missing: 0.bias; unexpected: extra, more.extra',
    );
    expect(failure(() => module.loadStateDict(wrong, { strict: false }))).toContain('0.weight is float32 [2, 4]');
    expect(values(module)).toEqual(before);
  });

  it('only reports missing and unexpected names when it is not strict', () => {
    const module = net();
    const report = module.loadStateDict({ '0.bias': tensor([4, 5]), other: zeros([1]) }, { strict: false });
    expect(report.unexpected).toEqual(['other']);
    expect(report.missing).toEqual(Object.keys(module.stateDict()).filter((name) => name !== '0.bias'));
    expect(module.stateDict()['0.bias'].toArray()).toEqual([4, 5]);
  });

  it('does not take inherited names for state', () => {
    class Odd extends nn.Module {
      override readonly toString = nn.parameter(ones([1])) as never;
      forward(x: Image): Image {
        return x;
      }
    }
    expect(new Odd().loadStateDict({}, { strict: false }).missing).toEqual(['to_string']);
  });

  it('is noticed by a backward pass that needs the old values', () => {
    const module = new nn.Linear(2, 1);
    const x = tensor([[1, 2]], { requiresGrad: true });
    const y = module.forward(x).sum();
    module.loadStateDict(new nn.Linear(2, 1).stateDict());
    expect(failure(() => y.backward())).toContain('was changed in place');
  });
});

describe('initialisation', () => {
  const statistics = ({ data }: Image) => {
    const mean = data.reduce((sum, v) => sum + v, 0) / data.length;
    const variance = data.reduce((sum, v) => sum + (v - mean) ** 2, 0) / data.length;
    return { mean, deviation: Math.sqrt(variance), largest: data.reduce((m, v) => Math.max(m, Math.abs(v)), 0) };
  };
  // Of 40,000 numbers the mean errs by deviation/200 and the deviation by 0.4 % (one standard error); five are allowed.
  const WEIGHT = [50, 40, 4, 5] as const;
  const [FAN_IN, FAN_OUT] = [40 * 20, 50 * 20];

  function expectUniform(weight: Image, bound: number): void {
    const { mean, deviation, largest } = statistics(weight);
    expect(largest).toBeLessThanOrEqual(Math.fround(bound));
    expect(largest).toBeGreaterThan(0.999 * bound);
    expect(Math.abs(mean)).toBeLessThan(bound / 40 / Math.sqrt(3));
    expect(Math.abs(deviation / (bound / Math.sqrt(3)) - 1)).toBeLessThan(0.02);
  }

  function expectNormal(weight: Image, expected: number): void {
    const { mean, deviation, largest } = statistics(weight);
    expect(Math.abs(mean)).toBeLessThan(expected / 40);
    expect(Math.abs(deviation / expected - 1)).toBeLessThan(0.02);
    expect(largest).toBeGreaterThan(3.5 * expected); // beyond what a uniform distribution of this deviation reaches
  }

  it('of Conv2d and Linear is uniform in ±1/√fanIn, weight and bias, as in PyTorch', () => {
    manualSeed(1);
    const conv = new nn.Conv2d(80, 50, [4, 5], { groups: 2 });
    expect(conv.weight.shape).toEqual(WEIGHT);
    expectUniform(conv.weight, 1 / Math.sqrt(FAN_IN));
    expectUniform(new nn.Conv2d(1, 40_000, 3).bias as Image, 1 / 3);
    const linear = new nn.Linear(300, 200);
    expectUniform(linear.weight, 1 / Math.sqrt(300));
    expectUniform(new nn.Linear(9, 40_000).bias as Image, 1 / 3);
    expect([new nn.Linear(2, 2, { bias: false }).bias, new nn.Conv2d(1, 1, 1, { bias: false }).bias]).toEqual([
      null,
      null,
    ]);
  });

  it('of the other layers is that of PyTorch too', () => {
    manualSeed(2);
    // the fan of a transposed convolution is what PyTorch takes for it: outputs of a group times the kernel
    const transposed = new nn.ConvTranspose2d(50, 80, [4, 5], { groups: 2 });
    expect(transposed.weight.shape).toEqual([50, 40, 4, 5]);
    expectUniform(transposed.weight, 1 / Math.sqrt(40 * 20));
    expectUniform(new nn.ConvTranspose2d(1, 40_000, 3).bias as Image, 1 / Math.sqrt(40_000 * 9));
    const sequence = new nn.Conv1d(200, 100, 4, { groups: 2 });
    expect(sequence.weight.shape).toEqual([100, 100, 4]);
    expectUniform(sequence.weight, 1 / Math.sqrt(400));
    expect(new nn.PReLU(3).weight.toArray()).toEqual([0.25, 0.25, 0.25]);
    expect(new nn.PReLU(1, 0.5).weight.item()).toBe(0.5);
    for (const norm of [new nn.GroupNorm(1, 2), new nn.LayerNorm(2), new nn.InstanceNorm2d(2, { affine: true })]) {
      expect(Object.values(norm.stateDict()).map((t) => t.toArray())).toEqual([[1, 1], [0, 0]]); // biome-ignore format: one line
    }
    expect(Object.keys(new nn.LayerNorm(2, { bias: false }).stateDict())).toEqual(['weight']);
    const state = new nn.InstanceNorm2d(2, { trackRunningStats: true }).stateDict();
    expect(Object.keys(state)).toEqual(['running_mean', 'running_var', 'num_batches_tracked']);
  });

  it('by He follows the fan, the gain and the slope', () => {
    const random = new Generator(3);
    const { init } = nn;
    expectUniform(init.kaimingUniform(zeros(WEIGHT), { generator: random }), Math.sqrt(6 / FAN_IN));
    const leaky = init.kaimingUniform(zeros(WEIGHT), { mode: 'fanOut', a: 2, generator: random });
    expectUniform(leaky, Math.sqrt((3 * 2) / 5 / FAN_OUT));
    expectNormal(init.kaimingNormal(zeros(WEIGHT), { nonlinearity: 'relu', generator: random }), Math.sqrt(2 / FAN_IN));
    const tanh = init.kaimingNormal(zeros(WEIGHT), { mode: 'fanOut', nonlinearity: 'tanh', generator: random });
    expectNormal(tanh, 5 / 3 / Math.sqrt(FAN_OUT));
  });

  it('by Glorot takes both fans', () => {
    const random = new Generator(4);
    const { init } = nn;
    expectUniform(init.xavierUniform(zeros(WEIGHT), { generator: random }), Math.sqrt(6 / (FAN_IN + FAN_OUT)));
    const wide = init.xavierNormal(zeros(WEIGHT), { gain: 3, generator: random });
    expectNormal(wide, 3 * Math.sqrt(2 / (FAN_IN + FAN_OUT)));
  });

  it('is repeated by the seed, and by an own generator whatever the seed', () => {
    const draw = () => new nn.Linear(3, 2).weight.toArray();
    manualSeed(7);
    const first = draw();
    expect(draw()).not.toEqual(first);
    manualSeed(7);
    expect(draw()).toEqual(first);
    const own = () => nn.init.uniform(zeros([4]), -1, 1, new Generator(9)).toArray();
    expect(own()).toEqual(own());
  });

  it('fills in place, and says what it cannot fill', () => {
    const w = zeros([2, 2]);
    expect(nn.init.constant(w, 3)).toBe(w);
    expect(w.toArray()).toEqual([[3, 3], [3, 3]]); // biome-ignore format: a matrix
    expect(nn.init.calculateGain('selu')).toBe(0.75);
    expect(failure(() => nn.init.kaimingUniform(zeros([3])))).toBe(
      'ShapeError ERR_SHAPE fans: needs a weight of at least two axes, got [3]',
    );
    expect(failure(() => nn.init.calculateGain('cosine' as never))).toBe(
      'ArgumentError ERR_ARGUMENT calculateGain: unknown nonlinearity "cosine"',
    );
  });
});
