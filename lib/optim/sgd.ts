import { kernelsFor } from '../backend/backend.js';
import { ArgumentError, check } from '../errors.js';
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

/** Options of {@link SGD}. */
export interface SGDOptions {
  /** Learning rate, at least 0. */
  lr: number;
  /** Weight of the last step in the next one, in [0, 1]. Default 0. */
  momentum?: number;
  /** How much less the new gradient counts in the momentum, in [0, 1]. Default 0. */
  dampening?: number;
  /** Weight of an L2 penalty, at least 0. Default 0. */
  weightDecay?: number;
  /** Look ahead along the momentum (Sutskever et al. 2013); needs momentum and no dampening. Default false. */
  nesterov?: boolean;
  /** Go up the gradient instead of down. Default false. */
  maximize?: boolean;
}

type Complete = Required<SGDOptions>;

const kind: OptimizerKind<Complete> = {
  name: 'SGD',
  checkOptions({ lr, momentum, dampening, weightDecay, nesterov }) {
    checkRange('SGD', 'lr', lr, 0);
    checkRange('SGD', 'momentum', momentum, 0, 1);
    checkRange('SGD', 'dampening', dampening, 0, 1);
    checkRange('SGD', 'weightDecay', weightDecay, 0);
    check(
      !nesterov || (momentum > 0 && dampening === 0),
      'SGD',
      () => `nesterov needs momentum above 0 and no dampening, got ${momentum} and ${dampening}`,
      ArgumentError,
    );
  },
  state: { momentum: 'optional' },
  structureOf: ({ momentum, nesterov }) => [momentum !== 0, nesterov],
};

const sgdUpdate: Op<{ nesterov: boolean }> = {
  name: 'sgdUpdate',
  forward([parameter, gradient, momentum, settings], { nesterov }) {
    const [p, g, s] = [parameter, gradient, settings] as Tensor[];
    kernelsFor(p.dtype).sgdUpdate(floats(p), floats(g), momentum && floats(momentum), floats(s), Number(nesterov));
    return [];
  },
  updates: [0, 2],
};

/**
 * Stochastic gradient descent with momentum, to PyTorch's definition: buffer = momentum · buffer + (1 − dampening) · g,
 * parameter −= lr · buffer, where g = gradient + weightDecay · parameter and the first buffer is g itself.
 *
 * @throws ArgumentError for options out of range
 * @example
 * const w = tensor([1], { requiresGrad: true });
 * w.mul(2).sum().backward();
 * new SGD([w], { lr: 0.25 }).step();
 * w.toArray(); // [0.5]
 */
export class SGD extends Optimizer<Complete> {
  constructor(parameters: ParametersOrGroups<SGDOptions>, options: SGDOptions) {
    const { lr, momentum = 0, dampening = 0, weightDecay = 0, nesterov = false, maximize = false } = options;
    super(kind, parameters, { lr, momentum, dampening, weightDecay, nesterov, maximize });
  }

  protected update(parameter: Tensor, gradient: Tensor, group: ParameterGroup<Complete>, state: ParameterState): void {
    const momentum = group.momentum === 0 ? null : this.kept('momentum', parameter, state);
    const settings = this.settings(parameter, state, 5, (updates) => {
      const fresh = updates === 0 ? 1 : 1 - group.dampening;
      return [group.lr, group.weightDecay, group.momentum, fresh, group.maximize ? -1 : 1];
    });
    apply(sgdUpdate, [parameter, gradient, momentum, settings], { nesterov: group.nesterov });
  }
}
