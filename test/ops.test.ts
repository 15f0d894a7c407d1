import { describe, expect, it } from 'vitest';
import {
  abs,
  argmax,
  argmin,
  clip,
  concat,
  conv2d,
  crossEntropy,
  dropout,
  elu,
  eq,
  flatten,
  ge,
  gt,
  le,
  leakyRelu,
  logSoftmax,
  lt,
  matmul,
  max,
  maximum,
  maxPool2d,
  maxPool2dWithIndices,
  mean,
  min,
  minimum,
  ne,
  ones,
  permute,
  pow,
  relu,
  sign,
  silu,
  slice,
  softmax,
  softplus,
  sqrt,
  squeeze,
  stack,
  sum,
  type Tensor,
  tensor,
  transpose,
  unsqueeze,
  zeros,
} from '../lib/index.js';
import { failure } from './failure.js';

const { NaN: NAN, POSITIVE_INFINITY: INF } = Number;
const v = (...values: number[]) => tensor(values);

// PyTorch's answers, but for pow, which is JavaScript's: 1^NaN is NaN there.
describe('NaN and infinity', () => {
  it.each<[string, Tensor, unknown]>([
    ['relu', relu(v(NAN, -INF, INF)), [NAN, 0, INF]],
    ['leakyRelu', leakyRelu(v(NAN, -INF), 0.5), [NAN, -INF]],
    ['elu', elu(v(NAN, -INF, 1000)), [NAN, -1, 1000]],
    ['clip', clip(v(NAN, -INF, INF), -1, 1), [NAN, -1, 1]],
    ['abs and sign', concat([abs(v(NAN, -INF)), sign(v(NAN, -INF, 0))]), [NAN, INF, 0, -1, 0]],
    ['sqrt', sqrt(v(-1, 0, INF)), [NAN, 0, INF]],
    ['softplus', softplus(v(1000, -1000, NAN)), [1000, 0, NAN]],
    ['silu', silu(v(1000, -1000, NAN)).add(0), [1000, 0, NAN]],
    ['pow', pow(v(-8, 0, 0, NAN, 1), v(1 / 3, 0, -1, 0, NAN)), [NAN, 1, INF, 1, NAN]],
    ['maximum', maximum(v(NAN, 1, NAN), v(1, NAN, NAN)), [NAN, NAN, NAN]],
    ['minimum', minimum(v(NAN, 1, NAN), v(1, NAN, NAN)), [NAN, NAN, NAN]],
    [
      'max and min',
      stack([max(v(1, NAN, 3)), min(v(1, NAN, 3)), max(v(-INF, -INF)), min(v(INF))]),
      [NAN, NAN, -INF, INF],
    ],
    ['max along an inner axis', max(tensor([[1, NAN], [2, 0]]), 0), [2, NAN]], // biome-ignore format: a matrix
    ['sum', stack([sum(v(INF, -INF)), sum(v(NAN, 1)), sum(v()), mean(v())]), [NAN, NAN, 0, NAN]],
    ['softmax', softmax(v(1000, 1000, -INF)), [0.5, 0.5, 0]],
    ['softmax of nothing but -infinity', softmax(v(-INF, -INF)), [NAN, NAN]],
    ['softmax with +infinity', softmax(v(INF, 0)), [NAN, NAN]],
    ['logSoftmax', logSoftmax(v(0, -INF)), [0, -INF]],
    ['max pooling', maxPool2d(tensor([[[[NAN, 1, 5, -INF]]]]), [1, 2]), [[[[NAN, 5]]]]],
    ['max pooling, all -infinity', maxPool2d(tensor([[[[-INF, -INF]]]]), [1, 2]), [[[[-INF]]]]],
    ['conv2d passes it on to its windows only', conv2d(tensor([[[[NAN, 1, 2]]]]), ones([1, 1, 1, 2])), [[[[NAN, 3]]]]],
  ])('%s', (_, actual, expected) => {
    expect(actual.toArray()).toEqual(expected);
  });

  it('comparisons are false with NaN, but for ne', () => {
    const [a, b] = [v(NAN, 1, NAN), v(1, NAN, NAN)];
    expect([eq, lt, le, gt, ge, ne].map((f) => f(a, b).toArray())).toEqual([[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0], [1, 1, 1]]); // biome-ignore format: one line
    expect([eq, lt, le, gt, ge, ne].map((f) => f(v(-0), v(0)).item())).toEqual([1, 0, 1, 0, 1, 0]);
  });

  it('the first of equals has the position, and the first NaN before everything', () => {
    expect([argmax(v(1, 3, 3)).item(), argmin(v(2, 1, 1)).item()]).toEqual([1, 1]);
    expect([argmax(v(1, NAN, 9, NAN)).item(), argmin(v(1, NAN, 0, NAN)).item()]).toEqual([1, 1]);
    expect(argmax(v(0, -0)).item()).toBe(0);
    expect(argmax(v(-INF, -INF)).item()).toBe(0);
    const [, indices] = maxPool2dWithIndices(tensor([[[[2, 2, 1, NAN, NAN, 0]]]]), [1, 3]);
    expect(indices.toArray()).toEqual([[[[0, 3]]]]);
  });

  it('dropping everything multiplies by 0, as in PyTorch', () => {
    expect(dropout(v(1, INF), 1).toArray()).toEqual([0, NAN]);
  });
});

