import { describe, expect, it } from 'vitest';
import { grad, manualSeed, nn, ones, randn, SGD, type Tensor, tensor, zeros } from '../lib/index.js';

type Image = Tensor<'float32'>;

class Tied extends nn.Module {
  readonly first = new nn.Linear(2, 2);
  readonly second = this.first;
  readonly scales = [nn.parameter(ones([2])), [nn.parameter(zeros([2]))]] as [Image, [Image]];
  readonly norm = new nn.BatchNorm1d(2);
  readonly constant = ones([2]);
  forward(x: Image): Image {
    const y = this.norm.forward(this.second.forward(this.first.forward(x)));
    return y.mul(this.scales[0]).add(this.scales[1][0]);
  }
}

describe('apply', () => {
  it('meets every module once, those below before those above', () => {
    const shared = new nn.ReLU();
    const net = new nn.Sequential(new nn.Linear(2, 2), shared, new nn.Sequential(shared, new nn.Linear(2, 1)));
    const met: string[] = [];
    expect(net.apply((module) => met.push(module.constructor.name))).toBe(net);
    expect(met).toEqual(['Linear', 'Sequential', 'ReLU', 'Linear', 'Sequential']);
  });

  it('initialises', () => {
    const net = new nn.Sequential(new nn.Linear(2, 2), new nn.Linear(2, 1));
    net.apply((module) => {
      if (module instanceof nn.Linear) nn.init.constant(module.weight, 3);
    });
    expect(net.stateDict()['1.weight'].toArray()).toEqual([[3, 3]]);
  });
});

describe('freeze and unfreeze', () => {
  it('leave frozen parameters without gradients and without updates', () => {
    manualSeed(1);
    const net = new nn.Sequential(new nn.Linear(3, 4), new nn.Tanh(), new nn.Linear(4, 1));
    const body = net.layers[0];
    const optimizer = new SGD(net.parameters(), { lr: 0.1 });
    const step = () => {
      optimizer.zeroGrad();
      net.forward(ones([2, 3])).sum().backward(); // biome-ignore format: one line
      optimizer.step();
      return net.parameters().map(({ grad }) => grad !== null);
    };
    const weights = () => net.parameters().map((p) => p.toArray());
    expect(body.freeze()).toBe(body);
    const before = weights();
    expect(step()).toEqual([false, false, true, true]);
    expect(weights().map((each, i) => JSON.stringify(each) === JSON.stringify(before[i]))).toEqual([true, true, false, false]); // biome-ignore format: one line
    expect(net.parameters()).toHaveLength(4);
    body.unfreeze();
    expect(step()).toEqual([true, true, true, true]);
  });

  it('forget gradients that are there', () => {
    const layer = new nn.Linear(2, 1);
    layer.forward(ones([1, 2])).sum().backward(); // biome-ignore format: one line
    layer.freeze();
    expect(layer.parameters().map(({ grad }) => grad)).toEqual([null, null]);
  });
});

describe('to', () => {
  it('converts parameters and buffers wherever they are, keeps what is shared, and leaves the rest alone', () => {
    const net = new Tied();
    net.norm.freeze();
    const before = Object.entries(net.stateDict()).map(([name, t]) => [name, t.toArray()]);
    expect(net.to('float64')).toBe(net);
    const dtypes = Object.fromEntries(Object.entries(net.stateDict()).map(([name, { dtype }]) => [name, dtype]));
    const { 'norm.num_batches_tracked': tracked, ...floats } = dtypes;
    expect([tracked, ...new Set(Object.values(floats))]).toEqual(['int64', 'float64']);
    expect(net.first).toBe(net.second);
    expect(net.parameters()).toHaveLength(6);
    expect(net.parameters().map(({ requiresGrad }) => requiresGrad)).toEqual([true, true, true, true, false, false]);
    expect(net.constant.dtype).toBe('float32');
    expect(Object.entries(net.stateDict()).map(([name, t]) => [name, t.toArray()])).toEqual(before);
    const weights = net.parameters();
    expect(net.to('float64').parameters()).toEqual(weights);
    expect(net.to('float32').first.weight.dtype).toBe('float32');
  });

  it('makes layers whose gradients can be checked', () => {
    manualSeed(2);
    const layer = new nn.Conv2d(1, 1, 2).to('float64');
    const x = randn([1, 1, 2, 2], { dtype: 'float64' }) as Tensor as Image;
    const at = (h: number) => {
      const { weight } = layer;
      const moved = tensor(
        Float64Array.from(weight.data, (v, i) => v + (i === 0 ? h : 0)),
        weight.shape,
      );
      layer.loadStateDict({ weight: moved, bias: layer.stateDict().bias });
      return layer.forward(x).square().sum();
    };
    const step = 2 ** -16;
    const [found] = grad([at(0)], [layer.weight]);
    const [high, low] = [at(step).item(), at(-2 * step).item()];
    expect(found?.data[0]).toBeCloseTo((high - low) / (2 * step), 7);
  });
});

