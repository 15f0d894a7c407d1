import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  Adam,
  AdamW,
  type BackendName,
  backendInfo,
  batchNorm,
  conv2d,
  crossEntropy,
  type FloatDType,
  grad,
  linear,
  maxPool2d,
  maxPool2dWithIndices,
  nn,
  relu,
  SGD,
  setBackend,
  silu,
  softplus,
  type Tensor,
  tensor,
  zeros,
} from '../lib/index.js';
import { noNative } from './conformance/backends.js';
import { boundsOf, type NormalisedCase, ofBatchNorm, type Statistics, statisticsOf } from './golden/bounds.js';
import {
  kernelOf,
  OPERATIONS,
  readGolden,
  restore,
  restoreAll,
  type Stored,
  type StoredTensors,
  type Tensors,
} from './golden/cases.js';
import { mismatches, strayBound, U } from './golden/compare.js';

const gradientsOf = (leaves: Tensors) =>
  Object.fromEntries(Object.entries(leaves).map(([name, leaf]) => [name, leaf.grad]));

const before = backendInfo().backend;

interface Run {
  name: string;
  backend: BackendName;
  dtype: FloatDType;
  skipped?: string;
}

// biome-ignore format: a list
const GROUPS = [
  'conv2d', 'pool', 'pad', 'matmul', 'activation', 'loss', // make_golden.py
  'resize', 'transposed', 'norm', 'function', 'indexing', // make_golden_layers.py
];

const RUNS: Run[] = [
  { name: 'float64', backend: 'typescript', dtype: 'float64' },
  { name: 'float32 on TypeScript', backend: 'typescript', dtype: 'float32' },
  { name: 'float32 on native', backend: 'native', dtype: 'float32', skipped: noNative },
];

for (const { name, backend, dtype, skipped } of RUNS) {
  const u = U[dtype];
  const title = `${name}${skipped ? ` (skipped: ${skipped})` : ''}`;
  describe.skipIf(skipped)(`${title} agrees with PyTorch in`, () => {
    beforeAll(() => setBackend(backend));
    afterAll(() => setBackend(before));

    for (const group of GROUPS) {
      for (const c of readGolden(group)) {
        it(`${c.op}: ${c.name}`, () => {
          const inputs = restoreAll(c.inputs, dtype, true);
          const output = OPERATIONS[c.op](inputs, c);
          output.backward(restore(c.dy, dtype));
          const bounds = boundsOf(c);
          const problems = [
            ...mismatches({ output }, { output: c.output }, (_, i) => u * bounds.output[i]),
            ...mismatches(gradientsOf(inputs), c.gradients, (key, i) => u * bounds.gradients[key][i]),
          ];
          expect(problems).toEqual([]);
          if (!c.indices) return;
          const [, indices] = maxPool2dWithIndices(inputs.x, kernelOf(c), c.options);
          expect(Array.from(indices.data)).toEqual(c.indices.data);
        });
      }
    }

    for (const c of readGolden<BatchNormCase>('batchnorm')) {
      it(`batchNorm: ${c.name}`, () => testBatchNorm(c, dtype));
    }

    describe('20 steps of', () => {
      const [setting, ...cases] = readGolden<Setting & OptimizerCase>('optimizer');
      for (const c of cases) it(c.name, () => testOptimizer(c, setting, dtype));
    });

    for (const c of readGolden<SecondOrderCase>('secondorder')) {
      it(`the second derivative of softplus(conv2d): ${c.name}`, () => testSecondOrder(c, dtype));
    }
  });
}

interface BatchNormCase {
  name: string;
  options: { eps: number; momentum: number; affine: boolean };
  parameters: StoredTensors;
  batches: Stored[];
  training: NormalisedCase;
  state: StoredTensors;
  inference: NormalisedCase;
}

