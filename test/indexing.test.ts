import { describe, expect, it } from 'vitest';
import {
  add,
  cast,
  clip,
  cumSum,
  div,
  eq,
  flip,
  fmod,
  gather,
  gatherNd,
  indexSelect,
  isInf,
  isNan,
  logicalNot,
  logSumExp,
  lt,
  max,
  maximum,
  mod,
  mul,
  nonMaxSuppression,
  nonZero,
  norm,
  oneHot,
  ones,
  pow,
  prod,
  round,
  scatter,
  scatterNd,
  sum,
  type Tensor,
  tensor,
  tile,
  topK,
  tril,
  where,
  zeros,
} from '../lib/index.js';

const int32 = (...values: number[]) => tensor(values, { dtype: 'int32' });
const { NaN: NAN, POSITIVE_INFINITY: INF } = Number;

describe('indices', () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]]); // biome-ignore format: a matrix

  it('of indexSelect may have any shape, and repeat', () => {
    expect(indexSelect(x, 1, tensor([[0, -1], [1, 1]], { dtype: 'int32' })).toArray()).toEqual([[[1, 3], [2, 2]], [[4, 6], [5, 5]]]); // biome-ignore format: one line
    expect(indexSelect(x, 0, tensor(1, { dtype: 'int32' })).toArray()).toEqual([4, 5, 6]);
    expect(indexSelect(x, 0, zeros([0, 2], { dtype: 'int32' })).shape).toEqual([0, 2, 3]);
    expect(indexSelect(x, -1, tensor([2n, 0n])).toArray()).toEqual([[3, 1], [6, 4]]); // biome-ignore format: a matrix
    expect(indexSelect(x, 0, tensor([1], { dtype: 'uint8' })).toArray()).toEqual([[4, 5, 6]]);
  });

  it('may stand for elements of any dtype', () => {
    for (const dtype of ['int32', 'int64', 'uint8', 'bool', 'float64'] as const) {
      const bits = tensor([1, 0, 0, 1], { dtype }) as Tensor;
      const results = [
        indexSelect(bits, 0, int32(3, 1)),
        gather(bits, 0, int32(0, 2)),
        gatherNd(bits, tensor([[3], [-3]], { dtype: 'int32' })), // biome-ignore format: two rows
        slices(scatter(bits, 0, int32(1, 0), slices(bits))),
        slices(scatterNd(bits, tensor([[1], [0]], { dtype: 'int32' }), slices(bits))), // biome-ignore format: two rows
      ];
      expect(results.map((t) => t.dtype)).toEqual(Array(5).fill(dtype));
      expect(results.map((t) => t.toArray())).toEqual([[1, 0], [1, 0], [1, 0], [0, 1], [0, 1]]); // biome-ignore format: one line
    }
  });

  const slices = (t: Tensor) => t.slice([[0, 2]]);

  it('of gatherNd may leave axes over, or have batches', () => {
    const at = (values: unknown) => tensor(values as number[][], { dtype: 'int32' });
    expect(gatherNd(x, at([[1], [0]])).toArray()).toEqual([[4, 5, 6], [1, 2, 3]]); // biome-ignore format: a matrix
    expect(gatherNd(x, at([[2], [0]]), { batchDims: 1 }).toArray()).toEqual([3, 4]); // biome-ignore format: two rows
    expect(gatherNd(x, at([[[1, 1]], [[0, 2]]])).toArray()).toEqual([[5], [3]]); // biome-ignore format: two rows
    expect(gatherNd(x, zeros([0, 2], { dtype: 'int32' })).shape).toEqual([0]);
  });

  it('of scatter and scatterNd combine in order', () => {
    const at = int32(0, 2, 0);
    const updates = tensor([5, -1, 3]);
    const of = (reduction: 'none' | 'add' | 'mul' | 'max' | 'min') =>
      scatter(tensor([2, 2, 2]), 0, at, updates, { reduction }).toArray();
    expect([of('none'), of('add'), of('mul'), of('max'), of('min')]).toEqual([[3, 2, -1], [10, 2, 1], [30, 2, -2], [5, 2, 2], [2, 2, -1]]); // biome-ignore format: one line
    const before = zeros([2, 2]);
    scatterNd(before, tensor([[0]], { dtype: 'int32' }), ones([1, 2])); // biome-ignore format: one row
    expect(before.toArray()).toEqual([[0, 0], [0, 0]]); // biome-ignore format: a matrix
  });

  it('of nonZero are found by axis, and none of them in nothing', () => {
    expect(nonZero(tensor([[[0, 2], [NAN, 0]]])).toArray()).toEqual([[0, 0], [0, 1], [1, 0]]); // biome-ignore format: one line
    expect(nonZero(tensor([true, false, true])).toArray()).toEqual([[0, 2]]);
    expect([nonZero(zeros([2, 3])).shape, nonZero(zeros([0, 3])).shape, nonZero(tensor(3)).shape]).toEqual([[2, 0], [2, 0], [0, 1]]); // biome-ignore format: one line
  });

  it('of oneHot beyond the depth have no one', () => {
    expect(oneHot(int32(0, 2, -1, -4), 2).toArray()).toEqual([[1, 0], [0, 0], [0, 1], [0, 0]]); // biome-ignore format: rows
    expect(oneHot(int32(1, 0), 2, { on: 5, off: -5, axis: 0, dtype: 'int32' }).toArray()).toEqual([[-5, 5], [5, -5]]); // biome-ignore format: rows
  });
});

