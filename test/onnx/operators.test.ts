import { describe, expect, it } from 'vitest';
import { type NestedArray, type Tensor, tensor } from '../../lib/index.js';
import { evaluate, readModel } from '../../lib/onnx/index.js';
import type { NodeProto } from '../../lib/onnx/proto/types.js';
import { bytesOf, floats, type GraphText, int64s, node, value } from './models.js';

/** Corners that the models of test/golden/onnx do not have. Answers are worked out by hand. */
function run(step: NodeProto, x: Tensor, { initializers = [] }: GraphText = {}, opset = 21): NestedArray | undefined {
  const inputs = [value('x', [...x.shape])];
  const model = readModel(bytesOf({ inputs, outputs: [value('y', null)], initializers, nodes: [step] }, opset, 10));
  return evaluate(model, new Map([['x', x]]))
    .get('y')
    ?.toArray();
}

describe('Pad', () => {
  const padded = (pads: number[], mode = 'constant') =>
    run(node('Pad', ['x', 'pads'], ['y'], { mode }), tensor([1, 2, 3, 4]), { initializers: [int64s('pads', pads)] });

  it('cuts off what it has added', () => {
    expect(padded([2, -5])).toEqual([0]);
    expect(padded([-5, 3])).toEqual([0, 0]);
    expect(padded([1, -5])).toEqual([]);
    expect(padded([0, -9])).toEqual([]);
  });

  it('copies from what is left', () => {
    expect(padded([-1, 2], 'reflect')).toEqual([2, 3, 4, 3, 2]);
    expect(padded([-1, 2], 'edge')).toEqual([2, 3, 4, 4, 4]);
    expect(padded([-1, 2], 'wrap')).toEqual([2, 3, 4, 2, 3]);
  });
});

describe('pooling with padding beyond half the window', () => {
  const x = tensor([[[5, 1]]]);
  const attributes = { kernel_shape: [3], pads: [2, 2] };

  it('takes maxima of what there is', () => {
    expect(run(node('MaxPool', ['x'], ['y'], attributes), x)).toEqual([[[5, 5, 5, 1]]]);
  });

  it('takes means of what there is, or with the padding', () => {
    expect(run(node('AveragePool', ['x'], ['y'], attributes), x)).toEqual([[[5, 3, 3, 1]]]);
    const counted = run(node('AveragePool', ['x'], ['y'], { ...attributes, count_include_pad: 1 }), x);
    expect(counted).toEqual([[[5 / 3, 2, 2, 1 / 3].map(Math.fround)]]);
  });

  it('refuses it with ceil_mode', () => {
    expect(() => run(node('MaxPool', ['x'], ['y'], { ...attributes, ceil_mode: 1 }), x)).toThrow(
      "node 'MaxPool_0' (MaxPool, opset 21): ceil_mode with dilations or padding beyond half the window",
    );
  });
});

it('AveragePool has gaps in its windows', () => {
  const step = node('AveragePool', ['x'], ['y'], { kernel_shape: [2], dilations: [2] });
  expect(run(step, tensor([[[1, 2, 3, 6]]]))).toEqual([[[2, 4]]]);
});

it('IsInf looks at the signs it is asked for', () => {
  const x = tensor([-Infinity, Infinity, Number.NaN, 1]);
  const found = (detect_negative: number, detect_positive: number) =>
    run(node('IsInf', ['x'], ['y'], { detect_negative, detect_positive }), x);
  expect(found(1, 1)).toEqual([1, 1, 0, 0]);
  expect(found(1, 0)).toEqual([1, 0, 0, 0]);
  expect(found(0, 1)).toEqual([0, 1, 0, 0]);
  expect(found(0, 0)).toEqual([0, 0, 0, 0]);
});

it('LayerNormalization stretches its scale', () => {
  const step = node('LayerNormalization', ['x', 'scale'], ['y'], { axis: 1, epsilon: { float: 0 } });
  const initializers = [floats('scale', [2], [1, 10])];
  expect(
    run(
      step,
      tensor([
        [
          [1, 3],
          [1, 3],
        ],
      ]),
      { initializers },
    ),
  ).toEqual([
    [
      [-1, 10],
      [-1, 10],
    ],
  ]);
});

it('Clip with crossed limits gives the upper one', () => {
  const initializers = [floats('low', [], [3]), floats('high', [], [1])];
  expect(run(node('Clip', ['x', 'low', 'high'], ['y']), tensor([0, 2, 9]), { initializers })).toEqual([1, 1, 1]);
});

describe('refused', () => {
  it.each([
    [node('ReduceSum', ['x'], ['y'], { keepdims: 2 }), "attribute 'keepdims' is 2, supported are 0, 1"],
    [node('Celu', ['x'], ['y'], { alpha: { float: 0 } }), 'alpha 0, not above 0'],
    [node('Split', ['x'], ['', 'y'], { num_outputs: 1 }), 'it gives 1 outputs, not 2'],
    [node('Slice', ['x', 'one', 'one', 'zero', 'zero'], ['y']), 'a step is 0'],
    [node('Unsqueeze', ['x', 'zeros'], ['y']), 'an axis stands twice in [0, 0]'],
    [node('Squeeze', ['x', 'zero'], ['y']), 'axes [0] of [2] are not 1'],
    [node('Squeeze', ['x', 'one'], ['y']), 'axis 1 is outside a tensor of 1 axes'],
    [node('Split', ['x', 'zeros'], ['y', '']), 'parts of [0, 0] do not make up the 2 of axis 0'],
    [node('Range', ['zero', 'one', 'zero'], ['y']), 'the step is 0'],
    [node('TopK', ['x', 'zeros'], ['y', '']), 'input 1 has 2 elements, not one'],
  ])('%#', (step, message) => {
    const initializers = [int64s('zero', [0]), int64s('one', [1]), int64s('zeros', [0, 0])];
    expect(() => run(step, tensor([1, 2]), { initializers })).toThrow(
      `node '${step.opType}_0' (${step.opType}, opset 21): ${message}`,
    );
  });
});