/** In float32 the layer, in float64, which layers do not have, the operation it is made of. */
function batchNormLayer(c: BatchNormCase, dtype: FloatDType) {
  const { eps, momentum, affine } = c.options;
  const channels = c.state.running_mean.data.length;
  if (dtype === 'float32') {
    const layer = new nn.BatchNorm2d(channels, { eps, momentum, affine });
    const report = layer.loadStateDict(restoreAll(c.parameters, dtype), { strict: false });
    expect(report.unexpected).toEqual([]);
    return {
      leaves: Object.fromEntries(layer.namedParameters()) as Tensors,
      state: (): Tensors => layer.stateDict(),
      forward: (x: Tensor, training: boolean) => layer.train(training).forward(x as Tensor<'float32'>) as Tensor,
    };
  }
  const leaves = restoreAll(c.parameters, dtype, true);
  const runningMean = zeros([channels], { dtype }) as Tensor;
  const runningVar = tensor(Array<number>(channels).fill(1), undefined, { dtype }) as Tensor;
  return {
    leaves,
    state: (): Tensors => ({ ...leaves, running_mean: runningMean, running_var: runningVar }),
    forward: (x: Tensor, training: boolean) =>
      batchNorm(x, leaves.weight, leaves.bias, { training, runningMean, runningVar, momentum, eps }),
  };
}

function testBatchNorm(c: BatchNormCase, dtype: FloatDType): void {
  const u = U[dtype];
  const { eps, momentum } = c.options;
  const layer = batchNormLayer(c, dtype);
  const problems: string[] = [];
  const compare = (part: NormalisedCase, statistics: Statistics, training: boolean) => {
    for (const leaf of Object.values(layer.leaves)) leaf.grad = null;
    const x = restore(part.x, dtype, true);
    const output = layer.forward(x, training);
    output.backward(restore(part.dy, dtype));
    const bounds = ofBatchNorm(part, statistics, c.parameters.weight?.data, eps, training);
    const found = [
      ...mismatches({ output }, { output: part.output }, (_, i) => u * bounds.output[i]),
      ...mismatches(gradientsOf({ x, ...layer.leaves }), part.gradients, (key, i) => u * bounds.gradients[key][i]),
    ];
    problems.push(...found.map((problem) => `${training ? 'training' : 'inference'}: ${problem}`));
  };

  for (const batch of c.batches) layer.forward(restore(batch, dtype), true);
  compare(c.training, statisticsOf(c.training.x), true);

  const { num_batches_tracked: tracked, running_mean: mean, running_var: variance } = c.state;
  const seen = [...c.batches, c.training.x].map(statisticsOf);
  // Statistics enter with the momentum and lose it with every batch after. Twice: an update rounds too, and the unbiased
  // variance is at most two times the biased one.
  const accumulated = (name: 'meanError' | 'varianceError') => (_: number, i: number) =>
    seen.reduce((error, each) => (1 - momentum) * error + 2 * momentum * each[name][i], 0);
  const running: Statistics = {
    mean: mean.data,
    variance: variance.data,
    meanError: mean.data.map(accumulated('meanError')).map((error, i) => error + Math.abs(mean.data[i])),
    varianceError: variance.data.map(accumulated('varianceError')).map((error, i) => error + variance.data[i]),
  };
  const state = { running_mean: mean, running_var: variance };
  const errors = { running_mean: running.meanError, running_var: running.varianceError };
  problems.push(...mismatches(layer.state(), state, (name, i) => u * errors[name as keyof typeof errors][i]));
  if (dtype === 'float32') expect(layer.state().num_batches_tracked.item()).toBe(tracked.data[0]);

  compare(c.inference, running, false);
  expect(problems).toEqual([]);
}

interface Setting {
  state: StoredTensors;
  x: Stored;
  labels: Stored;
}

interface OptimizerCase {
  name: string;
  op: 'SGD' | 'Adam' | 'AdamW';
  options: { lr: number };
  checkpoints: { step: number; state: StoredTensors; float32Strays: Record<string, number> }[];
}

/** The network of make_golden.py. */
class SmallCnn extends nn.Module {
  readonly conv1 = new nn.Conv2d(2, 6, 3, { padding: 1, bias: false });
  readonly bn1 = new nn.BatchNorm2d(6);
  readonly conv2 = new nn.Conv2d(6, 6, 3, { stride: 2, padding: 1, groups: 2 });
  readonly fc = new nn.Linear(24, 3);

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    const features = maxPool2d(relu(this.bn1.forward(this.conv1.forward(x))), 2);
    return this.fc.forward(silu(this.conv2.forward(features)).flatten(1));
  }
}