describe('labels', () => {
  const logits = tensor([[1, 2, 3], [3, 2, 1]]); // biome-ignore format: a matrix

  it('may be int32, int64 or uint8', () => {
    const losses = (['int32', 'int64', 'uint8'] as const).map((dtype) =>
      crossEntropy(logits, tensor([2, 1], { dtype })).item(),
    );
    const expected = (-Math.log(Math.exp(3) / (Math.exp(1) + Math.exp(2) + Math.exp(3))) + Math.log(Math.exp(1) + Math.exp(2) + Math.exp(3)) - 2) / 2; // biome-ignore format: one formula
    for (const loss of losses) expect(loss).toBeCloseTo(expected, 6);
  });

  it('that are all ignored make the mean NaN and the sum 0', () => {
    const none = tensor([-100, -100], { dtype: 'int64' });
    expect([crossEntropy(logits, none).item(), crossEntropy(logits, none, { reduction: 'sum' }).item()]).toEqual([
      NAN,
      0,
    ]);
  });
});

describe('empty tensors', () => {
  it('pass through what has no need of elements', () => {
    const none = zeros([0, 3]);
    expect(relu(none).shape).toEqual([0, 3]);
    expect([sum(none).item(), sum(none, 0).toArray(), sum(none, 1).toArray()]).toEqual([0, [0, 0, 0], []]);
    expect(matmul(zeros([2, 0]), zeros([0, 3])).toArray()).toEqual([[0, 0, 0], [0, 0, 0]]); // biome-ignore format: a matrix
    expect(matmul(none, zeros([3, 4])).shape).toEqual([0, 4]);
    expect(concat([none, ones([1, 3])]).toArray()).toEqual([[1, 1, 1]]);
    expect([permute(none, [1, 0]).shape, slice(ones([3]), [[2, 1]]).shape]).toEqual([[3, 0], [0]]);
    expect(softmax(none).shape).toEqual([0, 3]);
    expect(conv2d(zeros([0, 2, 4, 4]), ones([3, 2, 3, 3])).shape).toEqual([0, 3, 2, 2]);
    expect(maxPool2d(zeros([0, 2, 4, 4]), 2).shape).toEqual([0, 2, 2, 2]);
  });

  it('have gradients of zero', () => {
    const weight = tensor([[[[1, 2]]]], { requiresGrad: true });
    conv2d(zeros([0, 1, 2, 2]), weight)
      .sum()
      .backward();
    expect(weight.grad?.toArray()).toEqual([[[[0, 0]]]]);
  });

  it('have no extreme', () => {
    expect(failure(() => max(zeros([0])))).toBe('ShapeError ERR_SHAPE max: an empty axis of [0] has no max');
    expect(failure(() => min(zeros([2, 0]), 1))).toBe('ShapeError ERR_SHAPE min: an empty axis of [2, 0] has no min');
    expect(failure(() => argmax(zeros([0, 2]), 0))).toBe('ShapeError ERR_SHAPE argmax: axis 0 of [0, 2] is empty');
    expect(max(zeros([0, 2]), 1).shape).toEqual([0]);
  });
});

describe('axes', () => {
  const x = tensor([[[1, 2, 3], [4, 5, 6]]]); // biome-ignore format: a matrix

  it('count from the end when negative', () => {
    expect(sum(x, -1).toArray()).toEqual([[6, 15]]);
    expect(sum(x, [-1, 0], { keepDims: true }).toArray()).toEqual([[[6], [15]]]);
    expect(argmax(x, -2, { keepDims: true }).toArray()).toEqual([[[1, 1, 1]]]);
    expect(argmax(x).item()).toBe(5);
    expect(transpose(x, -1, 1).shape).toEqual([1, 3, 2]);
    expect([unsqueeze(x, -1).shape, squeeze(x, -3).shape]).toEqual([[1, 2, 3, 1], [2, 3]]); // biome-ignore format: two shapes
    expect(flatten(x, -2).shape).toEqual([1, 6]);
    expect(stack([x, x], -1).shape).toEqual([1, 2, 3, 2]);
  });

  it('are cut to the tensor by slice', () => {
    const line = v(0, 1, 2, 3, 4);
    const of = (start: number, end?: number | null, step?: number) => slice(line, [[start, end, step]]).toArray();
    expect([of(1, 3), of(-2), of(0, -1), of(0, null, 2), of(1, 99, 3)]).toEqual([[1, 2], [3, 4], [0, 1, 2, 3], [0, 2, 4], [1, 4]]); // biome-ignore format: five vectors
    expect([of(9), of(-99, 2), of(3, 1), of(5)]).toEqual([[], [0, 1], [], []]);
  });
});
