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

/** Options of {@link Lion}. */
export interface LionOptions {
  /** Learning rate, at least 0; about a tenth of what suits AdamW. Default 1e-4. */
  lr?: number;
  /** Weight of the momentum in the step, and its decay, in [0, 1). Default [0.9, 0.99]. */
  betas?: readonly [number, number];
  /** How much of lr is taken off the weights themselves, at least 0. Default 0. */
  weightDecay?: number;
  /** Go up the gradient instead of down. Default false. */
  maximize?: boolean;
}

type Complete = Required<LionOptions>;

const kind: OptimizerKind<Complete> = {
  name: 'Lion',
  checkOptions({ lr, betas, weightDecay }) {
    checkRange('Lion', 'lr', lr, 0);
    checkBetas('Lion', betas);
    checkRange('Lion', 'weightDecay', weightDecay, 0);
  },
  state: { momentum: 'always' },
};

const lionUpdate: Op<null> = {
  name: 'lionUpdate',
  forward([parameter, gradient, momentum, settings]) {
    const [p, g, m, s] = [parameter, gradient, momentum, settings].map((each) => floats(each as Tensor));
    kernelsFor((parameter as Tensor).dtype).lionUpdate(p, g, m, s);
    return [];
  },
  updates: [0, 2],
};

/**
 * Lion (Chen et al. 2023, "Symbolic discovery of optimization algorithms"): every weight moves by lr in the direction of the
 * sign of beta1 · m + (1 − beta1) · g, then m = beta2 · m + (1 − beta2) · g.
 *
 * @throws ArgumentError for options out of range
 * @example
 * const w = tensor([1, 1], { requiresGrad: true });
 * w.mul(tensor([3, -0.01])).sum().backward();
 * new Lion([w], { lr: 0.5 }).step();
 * w.toArray(); // [0.5, 1.5]
 */
export class Lion extends Optimizer<Complete> {
  constructor(parameters: ParametersOrGroups<Complete>, options: LionOptions = {}) {
    const { lr = 1e-4, betas = [0.9, 0.99], weightDecay = 0, maximize = false } = options;
    super(kind, parameters, { lr, betas, weightDecay, maximize });
  }

  protected update(parameter: Tensor, gradient: Tensor, group: ParameterGroup<Complete>, state: ParameterState): void {
    const momentum = this.kept('momentum', parameter, state);
    const settings = this.settings(parameter, state, 7, () => {
      const { lr, betas, weightDecay, maximize } = group;
      return [lr, 1 - lr * weightDecay, ...betas.flatMap((beta) => [beta, 1 - beta]), maximize ? -1 : 1];
    });
    apply(lionUpdate, [parameter, gradient, momentum, settings], null);
  }
}
