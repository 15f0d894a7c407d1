import { kernelsFor } from '../backend/backend.js';
import { ArgumentError, check } from '../errors.js';
import { empty, floats } from '../ops/op.js';
import type { Tensor } from '../tensor.js';
import { checkRange, Optimizer, type StateList } from './optimizer.js';

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
}

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
export class SGD extends Optimizer {
  readonly options: Readonly<Required<Omit<SGDOptions, 'lr'>>>;
  readonly #momentum: (Tensor | null)[];

  constructor(parameters: Iterable<Tensor>, options: SGDOptions) {
    super('SGD', parameters, options.lr);
    const { momentum = 0, dampening = 0, weightDecay = 0, nesterov = false } = options;
    checkRange('SGD', 'momentum', momentum, 0, 1);
    checkRange('SGD', 'dampening', dampening, 0, 1);
    checkRange('SGD', 'weightDecay', weightDecay, 0, Number.POSITIVE_INFINITY);
    check(
      !nesterov || (momentum > 0 && dampening === 0),
      'SGD',
      () => `nesterov needs momentum above 0 and no dampening, got ${momentum} and ${dampening}`,
      ArgumentError,
    );
    this.options = { momentum, dampening, weightDecay, nesterov };
    this.#momentum = this.parameters.map(() => null);
  }

  protected update(parameter: Tensor, gradient: Tensor, index: number): void {
    const { momentum, dampening, weightDecay, nesterov } = this.options;
    const isFirst = this.#momentum[index] === null;
    if (momentum !== 0 && isFirst) this.#momentum[index] = empty(parameter.dtype, parameter.shape);
    const buffer = this.#momentum[index];
    kernelsFor(parameter.dtype).sgdUpdate(
      floats(parameter),
      floats(gradient),
      buffer && floats(buffer),
      this.lr,
      momentum,
      dampening,
      weightDecay,
      Number(nesterov),
      Number(isFirst),
    );
  }

  protected state(): Record<string, StateList> {
    return { momentum: { tensors: this.#momentum, per: 'element' } };
  }
}
