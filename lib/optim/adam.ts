import { kernelsFor } from '../backend/backend.js';
import { zeros } from '../creation.js';
import { floats } from '../ops/op.js';
import type { Tensor } from '../tensor.js';
import { checkRange, Optimizer, type StateList } from './optimizer.js';

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
}

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
export class Adam extends Optimizer {
  readonly options: Readonly<Required<Omit<AdamOptions, 'lr'>>>;
  readonly #firstMoment: (Tensor | null)[];
  readonly #secondMoment: (Tensor | null)[];
  /** Updates made to each parameter, as scalars: one may have had no gradient in some steps. */
  readonly #updates: (Tensor | null)[];
  readonly #decoupled: boolean;

  constructor(parameters: Iterable<Tensor>, options: AdamOptions = {}, decoupled = false) {
    super(decoupled ? 'AdamW' : 'Adam', parameters, options.lr ?? 1e-3);
    const operation = decoupled ? 'AdamW' : 'Adam';
    const { betas = [0.9, 0.999], eps = 1e-8, weightDecay = decoupled ? 0.01 : 0 } = options;
    checkRange(operation, 'betas[0]', betas[0], 0, 1 - Number.EPSILON);
    checkRange(operation, 'betas[1]', betas[1], 0, 1 - Number.EPSILON);
    checkRange(operation, 'eps', eps, 0, Number.POSITIVE_INFINITY);
    checkRange(operation, 'weightDecay', weightDecay, 0, Number.POSITIVE_INFINITY);
    this.options = { betas, eps, weightDecay };
    this.#firstMoment = this.parameters.map(() => null);
    this.#secondMoment = this.parameters.map(() => null);
    this.#updates = this.parameters.map(() => null);
    this.#decoupled = decoupled;
  }

  protected update(parameter: Tensor, gradient: Tensor, index: number): void {
    const { betas, eps, weightDecay } = this.options;
    const { dtype, shape } = parameter;
    this.#firstMoment[index] ??= zeros(shape, { dtype });
    this.#secondMoment[index] ??= zeros(shape, { dtype });
    this.#updates[index] ??= zeros([], { dtype: 'int32' });
    const step = ++(this.#updates[index].storage.values as Int32Array)[0];
    kernelsFor(dtype).adamUpdate(
      floats(parameter),
      floats(gradient),
      floats(this.#firstMoment[index]),
      floats(this.#secondMoment[index]),
      this.lr,
      betas[0],
      betas[1],
      eps,
      weightDecay,
      Number(this.#decoupled),
      1 - betas[0] ** step,
      1 - betas[1] ** step,
    );
  }

  protected state(): Record<string, StateList> {
    return {
      firstMoment: { tensors: this.#firstMoment, per: 'element' },
      secondMoment: { tensors: this.#secondMoment, per: 'element' },
      updates: { tensors: this.#updates, per: 'parameter' },
    };
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
  constructor(parameters: Iterable<Tensor>, options: AdamOptions = {}) {
    super(parameters, options, true);
  }
}