interface Trainable {
  parameters: Tensor[];
  state: () => Tensors;
  forward: (x: Tensor) => Tensor;
}

/** In float32 the network of layers, loaded by PyTorch's names; in float64, which layers do not have, the same in ops. */
function smallCnn(state: StoredTensors, dtype: FloatDType): Trainable {
  const tensors = restoreAll(state, dtype);
  if (dtype === 'float32') {
    const net = new SmallCnn();
    net.loadStateDict({ ...tensors, 'bn1.num_batches_tracked': tensors['bn1.num_batches_tracked'].to('int64') });
    return { parameters: net.parameters(), state: () => net.stateDict(), forward: (x) => net.forward(x.to('float32')) };
  }
  const { 'bn1.running_mean': runningMean, 'bn1.running_var': runningVar, ...rest } = tensors;
  const { 'bn1.num_batches_tracked': tracked, ...parameters } = rest;
  for (const parameter of Object.values(parameters)) parameter.requiresGrad = true;
  const forward = (x: Tensor) => {
    tracked.data[0]++;
    const convolved = conv2d(x, parameters['conv1.weight'], null, { padding: 1 });
    const options = { training: true, runningMean, runningVar };
    const features = maxPool2d(
      relu(batchNorm(convolved, parameters['bn1.weight'], parameters['bn1.bias'], options)),
      2,
    );
    const conv2 = { stride: 2, padding: 1, groups: 2 };
    const deeper = silu(conv2d(features, parameters['conv2.weight'], parameters['conv2.bias'], conv2));
    return linear(deeper.flatten(1), parameters['fc.weight'], parameters['fc.bias']);
  };
  return { parameters: Object.values(parameters), state: () => tensors, forward };
}

function testOptimizer(c: OptimizerCase, setting: Setting, dtype: FloatDType): void {
  const net = smallCnn(setting.state, dtype);
  const optimizers = {
    SGD: () => new SGD(net.parameters, c.options),
    Adam: () => new Adam(net.parameters, c.options),
    AdamW: () => new AdamW(net.parameters, c.options),
  };
  const optimizer = optimizers[c.op]();
  const x = restore(setting.x, dtype);
  const labels = tensor(setting.labels.data, undefined, { dtype: 'int64' });
  const problems: string[] = [];
  let step = 0;
  for (const checkpoint of c.checkpoints) {
    for (; step < checkpoint.step; step++) {
      optimizer.zeroGrad();
      crossEntropy(net.forward(x), labels).backward();
      optimizer.step();
    }
    const bound = (name: string) => strayBound(checkpoint.state[name], checkpoint.float32Strays[name], dtype);
    const found = mismatches(net.state(), checkpoint.state, bound);
    problems.push(...found.map((problem) => `after step ${step}: ${problem}`));
  }
  expect(problems).toEqual([]);
}

interface SecondOrderCase {
  name: string;
  options: Record<string, unknown>;
  inputs: StoredTensors;
  directions: StoredTensors;
  gradients: StoredTensors;
  float32Strays: Record<string, number>;
}

function testSecondOrder(c: SecondOrderCase, dtype: FloatDType): void {
  const inputs = restoreAll(c.inputs, dtype, true);
  const directions = Object.values(restoreAll(c.directions, dtype));
  const { x, weight, bias, dy } = inputs;
  const y = softplus(conv2d(x, weight, bias, c.options));
  const first = grad([y], [x, weight, bias], { gradOutputs: [dy], createGraph: true });
  const dots = first.map((gradient, i) => (gradient as Tensor).mul(directions[i]).sum());
  dots.reduce((sum, dot) => sum.add(dot)).backward();
  const bound = (name: string) => strayBound(c.gradients[name], c.float32Strays[name], dtype);
  expect(mismatches(gradientsOf(inputs), c.gradients, bound)).toEqual([]);
}
