import { zeros } from '../creation.js';
import { ArgumentError, check } from '../errors.js';
import { linear } from '../ops/linear.js';
import type { Tensor } from '../tensor.js';
import { kaimingUniform, uniform } from './init.js';
import { Module, parameter } from './module.js';

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
    check(
      [inFeatures, outFeatures].every((v) => Number.isInteger(v) && v >= 1),
      'Linear',
      () => `features must be integers of at least 1, got ${inFeatures} and ${outFeatures}`,
      ArgumentError,
    );
    this.weight = parameter(kaimingUniform(zeros([outFeatures, inFeatures]), { a: Math.sqrt(5) }));
    const bound = 1 / Math.sqrt(inFeatures);
    this.bias = bias ? parameter(uniform(zeros([outFeatures]), -bound, bound)) : null;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return linear(x, this.weight, this.bias);
  }
}
