import { describe, expect, it } from 'vitest';
import * as ops from '../lib/index.js';
import {
  batchNorm,
  conv2d,
  Generator,
  manualSeed,
  nn,
  ones,
  pad,
  type Shape,
  type Tensor,
  tensor,
  zeros,
} from '../lib/index.js';
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

describe('BatchNorm2d', () => {
  it('starts as PyTorch does', () => {
    const state = new nn.BatchNorm2d(2).stateDict();
    const described = Object.entries(state).map(([name, t]) => `${name} ${t.dtype} [${t.shape}] ${t.toArray()}`);
    expect(described).toEqual([
      'weight float32 [2] 1,1',
      'bias float32 [2] 0,0',
      'running_mean float32 [2] 0,0',
      'running_var float32 [2] 1,1',
      'num_batches_tracked int64 [] 0',
    ]);
  });

  it('moves its statistics in training only, counting batches that were taken', () => {
    const layer = new nn.BatchNorm2d(1, { momentum: 0.5 });
    const x = tensor([[[[1, 3]]]]); // mean 2, unbiased variance 2
    expect(layer.forward(x).toArray()).toEqual([[[[expect.closeTo(-1, 4), expect.closeTo(1, 4)]]]]);
    expect(layer.runningMean?.toArray()).toEqual([1]);
    expect(layer.runningVar?.toArray()).toEqual([1.5]);
    expect(layer.numBatchesTracked?.item()).toBe(1);
    expect(() => layer.forward(zeros([1, 1, 1, 1]))).toThrow('more than one value per channel');
    expect(layer.numBatchesTracked?.item()).toBe(1);
    layer.eval();
    expect(layer.forward(x).toArray()).toEqual([[[[expect.closeTo(0, 4), expect.closeTo(2 / Math.sqrt(1.5), 4)]]]]);
    expect([layer.runningMean?.item(), layer.numBatchesTracked?.item()]).toEqual([1, 1]);
  });

  it('gives statistics no gradient', () => {
    const layer = new nn.BatchNorm2d(2);
    layer
      .forward(image([2, 2, 3, 1]))
      .sum()
      .backward();
    expect([layer.runningMean?.grad, layer.runningVar?.requiresGrad]).toEqual([null, false]);
    expect(layer.parameters()).toHaveLength(2);
  });

  it('without running statistics normalises by the batch even in inference', () => {
    const layer = new nn.BatchNorm2d(2, { trackRunningStats: false, affine: false }).eval();
    expect(Object.keys(layer.stateDict())).toEqual([]);
    const x = image([3, 2, 2, 2]);
    expect(layer.forward(x).toArray()).toEqual(batchNorm(x, null, null, { training: true }).toArray());
  });

  it('says what it expects', () => {
    expect(failure(() => new nn.BatchNorm2d(0))).toBe(
      'ArgumentError ERR_ARGUMENT BatchNorm2d: channels must be an integer of at least 1, got 0',
    );
    expect(failure(() => new nn.BatchNorm2d(2).forward(zeros([1, 2, 3])))).toBe(
      'ShapeError ERR_SHAPE BatchNorm2d: x must be [n, channels, height, width], got [1, 2, 3]',
    );
    expect(failure(() => new nn.BatchNorm2d(2).forward(zeros([1, 3, 2, 2])))).toBe(
      'ShapeError ERR_SHAPE batchNorm: weight must be [3] for x [1, 3, 2, 2], got [2]',
    );
    expect(failure(() => new nn.BatchNorm2d(2, { momentum: 2 }).forward(zeros([2, 2, 1, 1])))).toBe(
      'ArgumentError ERR_ARGUMENT batchNorm: momentum must be in [0, 1], got 2',
    );
    expect(failure(() => batchNorm(zeros([2, 2])))).toBe(
      'ArgumentError ERR_ARGUMENT batchNorm: runningMean and runningVar are needed outside training',
    );
  });
});