describe('selection', () => {
  it('topK takes nothing, one or all', () => {
    const x = tensor([[3, 1, 2], [9, 9, 7]]); // biome-ignore format: a matrix
    const of = (k: number, axis = -1) => topK(x, k, { axis }).map((t) => t.toArray());
    expect(of(3)).toEqual([[[3, 2, 1], [9, 9, 7]], [[0, 2, 1], [0, 1, 2]]]); // biome-ignore format: one line
    expect(of(1, 0)).toEqual([[[9, 9, 7]], [[1, 1, 1]]]); // biome-ignore format: one line
    expect(of(0)).toEqual([[[], []], [[], []]]); // biome-ignore format: one line
    const whole = int32(2 ** 31 - 1, -(2 ** 31), 16777217, 16777216);
    expect(topK(whole, 3)[0].toArray()).toEqual([2 ** 31 - 1, 16777217, 16777216]);
  });

  it('non-maximum suppression counts boxes by class', () => {
    const boxes = tensor([[[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, 10, 1, 11]]]); // biome-ignore format: boxes
    const scores = tensor([[[0.9, 0.75, 0.6], [0.1, 0.2, 0.3]]]); // biome-ignore format: scores
    const select = (options: object) => nonMaxSuppression(boxes, scores, { iouThreshold: 0.5, ...options }).toArray();
    expect(select({ maxOutputBoxesPerClass: 2 })).toEqual([[0, 0, 0], [0, 0, 2], [0, 1, 2], [0, 1, 1]]); // biome-ignore format: rows
    expect(select({ maxOutputBoxesPerClass: 1, scoreThreshold: 0.5 })).toEqual([[0, 0, 0]]);
    expect(select({})).toEqual([]);
    expect(nonMaxSuppression(boxes, scores, {}).shape).toEqual([0, 3]);
  });

  it('tile, flip and tril of odd shapes', () => {
    expect(tile(int32(1, 2), [0]).shape).toEqual([0]);
    expect(tile(tensor(5), []).toArray()).toBe(5);
    expect(tile(zeros([1, 2, 1, 1, 2, 1, 1, 2]), [2, 1, 1, 1, 3, 1, 1, 2]).shape).toEqual([2, 2, 1, 1, 6, 1, 1, 4]);
    expect(flip(zeros([0, 3]), [0, 1]).shape).toEqual([0, 3]);
    expect(flip(tensor([true, false]), 0).toArray()).toEqual([0, 1]);
    expect(tril(ones([2, 2], { dtype: 'int32' }), -5).toArray()).toEqual([[0, 0], [0, 0]]); // biome-ignore format: a matrix
  });
});

