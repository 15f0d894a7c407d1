import { type BinaryLossOptions, bce } from '../ops/bce.js';
import { type BceWithLogitsOptions, bceWithLogits } from '../ops/bcewithlogits.js';
import { type CrossEntropyOptions, crossEntropy } from '../ops/crossentropy.js';
import { type DiceOptions, dice } from '../ops/dice.js';
import { type FocalOptions, focal } from '../ops/focal.js';
import { type HuberOptions, huber } from '../ops/huber.js';
import { l1 } from '../ops/l1.js';
import type { ClassLossOptions } from '../ops/labels.js';
import type { LossOptions } from '../ops/loss.js';
import { mse } from '../ops/mse.js';
import { nll } from '../ops/nll.js';
import { type SmoothL1Options, smoothL1 } from '../ops/smoothl1.js';
import type { Tensor } from '../tensor.js';
import { buffer, Module } from './module.js';

type Values = Tensor<'float32'>;

/**
 * A loss of a prediction and a target as a module, its options given once. Tensors among them are buffers, which share memory
 * with what was given and are not trained.
 */
abstract class Loss<Options> extends Module {
  readonly options: Readonly<Options>;

  constructor(options: Options = {} as Options) {
    super();
    this.options = options;
  }

  abstract override forward(prediction: Values, target: Tensor): Values;
}

/** Losses with a weight for each class or element, the buffer `weight`. */
abstract class WeightedLoss<Options extends { weight?: Values | null }> extends Loss<Omit<Options, 'weight'>> {
  readonly weight: Values | null;

  constructor({ weight = null, ...options }: Options = {} as Options) {
    super(options);
    this.weight = weight && buffer(weight.detach());
  }
}

/**
 * Cross-entropy of labels or class probabilities under softmax(logits); see {@link crossEntropy}.
 *
 * @example
 * new nn.CrossEntropyLoss({ labelSmoothing: 0.1 }).forward(zeros([2, 3]), tensor([0, 2], { dtype: 'int32' })).shape; // []
 */
export class CrossEntropyLoss extends WeightedLoss<CrossEntropyOptions<'float32'>> {
  forward(logits: Values, target: Tensor): Values {
    return crossEntropy(logits, target, { ...this.options, weight: this.weight });
  }
}

/**
 * Negative log-likelihood of labels under log-probabilities; see {@link nll}.
 *
 * @example
 * new nn.NLLLoss().forward(tensor([[-1, -2]]), tensor([1], { dtype: 'int32' })).item(); // 2
 */
export class NLLLoss extends WeightedLoss<ClassLossOptions<'float32'>> {
  forward(logProbabilities: Values, labels: Tensor): Values {
    return nll(logProbabilities, labels, { ...this.options, weight: this.weight });
  }
}

/**
 * Binary cross-entropy under probabilities; see {@link bce}.
 *
 * @example
 * new nn.BCELoss().forward(tensor([1, 0]), tensor([1, 0])).item(); // 0
 */
export class BCELoss extends WeightedLoss<BinaryLossOptions<'float32'>> {
  forward(probabilities: Values, target: Values): Values {
    return bce(probabilities, target, { ...this.options, weight: this.weight });
  }
}

/**
 * Binary cross-entropy under sigmoid(logits); see {@link bceWithLogits}.
 *
 * @example
 * new nn.BCEWithLogitsLoss({ posWeight: tensor([2]) }).forward(tensor([-100]), tensor([1])).item(); // 200
 */
export class BCEWithLogitsLoss extends WeightedLoss<BceWithLogitsOptions<'float32'>> {
  readonly posWeight: Values | null;

  constructor({ posWeight = null, ...options }: BceWithLogitsOptions<'float32'> = {}) {
    super(options);
    this.posWeight = posWeight && buffer(posWeight.detach());
  }

  forward(logits: Values, target: Values): Values {
    const { weight, posWeight } = this;
    return bceWithLogits(logits, target, { ...this.options, weight, posWeight });
  }
}

/**
 * Squared error; see {@link mse}.
 *
 * @example
 * new nn.MSELoss().forward(tensor([1, 2]), tensor([3, 2])).item(); // 2
 */
export class MSELoss extends Loss<LossOptions> {
  forward(prediction: Values, target: Values): Values {
    return mse(prediction, target, this.options);
  }
}

/**
 * Absolute error; see {@link l1}.
 *
 * @example
 * new nn.L1Loss({ reduction: 'sum' }).forward(tensor([1, 2]), tensor([4, 2])).item(); // 3
 */
export class L1Loss extends Loss<LossOptions> {
  forward(prediction: Values, target: Values): Values {
    return l1(prediction, target, this.options);
  }
}

/**
 * Squared error near 0, absolute error beyond beta; see {@link smoothL1}.
 *
 * @example
 * new nn.SmoothL1Loss({ beta: 2 }).forward(tensor([5]), tensor([2])).item(); // 2
 */
export class SmoothL1Loss extends Loss<SmoothL1Options> {
  forward(prediction: Values, target: Values): Values {
    return smoothL1(prediction, target, this.options);
  }
}

/**
 * Squared error near 0, linear beyond delta; see {@link huber}.
 *
 * @example
 * new nn.HuberLoss({ delta: 2 }).forward(tensor([5]), tensor([2])).item(); // 4
 */
export class HuberLoss extends Loss<HuberOptions> {
  forward(prediction: Values, target: Values): Values {
    return huber(prediction, target, this.options);
  }
}

/**
 * Binary cross-entropy that what is classified well hardly enters; see {@link focal}.
 *
 * @example
 * new nn.FocalLoss({ alpha: null, gamma: 0 }).forward(tensor([-100]), tensor([1])).item(); // 100
 */
export class FocalLoss extends Loss<FocalOptions> {
  forward(logits: Values, target: Values): Values {
    return focal(logits, target, this.options);
  }
}

/**
 * One minus the overlap of masks; see {@link dice}.
 *
 * @example
 * new nn.DiceLoss().forward(tensor([[[1, 0]]]), tensor([[[1, 0]]])).item(); // 0
 */
export class DiceLoss extends Loss<DiceOptions> {
  forward(probabilities: Values, target: Values): Values {
    return dice(probabilities, target, this.options);
  }
}
