import { type DType, isFloat } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import type { Module, StateDict } from '../nn/module.js';
import { blend } from '../ops/blend.js';
import { onRun, supply } from '../ops/op.js';
import { sameShape } from '../shape.js';
import { Tensor } from '../tensor.js';
import { checkCount, checkState } from './checkstate.js';
import { checkRange } from './optimizer.js';

/** Options of {@link ExponentialMovingAverage}. */
export interface ExponentialMovingAverageOptions {
  /** Weight of the average in the next one, in [0, 1]. Default 0.999. */
  decay?: number;
  /** Begin with a smaller decay: min(decay, (1 + t) / (10 + t)) after t updates. Default false. */
  warmUp?: boolean;
}

/** What is needed to continue an average later. */
export interface MovingAverageState {
  /** Updates made. */
  updates: number;
  /** The averages by the names of the module's state dict. */
  averages: StateDict;
}

/**
 * Exponential moving averages of a module's weights (Polyak and Juditsky 1992), which often do better than the weights
 * themselves: average = decay · average + (1 − decay) · weight after every step of the optimizer.
 *
 * They begin as copies. Floating-point buffers, such as the running statistics of a batch norm, are averaged like weights,
 * other buffers copied.
 *
 * @throws ArgumentError for options out of range
 * @example
 * const net = new nn.Linear(1, 1);
 * const ema = new optim.ExponentialMovingAverage(net, { decay: 0.9 });
 * const before = net.weight.item();
 * nn.init.constant(net.weight, before + 1);
 * ema.update();
 * Number((ema.apply(() => net.weight.item()) - before).toFixed(6)); // 0.1
 */
export class ExponentialMovingAverage {
  readonly decay: number;
  readonly warmUp: boolean;
  readonly #module: Module;
  /** Memory of the module, each once, and its average. */
  readonly #pairs: readonly { readonly live: Tensor; readonly average: Tensor }[];
  #updates = 0;
  #isApplied = false;

  constructor(module: Module, { decay = 0.999, warmUp = false }: ExponentialMovingAverageOptions = {}) {
    checkRange('ExponentialMovingAverage', 'decay', decay, 0, 1);
    this.decay = decay;
    this.warmUp = warmUp;
    this.#module = module;
    const tensors = new Map(Object.values(module.stateDict()).map((tensor) => [tensor.storage, tensor]));
    this.#pairs = [...tensors.values()].map((live) => ({ live, average: live.clone() }));
  }

  /** Takes in the module's weights as they are now; to be called after each step of the optimizer. */
  update(): void {
    onRun(() => {
      this.#checkNotApplied('update');
      this.#updates++;
    });
    const factors = new Map<DType, Tensor>();
    for (const { live, average } of this.#pairs) {
      const { dtype } = average;
      if (!isFloat(dtype)) {
        onRun(() => copy(average, live));
        continue;
      }
      const known = factors.get(dtype);
      const own = known ?? supply(dtype, [2], (values) => (values as Float32Array).set(this.#factors()));
      factors.set(dtype, own);
      blend(average, live, own);
    }
  }

  /** Runs `body` with the averages in the module's place of the weights, and puts the weights back when it has ended. */
  apply<T>(body: () => Promise<T>): Promise<T>;
  apply<T>(body: () => T): T;
  apply<T>(body: () => T | Promise<T>): T | Promise<T> {
    this.#checkNotApplied('apply');
    this.#swap();
    let result: T | Promise<T>;
    try {
      result = body();
    } catch (error) {
      this.#swap();
      throw error;
    }
    if (result instanceof Promise) return result.finally(() => this.#swap());
    this.#swap();
    return result;
  }

  /**
   * Copies the averages into another module of the same names and shapes, for example to save it.
   *
   * @throws ConvforgeError ERR_STATE_DICT when the module does not fit
   */
  copyTo(module: Module): void {
    module.loadStateDict(this.stateDict().averages);
  }

  /** What is needed to continue later; its tensors share memory with the averages. */
  stateDict(): MovingAverageState {
    this.#checkNotApplied('stateDict');
    const averages = new Map(this.#pairs.map(({ live, average }) => [live.storage, average]));
    const named = Object.entries(this.#module.stateDict()).map(([name, { storage }]) => [name, averages.get(storage)]);
    return { updates: this.#updates, averages: Object.fromEntries(named) };
  }

  /**
   * Continues from a saved state.
   *
   * @throws ConvforgeError ERR_STATE_DICT when it is of another module; then nothing has changed
   */
  loadStateDict({ updates, averages }: MovingAverageState): void {
    const own = this.stateDict().averages;
    const wrong = [...new Set([...Object.keys(own), ...Object.keys(averages ?? {})])].filter((name) => {
      const [have, given]: unknown[] = [own[name], averages?.[name]];
      const fits = have instanceof Tensor && given instanceof Tensor;
      return !fits || have.dtype !== given.dtype || !sameShape(have.shape, given.shape);
    });
    checkState(wrong.length === 0, () => `averages do not fit the module: ${wrong.join(', ')}`);
    checkCount('updates', updates);
    for (const [name, average] of Object.entries(own)) copy(average, averages[name]);
    this.#updates = updates;
  }

  /** Of the update that is under way, which has been counted. */
  #factors(): [keep: number, take: number] {
    const t = this.#updates;
    const decay = this.warmUp ? Math.min(this.decay, (1 + t) / (10 + t)) : this.decay;
    return [decay, 1 - decay];
  }

  #swap(): void {
    for (const { live, average } of this.#pairs) {
      const weights = live.clone();
      copy(live, average);
      copy(average, weights);
    }
    this.#isApplied = !this.#isApplied;
  }

  #checkNotApplied(operation: string): void {
    check(
      !this.#isApplied,
      operation,
      () => 'the averages are in the place of the weights; wait for apply',
      ArgumentError,
    );
  }
}

function copy(to: Tensor, from: Tensor): void {
  (to.storage.values as Float32Array).set(from.storage.values as Float32Array);
  to.storage.version++;
}