describe('int32', () => {
  const a = int32(7, -7, 2 ** 31 - 1);

  it('has arithmetic that wraps around', () => {
    expect(add(a, 1).toArray()).toEqual([8, -6, -(2 ** 31)]);
    expect(mul(a, a).toArray()).toEqual([49, 49, 1]);
    expect(div(a, int32(2, 2, 0)).toArray()).toEqual([3, -3, 0]);
    expect([mod(a, 3).toArray(), fmod(a, 3).toArray()]).toEqual([[1, 2, 1], [1, -1, 1]]); // biome-ignore format: rows
    expect([pow(a, 2).toArray(), maximum(a, 0).toArray()]).toEqual([[49, 49, 1], [7, 0, 2 ** 31 - 1]]); // biome-ignore format: rows
    expect([a.neg().toArray(), a.abs().toArray()]).toEqual([[-7, 7, -(2 ** 31) + 1], [7, 7, 2 ** 31 - 1]]); // biome-ignore format: rows
    expect([clip(a, 0, INF).toArray(), clip(a, -INF, 3).toArray()]).toEqual([[7, 0, 2 ** 31 - 1], [3, -7, 3]]); // biome-ignore format: rows
    expect(add(a, 1).dtype).toBe('int32');
  });

  it('is compared exactly, and so are bytes', () => {
    expect(eq(int32(16777217), int32(16777216)).item()).toBe(0);
    expect(lt(tensor([200], { dtype: 'uint8' }), 201).item()).toBe(1);
    expect(eq(tensor([true, false]), tensor([true, true])).toArray()).toEqual([1, 0]);
  });

  it('is reduced, summed up and chosen from', () => {
    const x = tensor([[1, 2], [3, 4]], { dtype: 'int32' }); // biome-ignore format: a matrix
    expect([sum(x, 0).toArray(), max(x, 1).toArray(), prod(x).item(), cumSum(x, 1).toArray()]).toEqual([[4, 6], [2, 4], 24, [[1, 3], [3, 7]]]); // biome-ignore format: one line
    expect(sum(x, []).toArray()).toEqual([[1, 2], [3, 4]]); // biome-ignore format: a matrix
    expect(where(lt(x, 3), x, int32(0)).toArray()).toEqual([[1, 2], [0, 0]]); // biome-ignore format: a matrix
  });

  it('comes from other dtypes', () => {
    expect(cast(tensor([2.9, -2.9, 2 ** 31, NAN, INF]), 'int32').toArray()).toEqual([2, -2, -(2 ** 31), 0, 0]);
    expect(cast(tensor([NAN, 0, -0, 0.1]), 'bool').toArray()).toEqual([1, 0, 0, 1]);
    expect(cast(tensor([2n ** 40n + 5n]), 'int32').toArray()).toEqual([5]);
    expect(cast(int32(-1, 300), 'uint8').toArray()).toEqual([255, 44]);
    expect(cast(tensor([true, false]), 'float32').toArray()).toEqual([1, 0]);
  });
});

describe('functions at their edges', () => {
  it('tell NaN and infinity', () => {
    const x = tensor([NAN, INF, -INF, 0]);
    expect([isNan(x).toArray(), isInf(x).toArray()]).toEqual([[1, 0, 0, 0], [0, 1, 1, 0]]); // biome-ignore format: rows
    expect(logicalNot(isInf(x)).toArray()).toEqual([1, 0, 0, 1]);
  });

  it('round halves to even', () => {
    expect(round(tensor([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 8388609])).toArray()).toEqual([-2, -2, -0, 0, 2, 2, 8388609]);
  });

  it('logSumExp of infinities and of nothing', () => {
    expect(logSumExp(tensor([[-INF, -INF], [INF, 1], [NAN, 0]]), 1).toArray()).toEqual([-INF, INF, NAN]); // biome-ignore format: rows
    expect(logSumExp(zeros([0])).item()).toBe(-INF);
  });

  it('norm has no slope at 0', () => {
    const x = tensor([[0, 0], [3, 4]], { requiresGrad: true }); // biome-ignore format: a matrix
    const y = norm(x, 1);
    y.sum().backward();
    expect([y.toArray(), x.grad?.toArray()]).toEqual([[0, 5], [[0, 0], [expect.closeTo(0.6), expect.closeTo(0.8)]]]); // biome-ignore format: one line
  });

  it('mod with infinite and zero divisors', () => {
    expect(mod(tensor([1, -1, 5]), tensor([INF, INF, 0])).toArray()).toEqual([1, INF, NAN]);
    expect(fmod(tensor([1, -1, INF]), tensor([INF, INF, 2])).toArray()).toEqual([1, -1, NAN]);
    expect(fmod(tensor([3e38, -3e38]), 7).toArray()).toEqual([Math.fround(3e38) % 7, -(Math.fround(3e38) % 7)]);
  });
});
