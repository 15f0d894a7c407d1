import { whole } from '../geometry.js';
import { linear } from '../ops/linear.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';
import { productParameters } from './products.js';

/** Options of {@link Linear}. */
export interface LinearOptions {
  /** Add a learned offset per output. Default true. */
  bias?: boolean;
}

/**
 * Fully connected layer: x [..., inFeatures] → x·weightᵀ + bias [..., outFeatures].
 *
 * Parameters: weight [outFeatures, inFeatures], bias [outFeatures]; both start uniform in ±1/√inFeatures, as in PyTorch.
 *
 * @throws ArgumentError for sizes below 1
 * @example
 * new nn.Linear(4, 2).forward(zeros([5, 4])).shape; // [5, 2]
 */
export class Linear extends Module {
  readonly weight: Tensor<'float32'>;
  readonly bias: Tensor<'float32'> | null;

  constructor(inFeatures: number, outFeatures: number, { bias = true }: LinearOptions = {}) {
    super();
    whole('Linear', 'inFeatures', inFeatures, 1);
    whole('Linear', 'outFeatures', outFeatures, 1);
    const made = productParameters([outFeatures, inFeatures], outFeatures, bias);
    this.weight = made.weight;
    this.bias = made.bias;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return linear(x, this.weight, this.bias);
  }
}
