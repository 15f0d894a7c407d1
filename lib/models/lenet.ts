import { Conv2d } from '../nn/conv2d.js';
import { Linear } from '../nn/linear.js';
import { Module } from '../nn/module.js';
import { maxPool2d } from '../ops/maxpool2d.js';
import { relu } from '../ops/relu.js';
import type { Tensor } from '../tensor.js';

/** Options of {@link lenet5}. */
export interface LeNet5Options {
  /** Default 10. */
  numClasses?: number;
  /** Channels of the images. Default 1. */
  inChannels?: number;
}

/** See {@link lenet5}. */
export class LeNet5 extends Module {
  readonly conv1: Conv2d;
  readonly conv2 = new Conv2d(6, 16, 5);
  readonly fc1 = new Linear(16 * 5 * 5, 120);
  readonly fc2 = new Linear(120, 84);
  readonly fc3: Linear;

  constructor({ numClasses = 10, inChannels = 1 }: LeNet5Options = {}) {
    super();
    this.conv1 = new Conv2d(inChannels, 6, 5, { padding: 2 });
    this.fc3 = new Linear(84, numClasses);
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    const features = maxPool2d(relu(this.conv2.forward(maxPool2d(relu(this.conv1.forward(x)), 2))), 2);
    return this.fc3.forward(relu(this.fc2.forward(relu(this.fc1.forward(features.flatten(1))))));
  }
}

/**
 * LeNet-5 (LeCun et al. 1998) as it is built today, with ReLU and max pooling: images [n, inChannels, 28, 28] → logits
 * [n, numClasses]. 61,706 parameters.
 *
 * Names in the state dict: conv1 (padded by 2), conv2, fc1, fc2, fc3. It starts as PyTorch's layers do.
 *
 * @throws ArgumentError for numbers of classes or channels below 1
 * @example
 * models.lenet5().forward(zeros([2, 1, 28, 28])).shape; // [2, 10]
 */
export function lenet5(options: LeNet5Options = {}): LeNet5 {
  return new LeNet5(options);
}
