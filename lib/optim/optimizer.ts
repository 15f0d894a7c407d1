import { noGrad } from '../autograd.js';
import { zeros } from '../creation.js';
import { ArgumentError, ConvforgeError, check } from '../errors.js';
import { onRun, supply } from '../ops/op.js';
import { formatShape, sameShape } from '../shape.js';
import { Tensor } from '../tensor.js';
import { checkCount, checkState } from './checkstate.js';

/** What the options of every optimizer have. */
export interface OptimizerOptions {
  /** Learning rate, at least 0. */
  lr: number;
}

/** Parameters that share options. Numbers among these may be changed between steps, as schedulers do. */
export type ParameterGroup<O extends OptimizerOptions = OptimizerOptions> = O & {
  readonly params: readonly Tensor[];
  /** Learning rate that schedulers start from; set by the first one. */
  initialLr?: number;
};

/** A group as it is given to an optimizer: options that it leaves out are the optimizer's. */
export type GroupOptions<O extends OptimizerOptions = OptimizerOptions> = Partial<O> & {
  readonly params: Tensor | Iterable<Tensor>;
};

/** What an optimizer is given to work on: parameters, or groups of them with options of their own. */
export type ParametersOrGroups<O extends OptimizerOptions> = Iterable<Tensor> | Iterable<GroupOptions<O>>;

/** What an optimizer keeps for one parameter. */
export interface ParameterState {
  /** Updates made to it; less than the optimizer's steps if it had no gradient in some. */
  updates: number;
  /** Tensors like the parameter, by name. */
  readonly tensors: Record<string, Tensor>;
}

/** Tensors and numbers an optimizer needs to continue where it stopped. */
export interface OptimizerState {
  step: number;
  /** Options of each group, and how many parameters it has. */
  groups: (OptimizerOptions & { size: number })[];
  /** What is kept for each parameter, group by group; null before its first update. */
  state: (ParameterState | null)[];
}

/** What one kind of optimizer is. */
export interface OptimizerKind<O extends OptimizerOptions> {
  readonly name: string;
  /** Throws for options out of range. */
  checkOptions(options: O): void;
  /** Names of tensors it keeps for a parameter: 'always', or 'optional' if that depends on options. */
  readonly state: Readonly<Record<string, 'always' | 'optional'>>;
  /** What of the options decides how an update is computed, not only with which numbers. Default: nothing. */
  structureOf?(options: O): readonly boolean[];
}

/**
 * Base of all optimizers: groups of parameters, their gradients, and a rule that updates one parameter in place.
 *
 * An update is calls of ops on tensors that are zeros before the first one, and numbers that change between steps reach it
 * through `supply`: so a step can be traced once and run again.
 */
export abstract class Optimizer<O extends OptimizerOptions = OptimizerOptions> {
  /** What groups get for options that they leave out. */
  readonly options: Readonly<O>;
  readonly groups: ParameterGroup<O>[] = [];
  readonly #kind: OptimizerKind<O>;
  readonly #states = new Map<Tensor, ParameterState>();
  #steps = 0;

  constructor(kind: OptimizerKind<O>, parameters: ParametersOrGroups<O>, options: O) {
    this.#kind = kind;
    this.options = options;
    const given: (Tensor | GroupOptions<O>)[] = [...parameters];
    check(given.length > 0, kind.name, () => 'there are no parameters to optimise', ArgumentError);
    const groups = given[0] instanceof Tensor ? [{ params: given }] : given;
    for (const group of groups) this.addParamGroup(group as GroupOptions<O>);
  }

  /** The parameters of all groups. */
  get parameters(): readonly Tensor[] {
    return this.groups.flatMap(({ params }) => params);
  }

  /** Learning rate of the first group, at least 0; setting it sets that of all groups. */
  get lr(): number {
    return this.groups[0].lr;
  }

  set lr(lr: number) {
    for (const group of this.groups) group.lr = lr;
  }

