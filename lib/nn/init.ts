import { ArgumentError, check } from '../errors.js';
import { defaultGenerator, type Generator } from '../random.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';

/** Which side of a layer keeps its variance: inputs (forward pass) or outputs (backward pass). */
export type FanMode = 'fanIn' | 'fanOut';
/** What follows the layer; decides the gain. */
export type Nonlinearity = 'linear' | 'relu' | 'leakyRelu' | 'tanh' | 'sigmoid' | 'selu';

/** Options of Kaiming initialisation. */
export interface KaimingOptions {
  /** Default 'fanIn'. */
  mode?: FanMode;
  /** Default 'leakyRelu'. */
  nonlinearity?: Nonlinearity;
  /** Negative slope of the leaky ReLU. Default 0. */
  a?: number;
  generator?: Generator;
}

/** Options of Xavier initialisation. */
export interface XavierOptions {
  /** Default 1. */
  gain?: number;
  generator?: Generator;
}

/**
 * What weights are to be multiplied by, because a nonlinearity shrinks the standard deviation of its input (PyTorch's table).
 * `a`: negative slope of the leaky ReLU, default 0.01.
 *
 * @throws ArgumentError for a nonlinearity that is not in the table
 * @example
 * nn.init.calculateGain('tanh') * 3; // 5
 */
export function calculateGain(nonlinearity: Nonlinearity, a = 0.01): number {
  switch (nonlinearity) {
    case 'relu':
      return Math.SQRT2;
    case 'leakyRelu':
      return Math.sqrt(2 / (1 + a * a));
    case 'tanh':
      return 5 / 3;
    case 'selu':
      return 3 / 4;
    case 'linear':
    case 'sigmoid':
      return 1;
    default:
      throw new ArgumentError(`calculateGain: unknown nonlinearity ${JSON.stringify(nonlinearity)}`);
  }
}

/**
 * Inputs and outputs of one unit: weight [out, in, …] with a receptive field of the remaining axes.
 *
 * @throws ShapeError for a weight of less than two axes
 * @example
 * nn.init.fans(zeros([8, 3, 5, 5])).fanIn; // 75
 */
export function fans(weight: Tensor): { fanIn: number; fanOut: number } {
  check(weight.rank >= 2, 'fans', () => `needs a weight of at least two axes, got ${formatShape(weight.shape)}`);
  const [out, into, ...field] = weight.shape;
  const receptive = field.reduce((product, extent) => product * extent, 1);
  return { fanIn: into * receptive, fanOut: out * receptive };
}

/**
 * Fills with numbers uniform in [low, high), default [0, 1), in place.
 *
 * @example
 * nn.init.uniform(zeros([2]), -0.5, 0.5).shape; // [2]
 */
export function uniform<T extends Tensor>(tensor: T, low = 0, high = 1, generator: Generator = defaultGenerator): T {
  return fill(tensor, () => generator.uniform(low, high));
}

/**
 * Fills with normally distributed numbers, by default of mean 0 and standard deviation 1, in place.
 *
 * @example
 * nn.init.normal(zeros([2]), 5, 0).toArray(); // [5, 5]
 */
export function normal<T extends Tensor>(
  tensor: T,
  mean = 0,
  deviation = 1,
  generator: Generator = defaultGenerator,
): T {
  return fill(tensor, () => generator.normal(mean, deviation));
}

/**
 * Fills with one value, in place.
 *
 * @example
 * nn.init.constant(zeros([2]), 3).toArray(); // [3, 3]
 */
export function constant<T extends Tensor>(tensor: T, value: number): T {
  return fill(tensor, () => value);
}

/**
 * Fills a weight in place with numbers uniform in ±gain·√(3 / fan), which keeps the variance of activations through
 * rectified layers (He et al. 2015).
 *
 * @throws ShapeError for a weight of less than two axes; ArgumentError for an unknown mode or nonlinearity
 * @example
 * nn.init.kaimingUniform(zeros([4, 3])).shape; // [4, 3]
 */
export function kaimingUniform<T extends Tensor>(weight: T, options: KaimingOptions = {}): T {
  const bound = Math.sqrt(3) * kaimingDeviation(weight, options);
  return uniform(weight, -bound, bound, options.generator);
}

/**
 * Fills a weight in place with normal numbers of standard deviation gain / √fan (He et al. 2015).
 *
 * @throws ShapeError for a weight of less than two axes; ArgumentError for an unknown mode or nonlinearity
 * @example
 * nn.init.kaimingNormal(zeros([8, 3, 3, 3]), { mode: 'fanOut', nonlinearity: 'relu' }).shape; // [8, 3, 3, 3]
 */
export function kaimingNormal<T extends Tensor>(weight: T, options: KaimingOptions = {}): T {
  return normal(weight, 0, kaimingDeviation(weight, options), options.generator);
}

/**
 * Fills a weight in place with numbers uniform in ±gain·√(6 / (fanIn + fanOut)) (Glorot and Bengio 2010).
 *
 * @throws ShapeError for a weight of less than two axes
 * @example
 * nn.init.xavierUniform(zeros([4, 3])).shape; // [4, 3]
 */
export function xavierUniform<T extends Tensor>(weight: T, options: XavierOptions = {}): T {
  const bound = Math.sqrt(3) * xavierDeviation(weight, options);
  return uniform(weight, -bound, bound, options.generator);
}

/**
 * Fills a weight in place with normal numbers of standard deviation gain·√(2 / (fanIn + fanOut)) (Glorot and Bengio 2010).
 *
 * @throws ShapeError for a weight of less than two axes
 * @example
 * nn.init.xavierNormal(zeros([4, 3]), { gain: nn.init.calculateGain('tanh') }).shape; // [4, 3]
 */
export function xavierNormal<T extends Tensor>(weight: T, options: XavierOptions = {}): T {
  return normal(weight, 0, xavierDeviation(weight, options), options.generator);
}

function kaimingDeviation(
  weight: Tensor,
  { mode = 'fanIn', nonlinearity = 'leakyRelu', a = 0 }: KaimingOptions,
): number {
  check(
    mode === 'fanIn' || mode === 'fanOut',
    'kaiming',
    () => `mode must be 'fanIn' or 'fanOut', got ${JSON.stringify(mode)}`,
    ArgumentError,
  );
  return calculateGain(nonlinearity, a) / Math.sqrt(fans(weight)[mode]);
}

function xavierDeviation(weight: Tensor, { gain = 1 }: XavierOptions): number {
  const { fanIn, fanOut } = fans(weight);
  return gain * Math.sqrt(2 / (fanIn + fanOut));
}

let isSkipped = false;

/**
 * Runs `build`, synchronous, with tensors left as they were made instead of being filled: modules whose weights are loaded
 * next are there at once.
 *
 * @example
 * nn.init.skip(() => new nn.Linear(1, 1)).weight.item(); // 0
 */
export function skip<T>(build: () => T): T {
  const before = isSkipped;
  isSkipped = true;
  try {
    return build();
  } finally {
    isSkipped = before;
  }
}

function fill<T extends Tensor>(tensor: T, next: () => number): T {
  if (isSkipped) return tensor;
  const values = tensor.storage.values as Float32Array;
  for (let i = 0; i < values.length; i++) values[i] = next();
  tensor.storage.version++;
  return tensor;
}
