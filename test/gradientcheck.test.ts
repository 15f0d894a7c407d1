import { describe, expect, it } from 'vitest';
import {
  conv2d,
  crossEntropy,
  dropout,
  Generator,
  gradientCheck,
  linear,
  manualSeed,
  nn,
  randn,
  type Tensor,
  tensor,
} from '../lib/index.js';
import { apply, type Op } from '../lib/ops/op.js';
import { failure } from './failure.js';

const leaf = (values: number[], shape = [values.length]) =>
  tensor(values, shape, { dtype: 'float64', requiresGrad: true }) as Tensor;
const random = (shape: number[]) =>
  randn(shape, { dtype: 'float64', generator: new Generator(3), requiresGrad: true }) as Tensor;

/** y = x², with a gradient rule that is a little wrong in one element. */
const wrongSquare: Op<null> = {
  name: 'wrongSquare',
  forward: ([x]) => (x as Tensor).detach().square(),
  gradient: ({ input }, dy) => [
    dy.mul(input(0)).mul(tensor(Float64Array.of(2, 2, 2.1, 2))), // the third should be 2
  ],
};

describe('gradientCheck', () => {
  it('agrees with right gradients, of several inputs and outputs', () => {
    const inputs = [random([2, 2, 4, 3]), random([3, 2, 2, 2]), random([3])];
    const f = (x: Tensor, weight: Tensor, bias: Tensor) => {
      const y = conv2d(x, weight, bias, { stride: 2, padding: 1 });
      return [y.tanh(), y.square().sum(), y.reshape([2, -1].map((n) => (n < 0 ? y.size / 2 : n))).softmax(1)];
    };
    expect(gradientCheck(f, inputs, { secondOrder: true })).toBe(true);
  });

  it('takes inputs without gradient as they are', () => {
    const labels = tensor([1, 0], { dtype: 'int32' }) as Tensor;
    expect(gradientCheck((x, y) => crossEntropy(x, y as Tensor<'int32'>), [random([2, 3]), labels])).toBe(true);
  });

  it('allows what is equal, however little is allowed', () => {
    expect(gradientCheck((x) => x.mul(0), [leaf([1, 2])], { atol: 0 })).toBe(true);
    expect(gradientCheck((x) => x.mul(2), [leaf([0])], { atol: 0, rtol: 0, eps: 0.5 })).toBe(true);
  });

  it('leaves the inputs alone', () => {
    const x = leaf([1, 2, 3]);
    gradientCheck((x) => x.square(), [x]);
    expect([x.toArray(), x.grad]).toEqual([[1, 2, 3], null]);
  });

  it('names the worst element', () => {
    const wrong = (x: Tensor) => apply(wrongSquare, [x], null)[0];
    expect(failure(() => gradientCheck((x) => wrong(x).sum(), [leaf([1, 1, 1, 1])]))).toMatch(
      /^AutogradError ERR_AUTOGRAD gradientCheck: the derivative by input 0\[2\] is 2\.1, differences give (2|1\.99999|2\.00000)\d*$/,
    );
    const nested = failure(() =>
      gradientCheck(
        (x, y) =>
          wrong(y.reshape([4]))
            .sum()
            .add(x),
        [leaf([1]), random([2, 2])],
      ),
    );
    expect(nested).toContain('the derivative by input 1[1, 0] is');
    expect(gradientCheck((x) => wrong(x).sum(), [leaf([1, 1, 1, 1])], { rtol: 0.06 })).toBe(true);
  });

  it('notices a gradient that stops somewhere', () => {
    expect(failure(() => gradientCheck((x) => x.square().add(x.detach()).sum(), [leaf([2])]))).toMatch(
      /the derivative by input 0\[0\] is 4, differences give (5|4\.99999|5\.00000)\d*$/,
    );
  });

  it('notices NaN in a gradient or a difference', () => {
    expect(failure(() => gradientCheck((x) => x.sqrt().sum(), [leaf([0])]))).toContain('differences give NaN');
    const nan = (x: Tensor) => x.mul(Number.NaN).sum();
    expect(failure(() => gradientCheck(nan, [leaf([1])]))).toContain('is NaN');
  });

  it('looks at second derivatives only when asked to', () => {
    // the rule takes 2x for a constant
    const op: Op<null> = {
      name: 'shortSighted',
      forward: ([x]) => (x as Tensor).detach().square(),
      gradient: ({ input }, dy) => [dy.mul(input(0).detach().mul(2))],
    };
    const f = (x: Tensor) => apply(op, [x], null)[0];
    expect(gradientCheck(f, [leaf([1, 2])])).toBe(true);
    expect(failure(() => gradientCheck(f, [leaf([1, 2])], { secondOrder: true }))).toContain(
      'the second derivative by input 0[',
    );
  });

  it('refuses what is random', () => {
    expect(failure(() => gradientCheck((x) => dropout(x, 0.5), [random([50])]))).toContain('gives two results');
  });

  it('is at ease with empty inputs and scalars', () => {
    expect(gradientCheck((x, y) => x.sum().add(y), [random([0, 3]), leaf([2], [])])).toBe(true);
  });
});

describe('gradientCheck of a module', () => {
  class Net extends nn.Module {
    readonly blocks = [new nn.Conv2d(1, 2, 3), new nn.BatchNorm2d(2)];
    readonly head = new nn.Linear(8, 2);

    forward(x: Tensor): Tensor {
      const y = this.blocks.reduce<Tensor>((y, block) => block.forward(y as Tensor<'float32'>), x);
      return this.head.forward(y.tanh().flatten(1) as Tensor<'float32'>);
    }
  }

  it('checks its parameters with its inputs, and leaves it as it was', () => {
    manualSeed(1);
    const net = new Net();
    const parameters = net.parameters();
    const state = JSON.stringify(Object.values(net.stateDict()).map((t) => t.toArray()));
    expect(gradientCheck(net, [random([3, 1, 4, 4])], { secondOrder: true })).toBe(true);
    expect(net.parameters()).toEqual(parameters);
    expect(net.parameters().every((p, i) => p === parameters[i] && p.dtype === 'float32' && p.grad === null)).toBe(
      true,
    );
    expect(JSON.stringify(Object.values(net.stateDict()).map((t) => t.toArray()))).toBe(state);
    expect(gradientCheck(net, [random([3, 1, 4, 4]).detach()])).toBe(true);
  });

  it('leaves frozen parameters out, and names a wrong one', () => {
    class Detached extends nn.Linear {
      override forward(x: Tensor<'float32'>): Tensor<'float32'> {
        return linear(x, this.weight, this.bias?.detach());
      }
    }
    const net = new Detached(2, 1);
    const x = leaf([1, 2], [1, 2]).detach();
    expect(failure(() => gradientCheck(net, [x]))).toContain('the derivative by bias[0] is 0, differences give');
    expect(net.bias?.dtype).toBe('float32');
    (net.bias as Tensor).requiresGrad = false;
    expect(gradientCheck(net, [x])).toBe(true);
  });
});