  /** What a traced step depends on besides numbers: while this stays the same, so do the calls of ops that a step makes. */
  get structure(): string {
    const { structureOf } = this.#kind;
    return this.groups
      .map((group) => `${group.params.length}:${structureOf?.(group).map(Number).join('') ?? ''}`)
      .join();
  }

  /**
   * Adds parameters with options of their own, for example layers that are trained from some epoch on.
   *
   * @throws ArgumentError for options out of range, no parameters, results of operations, or parameters it already has
   */
  addParamGroup(group: GroupOptions<O>): void {
    const { name } = this.#kind;
    const given: unknown = group?.params;
    const isIterable = typeof (given as Iterable<unknown> | undefined)?.[Symbol.iterator] === 'function';
    const params = (isIterable ? [...(given as Iterable<unknown>)] : [given]) as Tensor[];
    check(params.length > 0, name, () => 'a group has no parameters', ArgumentError);
    check(
      params.every((parameter) => parameter instanceof Tensor),
      name,
      () => 'parameters must be tensors, or groups { params, … } of them',
      ArgumentError,
    );
    const all = [...this.parameters, ...params];
    check(
      new Set(all).size === all.length,
      name,
      () => 'a parameter is listed twice, and would be updated twice in each step',
      ArgumentError,
    );
    for (const { node, shape } of params) {
      check(
        !node,
        name,
        () => `a parameter of shape ${formatShape(shape)} is the result of an operation; only leaves can be optimised`,
        ArgumentError,
      );
    }
    const own = Object.fromEntries(Object.entries(group).filter(([, value]) => value !== undefined));
    const complete = { ...this.options, ...own, params } as ParameterGroup<O>;
    this.#kind.checkOptions(complete);
    this.groups.push(complete);
  }

  /**
   * Updates every parameter that has a gradient and still requires one.
   *
   * @throws ShapeError when a gradient is not like its parameter; then nothing has changed
   */
  step(): void {
    const updates = this.groups.flatMap((group) =>
      group.params.flatMap((parameter) => {
        const { grad, shape, dtype } = parameter;
        if (!grad || !parameter.requiresGrad) return [];
        check(
          grad.dtype === dtype && sameShape(grad.shape, shape),
          'step',
          () => `a gradient is ${grad.dtype} ${formatShape(grad.shape)}, its parameter ${dtype} ${formatShape(shape)}`,
        );
        return [{ parameter, grad, group }];
      }),
    );
    onRun(() => {
      this.#steps++;
    });
    noGrad(() => {
      for (const { parameter, grad, group } of updates) this.update(parameter, grad, group, this.#stateOf(parameter));
    });
  }

  /** Forgets all gradients. */
  zeroGrad(): void {
    for (const parameter of this.parameters) parameter.grad = null;
  }

  /** What is needed to continue later; its tensors share memory with the optimizer. */
  stateDict(): OptimizerState {
    return {
      step: this.#steps,
      groups: this.groups.map(({ params, ...options }) => ({ ...(options as OptimizerOptions), size: params.length })),
      state: this.parameters.map((parameter) => {
        const state = this.#states.get(parameter);
        return state?.updates ? { updates: state.updates, tensors: { ...state.tensors } } : null;
      }),
    };
  }

  /**
   * Continues from a saved state, with the options it was saved with.
   *
   * @throws ConvforgeError ERR_STATE_DICT when it belongs to other parameters or another kind of optimizer; then nothing
   *   has changed
   */
  loadStateDict(saved: OptimizerState): void {
    const { step, groups, state } = saved ?? {};
    const { parameters } = this;
    const sizes = (list: readonly number[]) => `groups of ${list.join(', ')} parameters`;
    const [own, given] = [this.groups.map(({ params }) => params.length), groups?.map?.(({ size }) => size)];
    checkState(
      given?.join() === own.join(),
      () => `the state is of ${sizes(given ?? [])}, the optimizer of ${sizes(own)}`,
    );
    checkCount('step', step);
    for (const options of groups) this.#checkSaved(options as unknown as O);
    checkState(
      state?.length === parameters.length,
      () => `the state is of ${state?.length} parameters, the optimizer of ${parameters.length}`,
    );
    state.forEach((each, i) => {
      if (each) this.#checkParameterState(each, parameters[i], i);
    });
    this.#steps = step;
    groups.forEach(({ size, ...options }, i) => {
      Object.assign(this.groups[i], options);
    });
    state.forEach((each, i) => {
      if (each || this.#states.has(parameters[i])) this.#restore(parameters[i], each);
    });
  }

  /** Changes one parameter in place. */
  protected abstract update(parameter: Tensor, gradient: Tensor, group: ParameterGroup<O>, state: ParameterState): void;

  /** A tensor that is kept for a parameter, zeros at first. */
  protected kept(name: string, { dtype, shape }: Tensor, { tensors }: ParameterState): Tensor {
    tensors[name] ??= zeros(shape, { dtype });
    return tensors[name];
  }

  /** Counts an update, and passes numbers on that are made anew for each; they get how many updates there were before. */
  protected settings(
    { dtype }: Tensor,
    state: ParameterState,
    length: number,
    numbers: (updates: number) => readonly number[],
  ): Tensor {
    return supply(dtype, [length], (values) => (values as Float32Array).set(numbers(state.updates++)));
  }

  #stateOf(parameter: Tensor): ParameterState {
    const known = this.#states.get(parameter);
    if (known) return known;
    const made: ParameterState = { updates: 0, tensors: {} };
    this.#states.set(parameter, made);
    return made;
  }

  /** Into the memory there is, which steps that were traced before go on to use. */
  #restore(parameter: Tensor, saved: ParameterState | null): void {
    const state = this.#stateOf(parameter);
    state.updates = saved?.updates ?? 0;
    for (const name of Object.keys({ ...state.tensors, ...saved?.tensors })) {
      const { storage } = this.kept(name, parameter, state);
      const values = saved?.tensors[name]?.storage.values as Float32Array | undefined;
      if (values) (storage.values as Float32Array).set(values);
      else (storage.values as Float32Array).fill(0);
      storage.version++;
    }
  }

