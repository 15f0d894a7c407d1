import { readFileSync } from 'node:fs';
import * as convforge from '../../lib/index.js';
import { type FloatDType, type Tensor, tensor } from '../../lib/index.js';

/** A tensor as the golden files hold it. */
export interface Stored {
  shape: number[];
  data: number[];
}

export type StoredTensors = Record<string, Stored>;
export type Tensors = Record<string, Tensor>;

/** An operation, what it was given, and PyTorch's output and gradients (make_golden.py writes these). */
export interface Case {
  name: string;
  op: string;
  options: Record<string, unknown>;
  inputs: StoredTensors;
  /** Gradient of the output, from which those of the inputs follow. */
  dy: Stored;
  output: Stored;
  gradients: StoredTensors;
  /** Labels of a cross-entropy. */
  labels?: Stored;
  /** Positions of the winners of a max pooling. */
  indices?: Stored;
  /** Positions that an operation is given. */
  positions?: Stored;
}

export function readGolden<C = Case>(name: string): C[] {
  const text = readFileSync(new URL(`${name}.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as { cases: C[] }).cases;
}

/** Inputs are float32 numbers, of which nine digits are enough to restore every bit, in float64 too. */
export function restore(stored: Stored, dtype: FloatDType, requiresGrad = false): Tensor {
  return tensor(stored.data.map(Math.fround), stored.shape, { dtype, requiresGrad });
}

export function restoreAll(stored: StoredTensors, dtype: FloatDType, requiresGrad = false): Tensors {
  return Object.fromEntries(Object.entries(stored).map(([name, each]) => [name, restore(each, dtype, requiresGrad)]));
}

type Run = (inputs: Tensors, c: Case) => Tensor;

/** Calls of convforge's operations; options have its names in the golden files. */
export const OPERATIONS: Record<string, Run> = {
  conv2d: ({ x, weight, bias }, { options }) => convforge.conv2d(x, weight, bias, options),
  maxPool2d: ({ x }, c) => convforge.maxPool2d(x, kernelOf(c), c.options),
  avgPool2d: ({ x }, c) => convforge.avgPool2d(x, kernelOf(c), c.options),
  adaptiveAvgPool2d: ({ x }, { options }) => convforge.adaptiveAvgPool2d(x, options.outputSize as convforge.Pair),
  crossEntropy: ({ logits }, { options, labels }) =>
    convforge.crossEntropy(logits, tensor(labels?.data ?? [], labels?.shape, { dtype: 'int64' }), options),
  mse: ({ prediction, target }, { options }) => convforge.mse(prediction, target, options),
  relu: ({ x }) => convforge.relu(x),
  leakyRelu: ({ x }, { options }) => convforge.leakyRelu(x, options.negativeSlope as number | undefined),
  elu: ({ x }, { options }) => convforge.elu(x, options.alpha as number | undefined),
  gelu: ({ x }) => convforge.gelu(x),
  silu: ({ x }) => convforge.silu(x),
  softplus: ({ x }) => convforge.softplus(x),
  sigmoid: ({ x }) => convforge.sigmoid(x),
  tanh: ({ x }) => convforge.tanh(x),
  softmax: ({ x }, { options }) => convforge.softmax(x, options.axis as number),
  logSoftmax: ({ x }, { options }) => convforge.logSoftmax(x, options.axis as number),
  pad: ({ x }, { options }) => convforge.pad(x, options.padding as convforge.PadWidths, options),
  matmul: ({ a, b }) => convforge.matmul(a, b),
  linear: ({ x, weight, bias }) => convforge.linear(x, weight, bias),
  interpolate: ({ x }, { options }) => convforge.interpolate(x, options),
  convTranspose2d: ({ x, weight, bias }, { options }) => convforge.convTranspose2d(x, weight, bias, options),
  pixelShuffle: ({ x }, { options }) => convforge.pixelShuffle(x, options.factor as number),
  pixelUnshuffle: ({ x }, { options }) => convforge.pixelUnshuffle(x, options.factor as number),
  layerNorm: ({ x, weight, bias }, { options }) =>
    convforge.layerNorm(x, options.normalizedShape as number[], weight, bias, options),
  groupNorm: ({ x, weight, bias }, { options }) =>
    convforge.groupNorm(x, options.groups as number, weight, bias, options),
  instanceNorm: ({ x, weight, bias }) => convforge.instanceNorm(x, weight, bias),
  localResponseNorm: ({ x }, { options }) => convforge.localResponseNorm(x, options.size as number, options),
  hardSigmoid: ({ x }) => convforge.hardSigmoid(x),
  hardSwish: ({ x }) => convforge.hardSwish(x),
  mish: ({ x }) => convforge.mish(x),
  selu: ({ x }) => convforge.selu(x),
  softsign: ({ x }) => convforge.softsign(x),
  prelu: ({ x, slope }) => convforge.prelu(x, slope.reshape([slope.size, 1, 1])),
  mod: ({ a, b }) => convforge.mod(a, b),
  fmod: ({ a, b }) => convforge.fmod(a, b),
  logSumExp: ({ x }, c) => convforge.logSumExp(x, axisOf(c)),
  prod: ({ x }, c) => convforge.prod(x, axisOf(c)),
  cumSum: ({ x }, c) => convforge.cumSum(x, axisOf(c)),
  norm: ({ x }, c) => convforge.norm(x, axisOf(c)),
  indexSelect: ({ x }, c) => convforge.indexSelect(x, axisOf(c), positionsOf(c)),
  gather: ({ x }, c) => convforge.gather(x, axisOf(c), positionsOf(c)),
  scatter: ({ x, updates }, c) => convforge.scatter(x, axisOf(c), positionsOf(c), updates, c.options),
  gatherNd: ({ x }, c) => convforge.gatherNd(x, positionsOf(c)),
  scatterNd: ({ x, updates }, c) => convforge.scatterNd(x, positionsOf(c), updates, c.options),
  topK: ({ x }, { options }) => convforge.topK(x, options.k as number, options)[0],
  flip: ({ x }, { options }) => convforge.flip(x, options.axes as number[]),
  tile: ({ x }, { options }) => convforge.tile(x, options.repeats as number[]),
  tril: ({ x }, { options }) => convforge.tril(x, options.diagonal as number),
  triu: ({ x }, { options }) => convforge.triu(x, options.diagonal as number),
};

const axisOf = ({ options }: Case) => options.axis as number;
const positionsOf = ({ positions }: Case) => tensor(positions?.data ?? [], positions?.shape, { dtype: 'int32' });

export function kernelOf({ options }: Case): convforge.Pair {
  return options.kernelSize as convforge.Pair;
}
