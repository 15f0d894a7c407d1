import type { Pair } from '../geometry.js';
import { adaptiveAvgPool2d } from '../ops/adaptiveavgpool2d.js';
import { type AvgPool2dOptions, avgPool2d } from '../ops/avgpool2d.js';
import { maxPool2d } from '../ops/maxpool2d.js';
import type { Pool2dOptions } from '../ops/pool2d.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';

/**
 * Largest value in each window; see {@link maxPool2d}.
 *
 * @example
 * new nn.MaxPool2d(2).forward(zeros([1, 1, 4, 4])).shape; // [1, 1, 2, 2]
 */
export class MaxPool2d extends Module {
  readonly kernelSize: Pair;
  readonly options: Readonly<Pool2dOptions>;

  constructor(kernelSize: Pair, options: Pool2dOptions = {}) {
    super();
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
 * @example
 * new nn.AvgPool2d(2).forward(zeros([1, 1, 4, 4])).shape; // [1, 1, 2, 2]
 */
export class AvgPool2d extends Module {
  readonly kernelSize: Pair;
  readonly options: Readonly<AvgPool2dOptions>;

  constructor(kernelSize: Pair, options: AvgPool2dOptions = {}) {
    super();
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
 * @example
 * new nn.AdaptiveAvgPool2d(1).forward(zeros([1, 3, 7, 5])).shape; // [1, 3, 1, 1]
 */
export class AdaptiveAvgPool2d extends Module {
  readonly outputSize: Pair;

  constructor(outputSize: Pair) {
    super();
    this.outputSize = outputSize;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}
