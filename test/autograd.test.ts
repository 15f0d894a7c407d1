import { describe, expect, it } from 'vitest';
import {
  AutogradError,
  add,
  argmax,
  cast,
  DTypeError,
  eq,
  exp,
  Generator,
  grad,
  isGradEnabled,
  matmul,
  maxPool2d,
  maxPool2dWithIndices,
  mul,
  noGrad,
  relu,
  reshape,
  SGD,
  softmax,
  square,
  sum,
  type Tensor,
  tensor,
} from '../lib/index.js';
import { failure } from './failure.js';

const leaf = (...values: number[]) => tensor(values, { requiresGrad: true });

describe('what requires grad', () => {
  it('a leaf only when asked to, a result when an operand does', () => {
    const [w, x] = [leaf(1), tensor([2])];
    expect([w.requiresGrad, x.requiresGrad]).toEqual([true, false]);
    expect([mul(w, x), mul(x, w), mul(x, x)].map((y) => y.requiresGrad)).toEqual([true, true, false]);
    expect(add(w, 1).node).not.toBeNull();
    expect(add(x, 1).node).toBeNull();
  });

  it('nothing that is not floating point', () => {
    const w = leaf(1, 2);
    const [pooled, indices] = maxPool2dWithIndices(w.reshape([1, 1, 1, 2]), [1, 2]);
    expect(pooled.requiresGrad).toBe(true);
    const others = [cast(w, 'int32'), eq(w, 1), argmax(w), indices];
    expect(others.map((y) => y.requiresGrad)).toEqual([false, false, false, false]);
    expect(failure(() => tensor([1], { dtype: 'int32', requiresGrad: true }))).toBe(
      'DTypeError ERR_DTYPE requiresGrad: only float32 and float64 tensors have gradients, this one is int32',
    );
    expect(() => {
      tensor([1], { dtype: 'bool' }).requiresGrad = true;
    }).toThrow(DTypeError);
  });

  it('nothing computed in noGrad, even if that throws', () => {
    const w = leaf(1);
    const inside = noGrad(() => {
      expect(isGradEnabled()).toBe(false);
      return noGrad(() => mul(w, 2));
    });
    expect([inside.requiresGrad, inside.node]).toEqual([false, null]);
    expect(() =>
      noGrad(() => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(isGradEnabled()).toBe(true);
    expect(mul(w, 2).requiresGrad).toBe(true);
  });

  it('not what detach returns, though it shares the memory', () => {
    const w = leaf(1, 2);
    const cut = mul(w, 2).detach();
    expect([cut.requiresGrad, cut.node]).toEqual([false, null]);
    const alias = w.detach();
    alias.data[0] = 9;
    expect(w.toArray()).toEqual([9, 2]);
    mul(w, cut).sum().backward();
    expect(w.grad?.toArray()).toEqual([2, 4]);
  });

  it('is decided when an operation runs', () => {
    const w = tensor([3]);
    const before = square(w);
    w.requiresGrad = true;
    const after = square(w);
    expect([before.requiresGrad, after.requiresGrad]).toEqual([false, true]);
    w.requiresGrad = false;
    expect(square(w).requiresGrad).toBe(false);
    const stop = () => {
      after.requiresGrad = false;
    };
    expect(failure(stop)).toBe(
      'AutogradError ERR_AUTOGRAD requiresGrad: a computed tensor cannot stop requiring grad; use detach()',
    );
  });

  it('noGrad refuses a body that goes on after it returned', () => {
    expect(failure(() => noGrad(async () => 1))).toBe(
      'AutogradError ERR_AUTOGRAD noGrad: the body must be synchronous: recording is switched on again as soon as it returns',
    );
    expect(isGradEnabled()).toBe(true);
  });
});

describe('backward', () => {
  it('sums what arrives over all paths of a shared subgraph, visiting it once', () => {
    const x = leaf(2);
    const shared = square(x);
    mul(shared, shared).add(shared).sum().backward(); // x⁴ + x²
    expect(x.grad?.item()).toBe(4 * 8 + 4);
  });

  it('waits for every consumer before it goes through a node', () => {
    // Depth first, one consumer of y is reached long before the other.
    const x = leaf(3);
    const y = square(x);
    let long = y;
    for (let i = 0; i < 10; i++) long = long.add(0);
    add(y, long).add(y).sum().backward();
    expect(x.grad?.item()).toBe(18);
  });

  it('counts a tensor used twice in one operation twice', () => {
    const [x, m] = [leaf(5), tensor([[1, 2], [3, 4]], { requiresGrad: true })]; // biome-ignore format: a matrix
    mul(x, x).sum().backward();
    expect(x.grad?.item()).toBe(10);
    matmul(m, m).sum().backward();
    expect(m.grad?.toArray()).toEqual([[7, 11], [9, 13]]); // biome-ignore format: a matrix
  });

  it('adds to what leaves have, and leaves intermediate results alone', () => {
    const x = leaf(2);
    const y = mul(x, 3);
    y.sum().backward();
    square(x).sum().backward();
    expect(x.grad?.item()).toBe(3 + 4);
    expect(y.grad).toBeNull();
    new SGD([x], { lr: 1 }).zeroGrad();
    square(x).sum().backward();
    expect(x.grad?.item()).toBe(4);
  });

  it('gives every leaf a gradient in memory of its own', () => {
    const leaves = [leaf(1, 2), leaf(3, 4)];
    add(leaves[0], leaves[1]).sum().backward();
    (leaves[0].grad as Tensor<'float32'>).data[0] = 7;
    expect(leaves[1].grad?.toArray()).toEqual([1, 1]);
  });

  it('also when the gradient to start from is given, which stays as it is', () => {
    const [a, b, seed] = [leaf(1, 2), leaf(3, 4), tensor([1, 1])];
    add(a, b).backward(seed);
    const [ga, gb] = [a.grad as Tensor<'float32'>, b.grad as Tensor<'float32'>];
    ga.data[0] = 7;
    expect([gb.toArray(), seed.toArray()]).toEqual([[1, 1], [1, 1]]); // biome-ignore format: two tensors
    gb.data[1] = 8;
    expect([ga.toArray(), seed.toArray()]).toEqual([[7, 1], [1, 1]]); // biome-ignore format: two tensors
  });

  it('does so through reshape, which shares memory, and with createGraph', () => {
    const [a, b] = [leaf(1, 2), tensor([[3], [4]], { requiresGrad: true })];
    reshape(add(a, reshape(b, [2])), [2, 1]).backward(tensor([[1], [1]]), { createGraph: true });
    (a.grad as Tensor<'float32'>).data[0] = 7;
    expect(b.grad?.toArray()).toEqual([[1], [1]]);
    expect(b.grad?.shape).toEqual([2, 1]);
  });

  it('works from a leaf and from a tensor that is its own result', () => {
    const x = leaf(4);
    x.backward();
    expect(x.grad?.item()).toBe(1);
    x.backward(tensor([2]));
    expect(x.grad?.item()).toBe(3);
  });

  it('starts from a given gradient, or from 1 for a single element of any rank', () => {
    const x = tensor([[2]], { requiresGrad: true });
    square(x).backward();
    expect(x.grad?.toArray()).toEqual([[4]]);
    const y = leaf(1, 2);
    square(y).backward(tensor([10, 100]));
    expect(y.grad?.toArray()).toEqual([20, 400]);
  });

  it('says what is wrong with how it was called', () => {
    const x = leaf(1, 2);
    expect(failure(() => square(x).backward())).toBe(
      'AutogradError ERR_AUTOGRAD backward: a tensor of shape [2] needs a gradient of that shape; only one element can go without',
    );
    expect(failure(() => square(x).backward(tensor([1])))).toBe(
      'AutogradError ERR_AUTOGRAD backward: the gradient must be float32 [2] like the tensor, got float32 [1]',
    );
    const wide = tensor([1, 1], { dtype: 'float64' }) as Tensor as Tensor<'float32'>;
    expect(failure(() => square(x).backward(wide))).toBe(
      'AutogradError ERR_AUTOGRAD backward: the gradient must be float32 [2] like the tensor, got float64 [2]',
    );
    expect(failure(() => square(tensor([1])).backward())).toBe(
      'AutogradError ERR_AUTOGRAD backward: the tensor of shape [1] does not require grad: nothing it was computed from does',
    );
    expect(failure(() => square(tensor(1)).backward())).toContain('the tensor of shape [] does not require grad');
    expect(x.grad).toBeNull();
  });

  it('carries gradients through float32 and float64 and ends in the dtype of the leaf', () => {
    const x = leaf(1, 2);
    square(cast(x, 'float64')).sum().backward();
    expect([x.grad?.dtype, x.grad?.toArray()]).toEqual(['float32', [2, 4]]);
  });

  it('goes through a graph of 20,000 operations without exhausting the stack', () => {
    const x = leaf(1);
    let y: Tensor<'float32'> = x;
    for (let i = 0; i < 20_000; i++) y = y.add(1);
    y.backward();
    expect(y.item()).toBe(20_001);
    expect(x.grad?.item()).toBe(1);
  });

  it('does not take time exponential in the depth of a diamond', () => {
    const x = leaf(1);
    let y: Tensor<'float32'> = x;
    for (let i = 0; i < 60; i++) y = y.mul(0.5).add(y.mul(0.5));
    y.backward();
    expect(x.grad?.item()).toBe(1);
  });

  it('leaves recording as it was, whatever happens', () => {
    const x = leaf(1);
    noGrad(() => expect(isGradEnabled()).toBe(false));
    expect(() => square(leaf(1, 2)).backward()).toThrow(AutogradError);
    const y = square(x);
    noGrad(() => {
      y.backward();
      expect(isGradEnabled()).toBe(false);
    });
    expect(isGradEnabled()).toBe(true);
    expect(x.grad?.requiresGrad).toBe(false);
  });
});

describe('the graph', () => {
  it('is freed by backward, unless it is retained', () => {
    const x = leaf(3);
    const y = square(x);
    y.backward(undefined, { retainGraph: true });
    y.backward();
    expect(x.grad?.item()).toBe(12);
    expect(failure(() => y.backward())).toBe(
      'AutogradError ERR_AUTOGRAD square: backward went through this graph before and freed it; pass { retainGraph: true } to the first backward',
    );
    expect(x.grad?.item()).toBe(12);
  });

  it('is freed for everything that shares the part backward went through', () => {
    const x = leaf(3);
    const shared = exp(x);
    square(shared).backward();
    expect(failure(() => mul(shared, 2).backward())).toContain('exp: backward went through this graph before');
    const [again, unrelated] = [exp(x), square(x)];
    again.backward();
    unrelated.backward();
  });

  it('is kept by createGraph', () => {
    const x = leaf(3);
    const y = square(x);
    const [dx] = grad([y], [x], { createGraph: true });
    y.backward();
    expect(x.grad?.item()).toBe(6);
    expect(dx?.requiresGrad).toBe(true);
  });

  it('notices a saved input that an optimizer step changed', () => {
    const w = leaf(2, 3);
    const loss = mul(w, tensor([1, 1]))
      .square()
      .sum();
    const retained = mul(w, w).sum();
    loss.backward();
    new SGD([w], { lr: 0.1 }).step();
    expect(failure(() => retained.backward())).toBe(
      'AutogradError ERR_AUTOGRAD mul: input 1 of shape [2] was changed in place after the forward pass, so its gradient cannot be computed',
    );
  });

  it('notices it through a tensor that shares the memory, too', () => {
    const w = leaf(2, 3);
    const y = square(reshape(w, [1, 2])).sum();
    w.grad = tensor([1, 1]);
    new SGD([w], { lr: 0.1 }).step();
    expect(failure(() => y.backward())).toContain('square: input 0 of shape [1, 2] was changed in place');
  });

  it('notices a saved output that was changed', () => {
    const x = leaf(1, 2);
    const y = softmax(x);
    y.storage.version++;
    expect(failure(() => y.sum().backward())).toBe(
      'AutogradError ERR_AUTOGRAD softmax: output 0 of shape [2] was changed in place after the forward pass, so its gradient cannot be computed',
    );
  });

  it('does not mind a change of what no rule needs', () => {
    const w = leaf(2, 3);
    const y = add(w, 1).sum();
    w.grad = tensor([1, 1]);
    new SGD([w], { lr: 1 }).step();
    y.backward();
    expect(w.grad?.toArray()).toEqual([2, 2]);
  });

  it('needs no values of operations that only move or add', () => {
    const x = tensor(new Float32Array(16), [1, 1, 4, 4], { requiresGrad: true });
    const pooled = maxPool2d(x, 2);
    pooled.storage.version++;
    pooled.sum().backward();
    expect((x.grad as Tensor).sum().item()).toBe(4);
  });

  it('of one step leaves nothing on parameters and gradients that would keep it alive', () => {
    const w = leaf(1);
    const optimizer = new SGD([w], { lr: 0.1 });
    for (let i = 0; i < 50; i++) {
      optimizer.zeroGrad();
      square(w).sum().backward();
      optimizer.step();
      expect([w.node, w.grad?.node]).toEqual([null, null]);
    }
    expect(w.item()).toBeCloseTo(0.8 ** 50, 8);
  });
});

describe('grad', () => {
  it('returns gradients of leaves and results, and stores none', () => {
    const x = leaf(2);
    const y = square(x);
    const z = mul(y, 5);
    const [dx, dy, dz] = grad([z], [x, y, z]);
    expect([dx, dy, dz].map((g) => g?.item())).toEqual([20, 5, 1]);
    expect([x.grad, y.grad, z.grad]).toEqual([null, null, null]);
  });

  it('returns null for an input that the outputs do not depend on', () => {
    const [x, other] = [leaf(2), leaf(1)];
    expect(grad([square(x)], [other, x]).map((g) => g?.item() ?? null)).toEqual([null, 4]);
    expect(grad([square(x)], [square(x)])).toEqual([null]);
  });

  it('answers an input named twice twice, and sums over outputs', () => {
    const x = leaf(2);
    expect(grad([square(x), mul(x, 3)], [x, x]).map((g) => g?.item())).toEqual([7, 7]);
    const y = square(x);
    expect(grad([y, y], [x]).map((g) => g?.item())).toEqual([8]);
    expect(grad([y, mul(y, 2)], [y]).map((g) => g?.item())).toEqual([3]);
  });

  it('takes gradients of the outputs', () => {
    const x = leaf(1, 2);
    const gradOutputs = [tensor([1, 10]), tensor([2, 2])];
    expect(grad([square(x), mul(x, 3)], [x], { gradOutputs })[0]?.toArray()).toEqual([8, 46]);
  });

  it('computes nothing that does not lead to an input, and frees nothing of it', () => {
    const [x, w] = [leaf(2), leaf(3)];
    const features = mul(square(x), w);
    const score = mul(features, w);
    w.storage.version++; // a rule that reads w now throws
    expect(failure(() => grad([score], [w], { retainGraph: true }))).toContain('was changed in place');
    w.storage.version--;
    const middle = square(x);
    const top = square(middle);
    const [dMiddle] = grad([top], [middle]);
    expect(dMiddle?.item()).toBe(8);
    middle.backward(); // PyTorch, too, keeps what it did not go through
    expect(x.grad?.item()).toBe(4);
  });

  it('does not run rules below its inputs', () => {
    const x = leaf(2);
    const middle = square(x);
    const top = exp(middle);
    x.storage.version++;
    expect(grad([top], [middle], { retainGraph: true })[0]?.item()).toBeCloseTo(Math.exp(4), 4);
    expect(() => grad([top], [x])).toThrow('square: input 0 of shape [1] was changed in place');
  });

  it('says what is wrong with how it was called', () => {
    const x = leaf(1, 2);
    expect(failure(() => grad([sum(x)], [tensor([1, 2])]))).toBe(
      'AutogradError ERR_AUTOGRAD grad: an input of shape [2] does not require grad',
    );
    expect(failure(() => grad([square(x)], [x]))).toBe(
      'AutogradError ERR_AUTOGRAD grad: a tensor of shape [2] needs a gradient of that shape; only one element can go without',
    );
    expect(failure(() => grad([tensor([1])], [x]))).toBe(
      'AutogradError ERR_AUTOGRAD grad: the tensor of shape [1] does not require grad: nothing it was computed from does',
    );
    expect(failure(() => grad([sum(x)], [x], { gradOutputs: [tensor(1), tensor(1)] }))).toBe(
      'AutogradError ERR_AUTOGRAD grad: 2 gradOutputs for 1 outputs',
    );
  });

  it('differentiates any number of times', () => {
    const x = tensor([1.5], { dtype: 'float64', requiresGrad: true });
    let y: Tensor = x.pow(5);
    const found: number[] = [];
    for (let order = 1; order <= 5; order++) {
      [y] = grad([y], [x], { createGraph: true }) as [Tensor];
      found.push(y.item());
    }
    const expected = [5 * 1.5 ** 4, 20 * 1.5 ** 3, 60 * 1.5 ** 2, 120 * 1.5, 120];
    found.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 10);
    });
  });

  it('is linear in the gradient of the output', () => {
    const random = new Generator(5);
    const x = tensor(
      Float64Array.from({ length: 6 }, () => random.normal()),
      [2, 3],
      { requiresGrad: true },
    );
    const of = (seed: number[]) => {
      const gradOutputs = [tensor(Float64Array.from(seed), [2, 3])];
      return (grad([softmax(relu(x))], [x], { gradOutputs })[0] as Tensor).data as Float64Array;
    };
    const [a, b, both] = [of([1, 2, 0, -1, 3, 1]), of([0, 1, 5, 2, 2, -4]), of([2, 5, 5, 0, 8, -2])];
    both.forEach((value, i) => {
      expect(value).toBeCloseTo(2 * a[i] + b[i], 12);
    });
  });
});
