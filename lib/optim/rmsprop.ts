import { kernelsFor } from '../backend/backend.js';
import { apply, floats, type Op } from '../ops/op.js';
import type { Tensor } from '../tensor.js';
import {
  checkRange,
  Optimizer,
  type OptimizerKind,
  type ParameterGroup,
  type ParameterState,
  type ParametersOrGroups,
} from './optimizer.js';

/** Options of {@link RMSprop}. */
export interface RMSpropOptions {
  /** Learning rate, at least 0. Default 0.01. */
  lr?: number;
  /** Decay of the running mean of the square of the gradient, in [0, 1]. Default 0.99. */
  alpha?: number;
  /** Added to the denominator, at least 0. Default 1e-8. */
  eps?: number;
  /** Weight of an L2 penalty, at least 0. Default 0. */
  weightDecay?: number;
  /** Weight of the last step in the next one, at least 0. Default 0. */
  momentum?: number;
  /** Divide by the deviation of the gradient instead of its root mean square (Graves 2013). Default false. */
  centered?: boolean;
  /** Go up the gradient instead of down. Default false. */
  maximize?: boolean;
}

type Complete = Required<RMSpropOptions>;

const kind: OptimizerKind<Complete> = {
  name: 'RMSprop',
  checkOptions({ lr, alpha, eps, weightDecay, momentum }) {
    checkRange('RMSprop', 'lr', lr, 0);
    checkRange('RMSprop', 'alpha', alpha, 0, 1);
    checkRange('RMSprop', 'eps', eps, 0);
    checkRange('RMSprop', 'weightDecay', weightDecay, 0);
    checkRange('RMSprop', 'momentum', momentum, 0);
  },
  state: { squareAverage: 'always', gradientAverage: 'optional', momentum: 'optional' },
  structureOf: ({ momentum, centered }) => [momentum > 0, centered],
};

const rmspropUpdate: Op<null> = {
  name: 'rmspropUpdate',
  forward([parameter, gradient, squareAverage, gradientAverage, momentum, settings]) {
    const [p, g, squares, s] = [parameter, gradient, squareAverage, settings].map((each) => floats(each as Tensor));
    const [mean, buffer] = [gradientAverage, momentum].map((each) => each && floats(each));
    kernelsFor((parameter as Tensor).dtype).rmspropUpdate(p, g, squares, mean, buffer, s);
    return [];
  },
  updates: [0, 2, 3, 4],
};

/**
 * RMSprop (Hinton 2012), to PyTorch's definition: parameter −= lr · g / (√s + eps), with s the running mean of g².
 *
 * @throws ArgumentError for options out of range
 * @example
 * const w = tensor([1], { requiresGrad: true });
 * w.mul(2).sum().backward();
 * new RMSprop([w], { lr: 0.5, alpha: 0.75, eps: 0 }).step(); // s = 1
 * w.toArray(); // [0]
 */
export class RMSprop extends Optimizer<Complete> {
  constructor(parameters: ParametersOrGroups<Complete>, options: RMSpropOptions = {}) {
    const { lr = 0.01, alpha = 0.99, eps = 1e-8, weightDecay = 0 } = options;
    const { momentum = 0, centered = false, maximize = false } = options;
    super(kind, parameters, { lr, alpha, eps, weightDecay, momentum, centered, maximize });
  }

  protected update(parameter: Tensor, gradient: Tensor, group: ParameterGroup<Complete>, state: ParameterState): void {
    const squareAverage = this.kept('squareAverage', parameter, state);
    const gradientAverage = group.centered ? this.kept('gradientAverage', parameter, state) : null;
    const momentum = group.momentum > 0 ? this.kept('momentum', parameter, state) : null;
    const settings = this.settings(parameter, state, 7, () => {
      const { lr, weightDecay, alpha, eps, maximize } = group;
      return [lr, weightDecay, alpha, 1 - alpha, eps, group.momentum, maximize ? -1 : 1];
    });
    apply(rmspropUpdate, [parameter, gradient, squareAverage, gradientAverage, momentum, settings], null);
  }
}
