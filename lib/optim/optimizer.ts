import { ArgumentError, ConvforgeError, check } from '../errors.js';
import { formatShape, sameShape } from '../shape.js';
import { Tensor } from '../tensor.js';

/** Tensors and numbers an optimizer needs to continue where it stopped. */
export interface OptimizerState {
  step: number;
  lr: number;
  /** Per kind of state, one tensor a parameter, null where none exists yet. */
  tensors: Record<string, (Tensor | null)[]>;
}

/** One kind of state: a tensor a parameter, null where none exists yet. */
export interface StateList {
  readonly tensors: (Tensor | null)[];
  /** What a tensor is: one number an element of its parameter, or one count for all of it. */
  readonly per: 'element' | 'parameter';
}

/** Base of all optimizers: a list of parameters, their gradients, and a rule that updates one parameter in place. */
export abstract class Optimizer {
  /** Learning rate, above or equal to 0; may be changed between steps. */
  lr: number;
  readonly parameters: readonly Tensor[];
  /** Updates made so far. */
  protected steps = 0;

  constructor(operation: string, parameters: Iterable<Tensor>, lr: number) {
    this.parameters = [...parameters];
    this.lr = lr;
    check(this.parameters.length > 0, operation, () => 'there are no parameters to optimise', ArgumentError);
    checkRange(operation, 'lr', lr, 0, Number.POSITIVE_INFINITY);
    check(
      new Set(this.parameters).size === this.parameters.length,
      operation,
      () => 'a parameter is listed twice, and would be updated twice in each step',
      ArgumentError,
    );
    for (const parameter of this.parameters) {
      check(
        !parameter.node,
        operation,
        () =>
          `a parameter of shape ${formatShape(parameter.shape)} is the result of an operation; only leaves can be optimised`,
        ArgumentError,
      );
    }
  }

  /** Updates every parameter that has a gradient. */
  step(): void {
    this.steps++;
    this.parameters.forEach((parameter, i) => {
      const { grad, shape, dtype } = parameter;
      if (!grad || !parameter.requiresGrad) return;
      check(
        grad.dtype === dtype && sameShape(grad.shape, shape),
        'step',
        () => `a gradient is ${grad.dtype} ${formatShape(grad.shape)}, its parameter ${dtype} ${formatShape(shape)}`,
      );
      this.update(parameter, grad, i);
      parameter.storage.version++;
    });
  }

  /** Forgets all gradients. */
  zeroGrad(): void {
    for (const parameter of this.parameters) parameter.grad = null;
  }

  /** What is needed to continue later; shares memory with the optimizer. */
  stateDict(): OptimizerState {
    const copies = Object.entries(this.state()).map(([name, { tensors }]) => [name, [...tensors]]);
    return { step: this.steps, lr: this.lr, tensors: Object.fromEntries(copies) };
  }

  /** Continues from a saved state. Throws ERR_STATE_DICT when it belongs to other parameters; then nothing has changed. */
  loadStateDict({ step, lr, tensors }: OptimizerState): void {
    const own = Object.entries(this.state());
    const [first] = own[0];
    for (const [name, { per }] of own) {
      const fits = (parameter: Tensor, i: number) => {
        const given = tensors[name]?.[i];
        if (!given) return given === null && tensors[first][i] === null; // all kinds of state begin with the same step
        if (!(given instanceof Tensor)) return false;
        const [dtype, shape] = per === 'element' ? [parameter.dtype, parameter.shape] : ['int32', []];
        return given.dtype === dtype && sameShape(given.shape, shape);
      };
      if (tensors[name]?.length !== this.parameters.length || !this.parameters.every(fits)) {
        throw new ConvforgeError('ERR_STATE_DICT', `loadStateDict: ${name} does not fit the optimizer's parameters`);
      }
    }
    if (!Number.isInteger(step) || step < 0 || !(lr >= 0)) {
      throw new ConvforgeError('ERR_STATE_DICT', `loadStateDict: step ${step} or lr ${lr} is out of range`);
    }
    for (const [name, list] of own) {
      for (const i of list.tensors.keys()) list.tensors[i] = tensors[name][i]?.clone() ?? null;
    }
    this.steps = step;
    this.lr = lr;
  }

  /** Changes one parameter in place. */
  protected abstract update(parameter: Tensor, gradient: Tensor, index: number): void;

  /** The optimizer's own lists of state tensors by name, at least one. */
  protected abstract state(): Record<string, StateList>;
}

/** Throws unless low ≤ value ≤ high. */
export function checkRange(operation: string, option: string, value: number, low: number, high: number): void {
  const range = high === Number.POSITIVE_INFINITY ? `at least ${low}` : `in [${low}, ${high}]`;
  check(value >= low && value <= high, operation, () => `${option} must be ${range}, got ${value}`, ArgumentError);
}