describe('Conv2d', () => {
  it('is conv2d with its options', () => {
    const layer = new nn.Conv2d(4, 6, [3, 2], { stride: [2, 1], padding: [1, 0, 2, 1], dilation: [1, 2], groups: 2 });
    const x = image([2, 4, 7, 6]);
    const expected = conv2d(x, layer.weight, layer.bias, {
      stride: [2, 1],
      padding: [1, 0, 2, 1],
      dilation: [1, 2],
      groups: 2,
    });
    expect(layer.weight.shape).toEqual([6, 2, 3, 2]);
    expect(layer.forward(x).toArray()).toEqual(expected.toArray());
  });

  it.each(['reflect', 'replicate', 'circular'] as const)(
    'pads in mode %s, on all four sides and for "same"',
    (mode) => {
      const x = image([1, 2, 5, 6]);
      const layer = new nn.Conv2d(2, 3, 3, { padding: [1, 2, 0, 1], stride: 2, paddingMode: mode });
      const expected = conv2d(pad(x, [1, 2, 0, 1], { mode }), layer.weight, layer.bias, { stride: 2 });
      expect(layer.forward(x).toArray()).toEqual(expected.toArray());
      const same = new nn.Conv2d(2, 3, [2, 4], { padding: 'same', paddingMode: mode });
      const padded = pad(x, [0, 1, 1, 2], { mode });
      expect(same.forward(x).toArray()).toEqual(conv2d(padded, same.weight, same.bias).toArray());
      expect(same.forward(x).shape).toEqual([1, 3, 5, 6]);
      // Padding with zeros is something else at the edge and the same inside.
      const zeroed = conv2d(x, same.weight, same.bias, { padding: 'same' });
      expect(same.forward(x).toArray()).not.toEqual(zeroed.toArray());
      expect(
        same
          .forward(x)
          .slice([null, null, [0, 4], [1, 4]])
          .toArray(),
      ).toEqual(zeroed.slice([null, null, [0, 4], [1, 4]]).toArray());
    },
  );

  it.each<[() => unknown, string]>([
    [() => new nn.Conv2d(0, 1, 1), 'Conv2d: inChannels must be an integer of at least 1, got 0'],
    [() => new nn.Conv2d(1, 1.5, 1), 'Conv2d: outChannels must be an integer of at least 1, got 1.5'],
    [
      () => new nn.Conv2d(3, 4, 1, { groups: 2 }),
      'Conv2d: 3 input and 4 output channels cannot be split into 2 groups',
    ],
    [() => new nn.Conv2d(1, 1, 0), 'Conv2d: kernelSize must be an integer of at least 1 or a pair of them, got 0'],
    [
      () => new nn.Conv2d(1, 1, 3, { stride: 0 }),
      'Conv2d: stride must be an integer of at least 1 or a pair of them, got 0',
    ],
    [
      () => new nn.Conv2d(1, 1, 3, { dilation: [1, 0] }),
      'Conv2d: dilation must be an integer of at least 1 or a pair of them, got [1,0]',
    ],
    [
      () => new nn.Conv2d(1, 1, 3, { padding: [0, 1, 2, -1] }),
      'Conv2d: padding must be integers of at least 0, got [0,1,2,-1]',
    ],
    [
      () => new nn.Conv2d(1, 1, 3, { padding: 'full' as never }),
      "Conv2d: padding must be a number, [height, width], [top, left, bottom, right], 'same' or 'valid', got \"full\"",
    ],
    [
      () => new nn.Conv2d(1, 1, 3, { paddingMode: 'mirror' as never }),
      "Conv2d: paddingMode must be 'zeros', 'reflect', 'replicate' or 'circular', got \"mirror\"",
    ],
  ])('%# refuses what it cannot be made of', (make, message) => {
    expect(failure(make)).toBe(`ArgumentError ERR_ARGUMENT ${message}`);
  });

  it('says what is wrong with its input', () => {
    const layer = new nn.Conv2d(8, 32, 3);
    expect(failure(() => layer.forward(zeros([1, 16, 28, 28])))).toBe(
      'ShapeError ERR_SHAPE conv2d: weight [32, 8, 3, 3] expects 8 input channels, x [1, 16, 28, 28] has 16',
    );
    expect(failure(() => layer.forward(zeros([1, 8, 2, 5])))).toBe(
      'ShapeError ERR_SHAPE conv2d: a window of 3×3 does not fit into the padded input of 2×5',
    );
    const reflecting = new nn.Conv2d(1, 1, 3, { padding: 2, paddingMode: 'reflect' });
    expect(failure(() => reflecting.forward(zeros([3])))).toBe(
      'ShapeError ERR_SHAPE Conv2d: x must be [n, channels, height, width], got [3]',
    );
    expect(failure(() => reflecting.forward(zeros([1, 1, 2, 4])))).toBe(
      "ShapeError ERR_SHAPE pad: mode 'reflect' can add at most 1 to a height of 2, got 2",
    );
  });
});

