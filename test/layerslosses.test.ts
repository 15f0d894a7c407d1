import { describe, expect, it } from 'vitest';
import {
  bce,
  bceWithLogits,
  crossEntropy,
  dice,
  focal,
  huber,
  l1,
  logSoftmax,
  mse,
  nll,
  nn,
  noGrad,
  oneHot,
  randn,
  smoothL1,
  type Tensor,
  tensor,
  zeros,
} from '../lib/index.js';

const INF = Number.POSITIVE_INFINITY;
const int32 = (...values: number[]) => tensor(values, { dtype: 'int32' });
const leaf = (...values: number[]) => tensor(values, { requiresGrad: true });

function slopes(x: Tensor, loss: (x: Tensor) => Tensor): number[] {
  x.grad = null;
  loss(x).sum().backward();
  return (x.grad as Tensor | null)?.toArray() as number[];
}

const close = (expected: Tensor, precision = 6) =>
  (expected.toArray() as number[]).map((v) => expect.closeTo(v, precision));

describe('crossEntropy', () => {
  const x = randn([4, 3]);
  const labels = int32(2, 0, 1, 2);

  it('takes labels of all integer dtypes', () => {
    const expected = crossEntropy(x, labels).item();
    expect(crossEntropy(x, tensor([2n, 0n, 1n, 2n])).item()).toBe(expected);
    expect(crossEntropy(x, tensor([2, 0, 1, 2], { dtype: 'uint8' })).item()).toBe(expected);
  });

  it('is nll of logSoftmax, with every option they share', () => {
    const weight = tensor([0.5, 2, 1]);
    for (const options of [{}, { weight }, { ignoreIndex: 2 }, { weight, ignoreIndex: 0, reduction: 'sum' as const }]) {
      expect(crossEntropy(x, labels, options).item()).toBeCloseTo(nll(logSoftmax(x, 1), labels, options).item(), 5);
    }
  });

  it('of labels is that of the probabilities they stand for, smoothed or not', () => {
    const hot = oneHot(labels, 3);
    for (const labelSmoothing of [0, 0.1, 1]) {
      const expected = crossEntropy(x, hot, { labelSmoothing, reduction: 'none' });
      expect(crossEntropy(x, labels, { labelSmoothing, reduction: 'none' }).toArray()).toEqual(close(expected));
    }
  });

  it('without any position that counts: the mean is NaN, the sum 0, and so are the gradients of the sum', () => {
    for (const given of [int32(-100, -100), tensor([1, 1], { dtype: 'uint8' })]) {
      const ignoreIndex = given.dtype === 'uint8' ? 1 : -100;
      for (const labelSmoothing of [0, 0.1]) {
        const loss = (reduction: 'mean' | 'sum' | 'none') => (logits: Tensor) =>
          crossEntropy(logits, given, { ignoreIndex, labelSmoothing, reduction });
        const logits = randn([2, 3], { requiresGrad: true });
        expect(loss('mean')(logits).item()).toBeNaN();
        expect([loss('sum')(logits).item(), loss('none')(logits).toArray()]).toEqual([0, [0, 0]]);
        expect(slopes(logits, loss('sum'))).toEqual([[0, 0, 0], [0, 0, 0]]); // biome-ignore format: a matrix
      }
    }
  });

  it('leaves what an ignored position holds out of everything, NaN and infinities too', () => {
    const logits = tensor([[0, 0], [Number.NaN, -INF]], { requiresGrad: true }); // biome-ignore format: a matrix
    for (const labelSmoothing of [0, 0.5]) {
      const loss = crossEntropy(logits, int32(1, -100), { labelSmoothing });
      expect(loss.item()).toBeCloseTo(Math.log(2), 6);
    }
    expect(nll(tensor([[-1, -2], [-INF, -INF]]), int32(0, -100)).item()).toBe(1); // biome-ignore format: a matrix
  });

  it('passes NaN on, and an empty batch has a mean of NaN', () => {
    expect(crossEntropy(tensor([[Number.NaN, 0]]), int32(0)).item()).toBeNaN();
    expect(crossEntropy(zeros([0, 3]), int32()).item()).toBeNaN();
    expect(crossEntropy(zeros([0, 3]), int32(), { reduction: 'sum' }).item()).toBe(0);
    expect(crossEntropy(zeros([0, 3]), int32(), { reduction: 'none' }).shape).toEqual([0]);
  });

  it('is 0 for one class', () => {
    expect(crossEntropy(randn([3, 1]), int32(0, 0, 0)).item()).toBe(0);
  });

  it('does not change the labels, nor take them for good', () => {
    const given = int32(1, 5);
    const loss = (target: Tensor) => crossEntropy(zeros([2, 2]), target, { ignoreIndex: 5 }).item();
    const before = loss(given);
    expect(given.toArray()).toEqual([1, 5]);
    given.data[1] = 0;
    expect(loss(given)).toBeCloseTo(before, 6);
  });
});

