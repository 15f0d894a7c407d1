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
};

export function kernelOf({ options }: Case): convforge.Pair {
  return options.kernelSize as convforge.Pair;
}
