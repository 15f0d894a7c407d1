import { kernelsFor } from '../backend/backend.js';
import { apply, floats, type Op } from '../ops/op.js';
import type { Tensor } from '../tensor.js';
import {
  checkBetas,
  checkRange,
  Optimizer,
  type OptimizerKind,
  type ParameterGroup,
  type ParameterState,
  type ParametersOrGroups,
} from './optimizer.js';

/** Options of {@link Adam} and {@link AdamW}. */
export interface AdamOptions {
  /** Learning rate, at least 0. Default 0.001. */
  lr?: number;
  /** Decay of the running means of the gradient and of its square, in [0, 1). Default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the denominator, at least 0. Default 1e-8. */
  eps?: number;
  /** At least 0. Default 0 in Adam (an L2 penalty), 0.01 in AdamW (a shrinking of the weights). */
  weightDecay?: number;
  /** Divide by the largest running mean of squares there ever was (AMSGrad, Reddi et al. 2018). Default false. */
  amsgrad?: boolean;
  /** Go up the gradient instead of down. Default false. */
  maximize?: boolean;
}

type Complete = Required<AdamOptions>;

const kindOf = (name: string): OptimizerKind<Complete> => ({
  name,
  checkOptions({ lr, betas, eps, weightDecay }) {
    checkRange(name, 'lr', lr, 0);
    checkBetas(name, betas);
    checkRange(name, 'eps', eps, 0);
    checkRange(name, 'weightDecay', weightDecay, 0);
  },
  state: { firstMoment: 'always', secondMoment: 'always', largestMoment: 'optional' },
  structureOf: ({ amsgrad }) => [amsgrad],
});

const adamUpdate: Op<null> = {
  name: 'adamUpdate',
  forward([parameter, gradient, firstMoment, secondMoment, largestMoment, settings]) {
    const [p, g, m, v, s] = [parameter, gradient, firstMoment, secondMoment, settings].map((each) =>
      floats(each as Tensor),
    );
    kernelsFor((parameter as Tensor).dtype).adamUpdate(p, g, m, v, largestMoment && floats(largestMoment), s);
    return [];
  },
  updates: [0, 2, 3, 4],
};

/**
 * Adam (Kingma and Ba 2015), to PyTorch's definition: parameter −= lr · m̂ / (√v̂ + eps), with m and v the running means of
 * the gradient and its square, corrected for their start at 0.
 *
 * @throws ArgumentError for options out of range
 * @example
 * const w = tensor([1], { requiresGrad: true });
 * w.mul(2).sum().backward();
 * new Adam([w], { lr: 0.5 }).step();
 * Math.abs(w.item() - 0.5) < 1e-6; // true
 */
export class Adam extends Optimizer<Complete> {
  readonly #decoupled: boolean;

  constructor(
    parameters: ParametersOrGroups<AdamOptions & { lr: number }>,
    options: AdamOptions = {},
    decoupled = false,
  ) {
    const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, amsgrad = false, maximize = false } = options;
    const { weightDecay = decoupled ? 0.01 : 0 } = options;
    super(kindOf(decoupled ? 'AdamW' : 'Adam'), parameters, { lr, betas, eps, weightDecay, amsgrad, maximize });
    this.#decoupled = decoupled;
  }

  protected update(parameter: Tensor, gradient: Tensor, group: ParameterGroup<Complete>, state: ParameterState): void {
    const firstMoment = this.kept('firstMoment', parameter, state);
    const secondMoment = this.kept('secondMoment', parameter, state);
    const largestMoment = group.amsgrad ? this.kept('largestMoment', parameter, state) : null;
    const settings = this.settings(parameter, state, 10, (updates) => {
      const { lr, betas, eps, weightDecay, maximize } = group;
      const [keep, decay] = this.#decoupled ? [1 - lr * weightDecay, 0] : [1, weightDecay];
      const [correction1, correction2] = betas.map((beta) => 1 - beta ** (updates + 1));
      const averages = betas.flatMap((beta) => [beta, 1 - beta]);
      return [lr / correction1, keep, decay, ...averages, Math.sqrt(correction2), eps, maximize ? -1 : 1];
    });
    apply(adamUpdate, [parameter, gradient, firstMoment, secondMoment, largestMoment, settings], null);
  }
}

/**
 * Adam with weight decay taken off the parameter itself instead of the gradient (Loshchilov and Hutter 2019).
 *
 * @throws ArgumentError for options out of range
 * @example
 * new AdamW([tensor([1], { requiresGrad: true })]).options.weightDecay; // 0.01
 */
export class AdamW extends Adam {
  constructor(parameters: ParametersOrGroups<AdamOptions & { lr: number }>, options: AdamOptions = {}) {
    super(parameters, options, true);
  }
}