  #checkSaved(options: O): void {
    try {
      this.#kind.checkOptions(options);
    } catch (error) {
      throw new ConvforgeError('ERR_STATE_DICT', `loadStateDict: ${(error as Error).message}`, { cause: error });
    }
  }

  #checkParameterState({ updates, tensors }: ParameterState, { dtype, shape }: Tensor, i: number): void {
    checkCount(`updates of parameter ${i}`, updates);
    const { name: kind, state: names } = this.#kind;
    for (const name of Object.keys(tensors ?? {})) {
      checkState(Object.hasOwn(names, name), () => `${kind} keeps no ${name} for a parameter`);
    }
    for (const [name, when] of Object.entries(names)) {
      const tensor: unknown = tensors?.[name];
      if (tensor === undefined && when === 'optional') continue;
      checkState(
        tensor instanceof Tensor && tensor.dtype === dtype && sameShape(tensor.shape, shape),
        () =>
          `${name} of parameter ${i} must be ${dtype} ${formatShape(shape)}, got ${tensor instanceof Tensor ? `${tensor.dtype} ${formatShape(tensor.shape)}` : typeof tensor}`,
      );
    }
  }
}

/** Throws unless low ≤ value ≤ high. */
export function checkRange(operation: string, option: string, value: number, low: number, high = Infinity): void {
  const range = high === Number.POSITIVE_INFINITY ? `at least ${low}` : `in [${low}, ${high}]`;
  check(value >= low && value <= high, operation, () => `${option} must be ${range}, got ${value}`, ArgumentError);
}

/** Throws unless there are two betas in [0, 1). */
export function checkBetas(operation: string, betas: readonly [number, number]): void {
  for (const i of [0, 1]) {
    const beta = betas?.[i];
    check(beta >= 0 && beta < 1, operation, () => `betas[${i}] must be in [0, 1), got ${beta}`, ArgumentError);
  }
}
