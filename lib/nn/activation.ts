import * as ops from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';

/** Layer that applies an elementwise function without parameters. */
abstract class Activation extends Module {
  abstract override forward(x: Tensor<'float32'>): Tensor<'float32'>;
}

/** max(0, x); see {@link ops.relu}. */
export class ReLU extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.relu(x);
  }
}

/** x where positive, else negativeSlope · x; see {@link ops.leakyRelu}. Default slope 0.01. */
export class LeakyReLU extends Activation {
  readonly negativeSlope: number;

  constructor(negativeSlope = 0.01) {
    super();
    this.negativeSlope = negativeSlope;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.leakyRelu(x, this.negativeSlope);
  }
}

/** x where positive, else alpha · (e^x − 1); see {@link ops.elu}. Default alpha 1. */
export class ELU extends Activation {
  readonly alpha: number;

  constructor(alpha = 1) {
    super();
    this.alpha = alpha;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.elu(x, this.alpha);
  }
}

/** x/2 · (1 + erf(x/√2)); see {@link ops.gelu}. */
export class GELU extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.gelu(x);
  }
}

/** x · sigmoid(x); see {@link ops.silu}. */
export class SiLU extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.silu(x);
  }
}

/** log(1 + e^x); see {@link ops.softplus}. */
export class Softplus extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.softplus(x);
  }
}

/** 1 / (1 + e^−x); see {@link ops.sigmoid}. */
export class Sigmoid extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.sigmoid(x);
  }
}

/** Hyperbolic tangent; see {@link ops.tanh}. */
export class Tanh extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.tanh(x);
  }
}

/** e^x / Σ e^x along an axis, default the last; see {@link ops.softmax}. */
export class Softmax extends Activation {
  readonly axis: number;

  constructor(axis = -1) {
    super();
    this.axis = axis;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.softmax(x, this.axis);
  }
}
