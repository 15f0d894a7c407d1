import { check } from '../errors.js';
import { add } from '../ops/add.js';
import { formatShape, sameShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';

/** Options of {@link Residual}. */
export interface ResidualOptions {
  /** What x goes through beside the body, where the body changes its shape. Default: nothing, x itself. */
  shortcut?: Module | null;
  /** What the sum goes through. Default: nothing. */
  activation?: Module | null;
}

/**
 * Residual connection activation(body(x) + shortcut(x)) (He et al. 2016). Names in the state dict begin with `body.` and
 * `shortcut.`.
 *
 * @example
 * const block = new nn.Residual(new nn.Conv2d(4, 4, 3, { padding: 1 }), { activation: new nn.ReLU() });
 * block.forward(zeros([1, 4, 5, 5])).shape; // [1, 4, 5, 5]
 */
export class Residual extends Module {
  readonly body: Module;
  readonly shortcut: Module | null;
  readonly activation: Module | null;

  constructor(body: Module, { shortcut = null, activation = null }: ResidualOptions = {}) {
    super();
    this.body = body;
    this.shortcut = shortcut;
    this.activation = activation;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    const y = this.body.forward(x);
    const past = this.shortcut ? this.shortcut.forward(x) : x;
    check(
      sameShape(y.shape, past.shape),
      'Residual',
      () =>
        `the body gives ${formatShape(y.shape)}, which cannot be added to ${formatShape(past.shape)}; use a shortcut`,
    );
    const sum = add(y, past) as Tensor<'float32'>;
    return (this.activation ? this.activation.forward(sum) : sum) as Tensor<'float32'>;
  }
}