describe('Residual', () => {
  it('adds what goes past the body, and names both', () => {
    const block = new nn.Residual(new nn.Linear(2, 2), { shortcut: new nn.Linear(2, 2), activation: new nn.ReLU() });
    expect(Object.keys(block.stateDict())).toEqual(['body.weight', 'body.bias', 'shortcut.weight', 'shortcut.bias']);
    const x = tensor([[1, -2]]);
    expect(new nn.Residual(new nn.ReLU()).forward(x).toArray()).toEqual([[2, -2]]);
    expect(new nn.Residual(new nn.Identity(), { activation: new nn.ReLU() }).forward(x).toArray()).toEqual([[2, 0]]);
    expect(block.eval().modules().every(([, module]) => !module.training)).toBe(true); // biome-ignore format: one line
  });

  it('refuses to stretch what the body gives', () => {
    expect(() => new nn.Residual(new nn.AdaptiveAvgPool2d(1)).forward(zeros([1, 2, 3, 3]))).toThrow(
      'Residual: the body gives [1, 2, 1, 1], which cannot be added to [1, 2, 3, 3]; use a shortcut',
    );
  });
});

describe('summary', () => {
  it('counts multiply-adds of every layer of products, and none of scales', () => {
    const net = new nn.Sequential(
      new nn.Unflatten(1, [4, 8]),
      new nn.Conv1d(4, 6, 3, { groups: 2 }),
      new nn.BatchNorm1d(6),
      new nn.PReLU(6),
      new nn.Unflatten(1, [6, 1]),
      new nn.ConvTranspose2d(6, 4, [1, 2], { stride: [1, 2], groups: 2, bias: false }),
      new nn.GroupNorm(2, 4),
      new nn.LayerNorm([1, 12]),
      new nn.Residual(new nn.Conv2d(4, 4, 1, { groups: 4 })),
    );
    const { rows, parameters, denseParameters } = net.summary([3, 32]);
    const shown = rows.map(({ name, layer, output, multiplyAdds }) => [name, layer, output.join(), multiplyAdds]);
    expect(shown).toEqual([
      ['0', 'Unflatten', '3,4,8', 0],
      ['1', 'Conv1d', '3,6,6', 3 * 6 * 6 * 2 * 3],
      ['2', 'BatchNorm1d', '3,6,6', 0],
      ['3', 'PReLU', '3,6,6', 0],
      ['4', 'Unflatten', '3,6,1,6', 0],
      ['5', 'ConvTranspose2d', '3,4,1,12', 3 * 6 * 6 * 2 * 2],
      ['6', 'GroupNorm', '3,4,1,12', 0],
      ['7', 'LayerNorm', '3,4,1,12', 0],
      ['8.body', 'Conv2d', '3,4,1,12', 3 * 4 * 12],
    ]);
    const convolutions = 6 * 2 * 3 + 6 * 2 * 2 + 4;
    expect(parameters).toBe(convolutions + 6 + 12 + 6 + 8 + 24 + 4);
    expect(denseParameters).toBe(parameters - convolutions + 32 * 36 + 36 * 48 + 48 * 48);
  });
});