describe('Dropout', () => {
  it('zeroes the share it was told, scales the rest, and keeps the mean', () => {
    const layer = new nn.Dropout(0.3, { generator: new Generator(5) });
    const y = layer.forward(ones([40_000])).data;
    const dropped = y.filter((v) => v === 0).length;
    expect(new Set(y)).toEqual(new Set([0, Math.fround(1 / 0.7)]));
    // One standard error is √(0.3·0.7·40000) = 92; five are allowed.
    expect(Math.abs(dropped - 12_000)).toBeLessThan(460);
  });

  it('lets gradients through where values went through', () => {
    const x = tensor([1, 2, 3, 4, 5, 6, 7, 8], { requiresGrad: true });
    const y = new nn.Dropout(0.5, { generator: new Generator(1) }).forward(x);
    y.sum().backward();
    expect(x.grad?.toArray()).toEqual((y.toArray() as number[]).map((v, i) => v / (i + 1)));
    expect(new Set(x.grad?.data)).toEqual(new Set([0, 2]));
  });

  it('is decided by the seed, anew in every call', () => {
    const layer = new nn.Dropout();
    const draw = () => layer.forward(ones([64])).toArray();
    manualSeed(3);
    const [first, second] = [draw(), draw()];
    expect(first).not.toEqual(second);
    manualSeed(3);
    expect([draw(), draw()]).toEqual([first, second]);
  });

  it('does nothing in inference or with p = 0, everything with p = 1', () => {
    const x = ones([50]);
    expect(new nn.Dropout(0.9).eval().forward(x)).toBe(x);
    expect(new nn.Dropout(0).forward(x)).toBe(x);
    expect(new Set(new nn.Dropout(1).forward(x).data)).toEqual(new Set([0]));
    expect(failure(() => new nn.Dropout(1.5))).toBe('ArgumentError ERR_ARGUMENT Dropout: p must be in [0, 1], got 1.5');
    expect(failure(() => new nn.Dropout(Number.NaN))).toContain('p must be in [0, 1], got NaN');
  });
});

describe('layers without parameters', () => {
  const x = image([2, 3, 4, 6]);
  it.each<[string, nn.Module, Tensor]>([
    ['ReLU', new nn.ReLU(), ops.relu(x)],
    ['LeakyReLU', new nn.LeakyReLU(), ops.leakyRelu(x, 0.01)],
    ['LeakyReLU of another slope', new nn.LeakyReLU(0.2), ops.leakyRelu(x, 0.2)],
    ['ELU', new nn.ELU(0.5), ops.elu(x, 0.5)],
    ['GELU', new nn.GELU(), ops.gelu(x)],
    ['SiLU', new nn.SiLU(), ops.silu(x)],
    ['Softplus', new nn.Softplus(), ops.softplus(x)],
    ['Sigmoid', new nn.Sigmoid(), ops.sigmoid(x)],
    ['Tanh', new nn.Tanh(), ops.tanh(x)],
    ['Softmax', new nn.Softmax(), ops.softmax(x, 3)],
    ['Softmax of an axis', new nn.Softmax(1), ops.softmax(x, 1)],
    ['MaxPool2d', new nn.MaxPool2d(2), ops.maxPool2d(x, 2, { stride: 2 })],
    [
      'MaxPool2d with options',
      new nn.MaxPool2d([3, 2], { stride: 1, padding: [1, 0] }),
      ops.maxPool2d(x, [3, 2], { stride: 1, padding: [1, 0] }),
    ],
    ['AvgPool2d', new nn.AvgPool2d([2, 3]), ops.avgPool2d(x, [2, 3], { stride: [2, 3] })],
    [
      'AvgPool2d with options',
      new nn.AvgPool2d(3, { stride: 2, padding: 1, countIncludePad: false, ceilMode: true }),
      ops.avgPool2d(x, 3, { stride: 2, padding: 1, countIncludePad: false, ceilMode: true }),
    ],
    ['AdaptiveAvgPool2d', new nn.AdaptiveAvgPool2d([2, 1]), ops.adaptiveAvgPool2d(x, [2, 1])],
    ['Flatten', new nn.Flatten(), x.reshape([2, 72])],
    ['Flatten of some axes', new nn.Flatten(0, 2), x.reshape([24, 6])],
  ])('%s', (_, layer, expected) => {
    const y = layer.forward(x);
    expect([y.shape, y.toArray()]).toEqual([expected.shape, expected.toArray()]);
    expect(layer.parameters()).toEqual([]);
  });

  it('Linear multiplies by the transposed weight and adds the bias', () => {
    const layer = new nn.Linear(2, 3);
    layer.loadStateDict({ weight: tensor([[1, 2], [3, 4], [5, 6]]), bias: tensor([10, 20, 30]) }); // biome-ignore format: matrices
    expect(layer.forward(tensor([[1, -1]])).toArray()).toEqual([[9, 19, 29]]);
    expect(layer.forward(ones([2, 1, 2])).shape).toEqual([2, 1, 3]);
    expect(failure(() => layer.forward(ones([2, 3])))).toBe(
      'ShapeError ERR_SHAPE linear: weight [3, 2] expects 2 features, x [2, 3] has 3',
    );
    expect(failure(() => new nn.Linear(0, 3))).toBe(
      'ArgumentError ERR_ARGUMENT Linear: inFeatures must be an integer of at least 1, got 0',
    );
  });

  it('Sequential runs its layers in order and names them by position', () => {
    const net = new nn.Sequential(
      new nn.ReLU(),
      new nn.Linear(2, 2, { bias: false }),
      new nn.Sequential(new nn.Linear(2, 1)),
    );
    expect(Object.keys(net.stateDict())).toEqual(['1.weight', '2.0.weight', '2.0.bias']);
    net.loadStateDict({ '1.weight': tensor([[0, 1], [1, 0]]), '2.0.weight': tensor([[1, 10]]), '2.0.bias': tensor([100]) }); // biome-ignore format: matrices
    expect(net.forward(tensor([[2, -3]])).toArray()).toEqual([[120]]);
    expect(new nn.Sequential().forward(x)).toBe(x);
  });
});

