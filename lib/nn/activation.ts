import { zeros } from '../creation.js';
import * as ops from '../ops/index.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';

/** Layer that applies an elementwise function without parameters. */
abstract class Activation extends Module {
  abstract override forward(x: Tensor<'float32'>): Tensor<'float32'>;
}

/**
 * max(0, x); see {@link ops.relu}.
 *
 * @example
 * new nn.ReLU().forward(tensor([-2, 2])).toArray(); // [0, 2]
 */
export class ReLU extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.relu(x);
  }
}

/**
 * x where positive, else negativeSlope · x; see {@link ops.leakyRelu}. Default slope 0.01.
 *
 * @example
 * new nn.LeakyReLU(0.5).forward(tensor([-2, 2])).toArray(); // [-1, 2]
 */
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

/**
 * x where positive, else alpha · (e^x − 1); see {@link ops.elu}. Default alpha 1.
 *
 * @example
 * new nn.ELU().forward(tensor([0, 2])).toArray(); // [0, 2]
 */
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

/**
 * gamma · ELU with the constants that keep mean 0 and variance 1; see {@link ops.selu}.
 *
 * @example
 * new nn.SELU().forward(tensor([0])).toArray(); // [0]
 */
export class SELU extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.selu(x);
  }
}

/**
 * x/2 · (1 + erf(x/√2)), or its approximation by tanh; see {@link ops.gelu}.
 *
 * @example
 * new nn.GELU('tanh').forward(tensor([0, 100])).toArray(); // [0, 100]
 */
export class GELU extends Activation {
  readonly approximate: 'none' | 'tanh';

  constructor(approximate: 'none' | 'tanh' = 'none') {
    super();
    this.approximate = approximate;
    ops.gelu(zeros([0]), { approximate }); // throws for an unknown one
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.gelu(x, { approximate: this.approximate });
  }
}

/**
 * x · sigmoid(x); see {@link ops.silu}.
 *
 * @example
 * new nn.SiLU().forward(tensor([0])).toArray(); // [0]
 */
export class SiLU extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.silu(x);
  }
}

/**
 * x · tanh(log(1 + e^x)); see {@link ops.mish}.
 *
 * @example
 * new nn.Mish().forward(tensor([0, 100])).toArray(); // [0, 100]
 */
export class Mish extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.mish(x);
  }
}

/**
 * min(6, max(0, x)); see {@link ops.relu6}.
 *
 * @example
 * new nn.ReLU6().forward(tensor([-1, 3, 9])).toArray(); // [0, 3, 6]
 */
export class ReLU6 extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.relu6(x);
  }
}

/**
 * x limited to [minVal, maxVal], by default [−1, 1]; see {@link ops.hardTanh}.
 *
 * @example
 * new nn.Hardtanh(-2, 2).forward(tensor([-9, 1, 9])).toArray(); // [-2, 1, 2]
 */
export class Hardtanh extends Activation {
  readonly minVal: number;
  readonly maxVal: number;

  constructor(minVal = -1, maxVal = 1) {
    super();
    this.minVal = minVal;
    this.maxVal = maxVal;
    ops.hardTanh(zeros([0]), { minVal, maxVal }); // throws for limits in the wrong order
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.hardTanh(x, { minVal: this.minVal, maxVal: this.maxVal });
  }
}

/**
 * min(1, max(0, x/6 + 1/2)); see {@link ops.hardSigmoid}.
 *
 * @example
 * new nn.Hardsigmoid().forward(tensor([-3, 0, 9])).toArray(); // [0, 0.5, 1]
 */
export class Hardsigmoid extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.hardSigmoid(x);
  }
}

/**
 * x · min(1, max(0, x/6 + 1/2)); see {@link ops.hardSwish}.
 *
 * @example
 * new nn.Hardswish().forward(tensor([-3, 0, 6])).toArray(); // [0, 0, 6]
 */
export class Hardswish extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.hardSwish(x);
  }
}

/**
 * log(1 + e^(beta · x)) / beta, default beta 1; see {@link ops.softplus}.
 *
 * @example
 * new nn.Softplus().forward(tensor([1000])).toArray(); // [1000]
 */
export class Softplus extends Activation {
  readonly beta: number;

  constructor(beta = 1) {
    super();
    this.beta = beta;
    ops.softplus(zeros([0]), { beta }); // throws for one out of range
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.softplus(x, { beta: this.beta });
  }
}

/**
 * x / (1 + |x|); see {@link ops.softsign}.
 *
 * @example
 * new nn.Softsign().forward(tensor([-1, 0, 3])).toArray(); // [-0.5, 0, 0.75]
 */
export class Softsign extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.softsign(x);
  }
}

/**
 * 1 / (1 + e^−x); see {@link ops.sigmoid}.
 *
 * @example
 * new nn.Sigmoid().forward(tensor([0])).toArray(); // [0.5]
 */
export class Sigmoid extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.sigmoid(x);
  }
}

/**
 * Hyperbolic tangent; see {@link ops.tanh}.
 *
 * @example
 * new nn.Tanh().forward(tensor([0])).toArray(); // [0]
 */
export class Tanh extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return ops.tanh(x);
  }
}

/**
 * e^x / Σ e^x along an axis, default the last; see {@link ops.softmax}.
 *
 * @example
 * new nn.Softmax(1).forward(tensor([[0, 0]])).toArray(); // [[0.5, 0.5]]
 */
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

/**
 * The logarithm of softmax along an axis, default the last; see {@link ops.logSoftmax}.
 *
 * @example
 * new nn.LogSoftmax().forward(tensor([[7]])).toArray(); // [[0]]
 */
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

/**
 * x itself: what stands where nothing is to happen.
 *
 * @example
 * new nn.Identity().forward(tensor([7])).toArray(); // [7]
 */
export class Identity extends Activation {
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return x;
  }
}
