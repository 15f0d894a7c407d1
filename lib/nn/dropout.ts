import { ArgumentError, check } from '../errors.js';
import { type DropoutOptions, dropout, dropout2d } from '../ops/dropout.js';
import type { Generator } from '../random.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';

abstract class DropoutLayer extends Module {
  readonly p: number;
  readonly generator: Generator | undefined;

  constructor(p = 0.5, { generator }: Omit<DropoutOptions, 'training'> = {}) {
    super();
    check(p >= 0 && p <= 1, new.target.name, () => `p must be in [0, 1], got ${p}`, ArgumentError);
    this.p = p;
    this.generator = generator;
  }
}

/**
 * In training, zeroes elements with probability p (default 0.5) and scales the rest; see {@link dropout}.
 *
 * @throws ArgumentError for p outside [0, 1]
 * @example
 * new nn.Dropout(0.5).eval().forward(ones([2])).toArray(); // [1, 1]
 */
export class Dropout extends DropoutLayer {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return dropout(x, this.p, { training: this.training, generator: this.generator });
  }
}

/**
 * In training, zeroes whole channels with probability p (default 0.5) and scales the rest; see {@link dropout2d}.
 *
 * @throws ArgumentError for p outside [0, 1]
 * @example
 * new nn.Dropout2d(0.5).eval().forward(ones([1, 1, 1, 2])).toArray(); // [[[[1, 1]]]]
 */
export class Dropout2d extends DropoutLayer {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return dropout2d(x, this.p, { training: this.training, generator: this.generator });
  }
}