describe('summary', () => {
  const lenet = () =>
    new nn.Sequential(
      new nn.Conv2d(1, 6, 5, { padding: 2 }),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Conv2d(6, 16, 5, { groups: 2 }),
      new nn.Flatten(),
      new nn.Linear(1600, 10),
    );

  it('counts parameters and multiply-adds, for any batch', () => {
    const { rows, parameters, multiplyAdds, denseParameters } = lenet().summary([1, 1, 28, 28]);
    expect(rows.map(({ name, layer }) => `${name} ${layer}`)).toEqual([
      '0 Conv2d',
      '1 ReLU',
      '2 MaxPool2d',
      '3 Conv2d',
      '4 Flatten',
      '5 Linear',
    ]);
    expect(rows.map(({ output }) => output)).toEqual([[1, 6, 28, 28], [1, 6, 28, 28], [1, 6, 14, 14], [1, 16, 10, 10], [1, 1600], [1, 10]]); // biome-ignore format: one line
    expect(rows.map((row) => row.parameters)).toEqual([6 * 25 + 6, 0, 0, 16 * 3 * 25 + 16, 0, 16010]);
    const first = 6 * 28 * 28 * 25;
    const second = 16 * 10 * 10 * 3 * 25;
    expect(rows.map((row) => row.multiplyAdds)).toEqual([first, 0, 0, second, 0, 16000]);
    expect([parameters, multiplyAdds]).toEqual([156 + 1216 + 16010, first + second + 16000]);
    // Both convolutions replaced by matrices from all inputs to all outputs, biases and the last layer as they are.
    expect(denseParameters).toBe(784 * 4704 + 1176 * 1600 + 6 + 16 + 16010);
    expect(lenet().summary([3, 1, 28, 28]).denseParameters).toBe(denseParameters);
    expect(lenet().summary([3, 1, 28, 28]).multiplyAdds).toBe(3 * multiplyAdds);
  });

  it('prints as a table', () => {
    const text = String(new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.ReLU()).summary([1, 1, 32, 32]));
    expect(text.split('\n')).toEqual([
      'layer          output          parameters  multiply-adds',
      '0      Conv2d  [1, 2, 30, 30]          20         16,200',
      '1      ReLU    [1, 2, 30, 30]           0              0',
      'total                                  20         16,200',
      'fully connected layers between the same activations would need 1,843,202 parameters',
    ]);
  });

  it('lists a layer once for every time it is used, and counts its parameters once', () => {
    const shared = new nn.Linear(2, 2);
    const relu = new nn.ReLU();
    const { rows, parameters } = new nn.Sequential(shared, relu, shared, relu).summary([1, 2]);
    expect(rows.map(({ name }) => name)).toEqual(['0', '1', '0', '1']);
    expect(parameters).toBe(6);
  });

  it('leaves the module as it was', () => {
    class Own extends nn.Module {
      override readonly forward = (x: Image) => x.mul(2);
    }
    const own = new Own();
    const { forward } = own;
    const net = new nn.Sequential(own, new nn.BatchNorm2d(1), new nn.Dropout().eval());
    net.summary([2, 1, 2, 2]);
    expect(own.forward).toBe(forward);
    expect(Object.hasOwn(net.layers[1], 'forward')).toBe(false);
    expect(net.modules().map(([, module]) => module.training)).toEqual([true, true, true, false]);
    expect(net.stateDict()['1.num_batches_tracked'].item()).toBe(0);
    expect(() => net.summary([1, 2, 2, 2])).toThrow('batchNorm');
    expect(own.forward).toBe(forward);
    expect(net.modules().map(([, module]) => module.training)).toEqual([true, true, true, false]);
  });
});
