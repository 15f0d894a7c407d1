import { ArgumentError, check } from '../errors.js';
import { dropout } from '../ops/dropout.js';
import type { Generator } from '../random.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';

/**
 * In training, zeroes elements with probability p (default 0.5) and scales the rest; see {@link dropout}.
 *
 * @throws ArgumentError for p outside [0, 1]
 * @example
 * new nn.Dropout(0.5).eval().forward(ones([2])).toArray(); // [1, 1]
 */
export class Dropout extends Module {
  readonly p: number;
  readonly generator: Generator | undefined;

  constructor(p = 0.5, options: { generator?: Generator } = {}) {
    super();
    check(p >= 0 && p <= 1, 'Dropout', () => `p must be in [0, 1], got ${p}`, ArgumentError);
    this.p = p;
    this.generator = options.generator;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return dropout(x, this.p, { training: this.training, generator: this.generator });
  }
}
