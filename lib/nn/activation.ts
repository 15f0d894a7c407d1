import { zeros } from '../creation.js';
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

/** gamma · ELU with the constants that keep mean 0 and variance 1; see {@link ops.selu}. */
export class SELU extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.selu(x);
  }
}

/** x/2 · (1 + erf(x/√2)), or its approximation by tanh; see {@link ops.gelu}. */
export class GELU extends Activation {
  readonly approximate: 'none' | 'tanh';

  constructor(approximate: 'none' | 'tanh' = 'none') {
    super();
    this.approximate = approximate;
    this.forward(zeros([0])); // throws for an unknown approximation
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.gelu(x, { approximate: this.approximate });
  }
}

/** x · sigmoid(x); see {@link ops.silu}. */
export class SiLU extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.silu(x);
  }
}

/** x · tanh(log(1 + e^x)); see {@link ops.mish}. */
export class Mish extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.mish(x);
  }
}

/** min(6, max(0, x)); see {@link ops.relu6}. */
export class ReLU6 extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.relu6(x);
  }
}

/** x limited to [minVal, maxVal], by default [−1, 1]; see {@link ops.hardTanh}. */
export class Hardtanh extends Activation {
  readonly minVal: number;
  readonly maxVal: number;

  constructor(minVal = -1, maxVal = 1) {
    super();
    this.minVal = minVal;
    this.maxVal = maxVal;
    this.forward(zeros([0])); // throws for limits in the wrong order
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.hardTanh(x, { minVal: this.minVal, maxVal: this.maxVal });
  }
}

/** min(1, max(0, x/6 + 1/2)); see {@link ops.hardSigmoid}. */
export class Hardsigmoid extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.hardSigmoid(x);
  }
}

/** x · min(1, max(0, x/6 + 1/2)); see {@link ops.hardSwish}. */
export class Hardswish extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.hardSwish(x);
  }
}

/** log(1 + e^(beta · x)) / beta, default beta 1; see {@link ops.softplus}. */
export class Softplus extends Activation {
  readonly beta: number;

  constructor(beta = 1) {
    super();
    this.beta = beta;
    this.forward(zeros([0])); // throws for a beta out of range
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.softplus(x, { beta: this.beta });
  }
}

/** x / (1 + |x|); see {@link ops.softsign}. */
export class Softsign extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.softsign(x);
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

/** The logarithm of softmax along an axis, default the last; see {@link ops.logSoftmax}. */
export class LogSoftmax extends Activation {
  readonly axis: number;

  constructor(axis = -1) {
    super();
    this.axis = axis;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.logSoftmax(x, this.axis);
  }
}

/** x itself: what stands where nothing is to happen. */
export class Identity extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return x;
  }
}
