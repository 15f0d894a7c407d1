import { describe, expect, it } from 'vitest';
import { crossEntropy, manualSeed, nn, randn, SGD, type Tensor, tensor, zeros } from '../../lib/index.js';
import { evaluate, exportOnnx, readModel, toModule } from '../../lib/onnx/index.js';
import { emptyTensor } from '../../lib/onnx/proto/decode.js';
import { bytesOf, FLOAT16, floats, INT64, int64s, node, raw, smallNet, value } from './models.js';

function network(): nn.Module {
  manualSeed(11);
  return new nn.Sequential(
    new nn.Conv2d(2, 4, 3, { padding: 1 }),
    new nn.BatchNorm2d(4),
    new nn.ReLU(),
    new nn.Dropout(0),
    new nn.AdaptiveAvgPool2d(1),
    new nn.Flatten(),
    new nn.Linear(4, 3),
  );
}

const x = () => randn([6, 2, 5, 5]);
const close = (actual: Tensor, expected: Tensor, digits = 6) => {
  expect(actual.shape).toEqual(expected.shape);
  const [have, want] = [actual.data, expected.data] as ArrayLike<number>[];
  for (let i = 0; i < want.length; i++) expect(have[i]).toBeCloseTo(want[i], digits);
};

describe('toModule', () => {
  it('gives the module whose export it reads: weights, names, answers', () => {
    const net = network().eval();
    const imported = toModule(exportOnnx(net, x()));
    const names = Object.keys(net.stateDict()).filter((name) => !name.endsWith('num_batches_tracked'));
    expect(Object.keys(imported.stateDict()).sort()).toEqual(names.sort());
    expect(
      imported
        .namedParameters()
        .map(([name]) => name)
        .sort(),
    ).toEqual(
      net
        .namedParameters()
        .map(([name]) => name)
        .sort(),
    );
    const feed = x();
    close(imported.eval().forward(feed), net.forward(feed));
    expect(imported.inputs.map(({ name }) => name)).toEqual(['input']);
    expect(imported.outputs.map(({ name }) => name)).toEqual(['output']);
  });

  it('trains as the original does, step by step', () => {
    const net = network();
    const imported = toModule(exportOnnx(net, x()));
    const labels = tensor(Int32Array.of(0, 1, 2, 0, 1, 2));
    const optimizers = [net, imported].map((each) => new SGD(each.parameters(), { lr: 0.1, momentum: 0.9 }));
    for (let step = 0; step < 4; step++) {
      const feed = x();
      const losses = [net, imported].map((each, i) => {
        const loss = crossEntropy(each.train().forward(feed) as Tensor<'float32'>, labels);
        optimizers[i].zeroGrad();
        loss.backward();
        optimizers[i].step();
        return loss.item();
      });
      expect(losses[1]).toBeCloseTo(losses[0], 5);
    }
    const [own, theirs] = [imported.stateDict(), net.stateDict()];
    for (const name of Object.keys(own)) close(own[name], theirs[name], 5);
    expect(own['1.running_mean'].toArray()).not.toEqual([0, 0, 0, 0]);
    const feed = x();
    close(imported.eval().forward(feed), net.eval().forward(feed), 5);
  });

  it('is exported again after training, with what it has learned', () => {
    const imported = toModule(exportOnnx(network(), x()));
    for (const parameter of imported.parameters()) parameter.data.fill(0.25);
    const again = readModel(exportOnnx(imported, x()));
    const feed = x();
    const result = evaluate(again, new Map([['input', feed]])).get('output') as Tensor;
    close(result, imported.eval().forward(feed));
    expect(again.initializers.get('0.weight')?.shape).toEqual([4, 2, 3, 3]);
  });

  it('leaves numbers in formulas, and integers, alone', () => {
    const initializers = [
      floats('Weight::W', [2, 2], [1, 2, 3, 4]),
      floats('weight__w', [2], [5, 6]),
      floats('training', [2], [1, 1]),
      floats('six', [], [6]),
      floats('three', [1], [3]),
      int64s('shape', [-1, 2]),
    ];
    const nodes = [
      node('MatMul', ['x', 'Weight::W'], ['a']),
      node('Add', ['a', 'weight__w'], ['b']),
      node('Div', ['b', 'six'], ['c']),
      node('Add', ['c', 'three'], ['d']),
      node('Mul', ['d', 'training'], ['e']),
      node('Reshape', ['e', 'shape'], ['y']),
    ];
    const inputs = [value('x', ['n', 2])];
    const net = toModule(bytesOf({ inputs, outputs: [value('y', null)], initializers, nodes }));
    expect(Object.keys(net.stateDict())).toEqual(['weight__w', 'weight__w_1', 'training_1']);
    expect(net.training).toBe(true);
    expect(net.forward(tensor([[1, 0]])).toArray()).toEqual([[4, 13 / 3].map(Math.fround)]);
  });

  it('finds weights behind conversions and in nodes, and widens them', () => {
    const half = { ...emptyTensor(), dataType: FLOAT16, dims: [2, 1], raw: raw(Uint16Array.of(0x3c00, 0x4000)) };
    const nodes = [
      node('Cast', ['w'], ['wide'], { to: 1 }),
      node('Transpose', ['wide'], ['turned']),
      node('Constant', [], ['v'], { value: floats('', [2, 1], [3, 4]) }),
      node('MatMul', ['turned', 'v'], ['product']),
      node('Add', ['x', 'product'], ['y']),
    ];
    const text = {
      inputs: [value('x', [1])],
      outputs: [value('y', null)],
      initializers: [{ ...half, name: 'w' }],
      nodes,
    };
    const net = toModule(bytesOf(text));
    expect(net.namedParameters().map(([name]) => name)).toEqual(['w', 'v']);
    const y = net.forward(tensor([1]));
    expect(y.toArray()).toEqual([[12]]);
    y.backward();
    expect(net.parameters().map(({ grad }) => grad?.toArray())).toEqual([
      [[3], [4]],
      [[1], [2]],
    ]);
  });

  it('gives all outputs, and takes integers of 64 bits', () => {
    const net = toModule(bytesOf(smallNet())).eval();
    expect([...net.forwardAll(zeros([1, 2, 6, 6])).keys()]).toEqual(['y', 'best']);
    const nodes = [node('Gather', ['table', 'x'], ['y'])];
    const initializers = [floats('table', [3], [10, 20, 30])];
    const bytes = bytesOf({ inputs: [value('x', ['n'], INT64)], outputs: [value('y', null)], initializers, nodes });
    expect(
      toModule(bytes)
        .forward(tensor(BigInt64Array.of(2n, 0n)))
        .toArray(),
    ).toEqual([30, 10]);
  });

  it('says what it needs', () => {
    const net = toModule(bytesOf(smallNet()));
    expect(() => net.forward()).toThrow('OnnxModule: the model has 1 inputs (x), got 0');
    expect(() => net.forward(tensor(Int32Array.of(1)))).toThrow("OnnxModule: input 'x' is float32, got int32");
    expect(() => toModule(new Uint8Array(3))).toThrow('readModel: ');
  });
});