describe('losses of two classes', () => {
  it('stay finite however far out the logits are, with slopes that point back', () => {
    const x = leaf(-1e30, 1e30, -200, 200);
    const target = tensor([1, 0, 0, 1]);
    expect(bceWithLogits(x, target, { reduction: 'none' }).toArray()).toEqual([1e30, 1e30, 0, 0].map(Math.fround));
    expect(slopes(x, (x) => bceWithLogits(x, target, { reduction: 'none' }))).toEqual([-1, 1, 0, 0]);
    const focused = focal(x, target, { reduction: 'none' }).toArray() as number[];
    expect(focused).toEqual([0.25e30, 0.75e30, 0, 0].map((v) => expect.closeTo(v, -24)));
    expect(slopes(x, (x) => focal(x, target)).every(Number.isFinite)).toBe(true);
  });

  it('bce has finite losses and slopes at 0 and 1', () => {
    const p = leaf(0, 1, 0, 1);
    const target = tensor([0, 1, 1, 0]);
    expect(bce(p, target, { reduction: 'none' }).add(0).toArray()).toEqual([0, 0, 100, 100]);
    expect(slopes(p, (p) => bce(p, target, { reduction: 'none' }))).toEqual([0, 0, -1e12, 1e12].map(Math.fround));
    expect(bce(tensor([-0.5]), tensor([1])).item()).toBeNaN();
  });

  it('focal of gamma 0 without alpha is bceWithLogits, of alpha 1/2 half of it', () => {
    const [x, target] = [randn([7]), tensor([0, 1, 1, 0, 0.5, 0.25, 1])];
    const plain = bceWithLogits(x, target).item();
    expect(focal(x, target, { gamma: 0, alpha: null }).item()).toBe(plain);
    expect(focal(x, target, { gamma: 0, alpha: 0.5 }).item()).toBeCloseTo(plain / 2, 6);
  });

  it('posWeight weighs targets of 1 only, weight all', () => {
    const [x, target] = [tensor([0, 0]), tensor([1, 0])];
    const [log2, three] = [Math.log(2), tensor([3])];
    const none = { reduction: 'none' as const };
    expect(bceWithLogits(x, target, { posWeight: three, ...none }).toArray()).toEqual([expect.closeTo(3 * log2, 6), expect.closeTo(log2, 6)]); // biome-ignore format: one line
    expect(bceWithLogits(x, target, { weight: three }).item()).toBeCloseTo(3 * log2, 6);
  });
});

describe('losses of differences', () => {
  it('bend where they are told, with finite slopes at infinity', () => {
    const x = leaf(0, 0.5, 2, -3, INF, -INF);
    const target = zeros([6]);
    const none = { reduction: 'none' as const };
    expect(huber(x, target, { delta: 2, ...none }).toArray()).toEqual([0, 0.125, 2, 4, INF, INF]);
    expect(smoothL1(x, target, { beta: 2, ...none }).toArray()).toEqual([0, 0.0625, 1, 2, INF, INF]);
    expect(l1(x, target, none).toArray()).toEqual([0, 0.5, 2, 3, INF, INF]);
    expect(slopes(x, (x) => huber(x, target, { delta: 2 }).mul(6))).toEqual([0, 0.5, 2, -2, 2, -2]);
    expect(slopes(x, (x) => smoothL1(x, target, { beta: 0 }).mul(6))).toEqual([0, 1, 1, -1, 1, -1]);
  });

  it('pass NaN on', () => {
    for (const loss of [mse, l1, huber, smoothL1]) {
      expect(loss(tensor([Number.NaN, 1]), tensor([0, 0]), { reduction: 'none' }).toArray()).toEqual([Number.NaN, expect.any(Number)]); // biome-ignore format: one line
    }
  });

  it('of nothing have a mean of NaN and a sum of 0', () => {
    for (const loss of [mse, l1, huber, smoothL1, bceWithLogits, focal]) {
      expect(loss(zeros([0, 2]), zeros([0, 2])).item()).toBeNaN();
      expect(loss(zeros([0, 2]), zeros([0, 2]), { reduction: 'sum' }).item()).toBe(0);
    }
  });
});

describe('dice', () => {
  it('is 0 for equal masks and 1 for masks apart, and has a value for empty ones', () => {
    const mask = tensor([[[1, 1, 0, 0]]]);
    const other = tensor([[[0, 0, 1, 1]]]);
    expect([dice(mask, mask).item(), dice(mask, other, { smooth: 0 }).item()]).toEqual([0, 1]);
    expect(dice(zeros([1, 1, 4]), zeros([1, 1, 4])).item()).toBe(0);
    expect(dice(zeros([1, 1, 4]), zeros([1, 1, 4]), { smooth: 0 }).item()).toBeNaN();
  });

  it('looks at each channel of each image by itself', () => {
    const p = tensor([[[1, 0], [0, 1]], [[1, 1], [1, 1]]]); // biome-ignore format: masks
    const t = tensor([[[1, 0], [1, 0]], [[1, 1], [0, 0]]]); // biome-ignore format: masks
    expect(dice(p, t, { smooth: 0, reduction: 'none' }).toArray()).toEqual([[0, 1], [0, 1]]); // biome-ignore format: a matrix
    expect(dice(p, t, { smooth: 0 }).item()).toBe(0.5);
  });
});

describe('losses as modules', () => {
  it('hold their weights as buffers, by the names of PyTorch, and train nothing', () => {
    const loss = new nn.BCEWithLogitsLoss({ weight: tensor([1]), posWeight: tensor([2]) });
    expect(Object.keys(loss.stateDict())).toEqual(['weight', 'pos_weight']);
    expect(loss.parameters()).toEqual([]);
    expect(Object.keys(new nn.CrossEntropyLoss().stateDict())).toEqual([]);
  });

  it('give what the functions give', () => {
    const [x, t] = [randn([3, 4]), randn([3, 4])];
    noGrad(() => {
      expect(new nn.MSELoss({ reduction: 'sum' }).forward(x, t).item()).toBe(mse(x, t, { reduction: 'sum' }).item());
      expect(new nn.HuberLoss({ delta: 2 }).forward(x, t).item()).toBe(huber(x, t, { delta: 2 }).item());
    });
  });
});
