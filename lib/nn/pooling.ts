import { type Pair, pair, type WindowOptions, whole, window2d } from '../geometry.js';
import { adaptiveAvgPool2d } from '../ops/adaptiveavgpool2d.js';
import { adaptiveMaxPool2d } from '../ops/adaptivemaxpool2d.js';
import { type AvgPool1dOptions, avgPool1d } from '../ops/avgpool1d.js';
import { type AvgPool2dOptions, avgPool2d } from '../ops/avgpool2d.js';
import { maxPool1d, type Pool1dOptions } from '../ops/maxpool1d.js';
import { maxPool2d } from '../ops/maxpool2d.js';
import type { Pool2dOptions } from '../ops/pool2d.js';
import { asWindow2d, type Window1dOptions } from '../ops/sequence.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';

/** Throws for a kernel or options out of range; any kernel fits into an image of this size. */
function checkWindow2d(layer: string, kernelSize: Pair, options: WindowOptions): void {
  window2d(layer, [2 ** 31, 2 ** 31], pair(layer, 'kernelSize', kernelSize, 1), options);
}

function checkWindow1d(layer: string, kernelSize: number, options: Window1dOptions): void {
  asWindow2d(layer, options, kernelSize, whole(layer, 'kernelSize', kernelSize, 1), kernelSize);
}

/**
 * Largest value in each window; see {@link maxPool2d}.
 *
 * @throws ArgumentError for a kernel or options out of range
 * @example
 * new nn.MaxPool2d(2).forward(zeros([1, 1, 4, 4])).shape; // [1, 1, 2, 2]
 */
export class MaxPool2d extends Module {
  readonly kernelSize: Pair;
  readonly options: Readonly<Pool2dOptions>;

  constructor(kernelSize: Pair, options: Pool2dOptions = {}) {
    super();
    checkWindow2d('MaxPool2d', kernelSize, options);
    this.kernelSize = kernelSize;
    this.options = options;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return maxPool2d(x, this.kernelSize, this.options);
  }
}

/**
 * Mean of each window; see {@link avgPool2d}.
 *
 * @throws ArgumentError for a kernel or options out of range
 * @example
 * new nn.AvgPool2d(2).forward(zeros([1, 1, 4, 4])).shape; // [1, 1, 2, 2]
 */
export class AvgPool2d extends Module {
  readonly kernelSize: Pair;
  readonly options: Readonly<AvgPool2dOptions>;

  constructor(kernelSize: Pair, options: AvgPool2dOptions = {}) {
    super();
    checkWindow2d('AvgPool2d', kernelSize, options);
    this.kernelSize = kernelSize;
    this.options = options;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return avgPool2d(x, this.kernelSize, this.options);
  }
}

/**
 * Means over windows that tile the input into a given output size; see {@link adaptiveAvgPool2d}.
 *
 * @throws ArgumentError for a size below 1
 * @example
 * new nn.AdaptiveAvgPool2d(1).forward(zeros([1, 3, 7, 5])).shape; // [1, 3, 1, 1]
 */
export class AdaptiveAvgPool2d extends Module {
  readonly outputSize: Pair;

  constructor(outputSize: Pair) {
    super();
    this.outputSize = pair('AdaptiveAvgPool2d', 'outputSize', outputSize, 1);
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}

/**
 * Maxima over windows that tile the input into a given output size; see {@link adaptiveMaxPool2d}.
 *
 * @throws ArgumentError for a size below 1
 * @example
 * new nn.AdaptiveMaxPool2d([2, 1]).forward(zeros([1, 3, 7, 5])).shape; // [1, 3, 2, 1]
 */
export class AdaptiveMaxPool2d extends Module {
  readonly outputSize: Pair;

  constructor(outputSize: Pair) {
    super();
    this.outputSize = pair('AdaptiveMaxPool2d', 'outputSize', outputSize, 1);
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return adaptiveMaxPool2d(x, this.outputSize);
  }
}

/**
 * Largest value in each window of a sequence [n, c, length]; see {@link maxPool1d}.
 *
 * @throws ArgumentError for a kernel or options out of range
 * @example
 * new nn.MaxPool1d(2).forward(zeros([1, 3, 8])).shape; // [1, 3, 4]
 */
export class MaxPool1d extends Module {
  readonly kernelSize: number;
  readonly options: Readonly<Pool1dOptions>;

  constructor(kernelSize: number, options: Pool1dOptions = {}) {
    super();
    checkWindow1d('MaxPool1d', kernelSize, options);
    this.kernelSize = kernelSize;
    this.options = options;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return maxPool1d(x, this.kernelSize, this.options);
  }
}

/**
 * Mean of each window of a sequence [n, c, length]; see {@link avgPool1d}.
 *
 * @throws ArgumentError for a kernel or options out of range
 * @example
 * new nn.AvgPool1d(2).forward(zeros([1, 3, 8])).shape; // [1, 3, 4]
 */
export class AvgPool1d extends Module {
  readonly kernelSize: number;
  readonly options: Readonly<AvgPool1dOptions>;

  constructor(kernelSize: number, options: AvgPool1dOptions = {}) {
    super();
    checkWindow1d('AvgPool1d', kernelSize, options);
    this.kernelSize = kernelSize;
    this.options = options;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return avgPool1d(x, this.kernelSize, this.options);
  }
}
