import { ArgumentError, check } from '../../errors.js';
import { whole } from '../../geometry.js';
import { checkState } from '../checkstate.js';
import { checkRange, type Optimizer } from '../optimizer.js';
import { perGroup, Scheduler, type SchedulerState } from './scheduler.js';

/** Options of {@link ReduceLROnPlateau}. */
export interface ReduceLROnPlateauOptions {
  /** Whether a smaller metric is better, or a larger one. Default 'min'. */
  mode?: 'min' | 'max';
  /** Factor of a reduction, in [0, 1). Default 0.1. */
  factor?: number;
  /** Epochs without improvement that are tolerated, at least 0. Default 10. */
  patience?: number;
  /** What counts as an improvement, at least 0. Default 1e-4. */
  threshold?: number;
  /** Whether the threshold is a part of the best metric or a difference from it. Default 'rel'. */
  thresholdMode?: 'rel' | 'abs';
  /** Epochs after a reduction that do not count, at least 0. Default 0. */
  cooldown?: number;
  /** Smallest learning rate, at least 0: one for all groups, or one for each. Default 0. */
  minLr?: number | readonly number[];
  /** Reductions by no more than this are left out, at least 0. Default 1e-8. */
  eps?: number;
}

/**
 * Reduces learning rates when a metric, the argument of `step`, has stopped improving. NaN is no improvement.
 *
 * @throws ArgumentError for options out of range, and when `step` gets no number
 * @example
 * const optimizer = new SGD([zeros([1])], { lr: 1 });
 * const scheduler = new optim.ReduceLROnPlateau(optimizer, { factor: 0.5, patience: 1 });
 * [3, 3, 3, 2].map((loss) => (scheduler.step(loss), optimizer.lr)); // [1, 1, 0.5, 0.5]
 */
export class ReduceLROnPlateau extends Scheduler {
  readonly #options: Required<Omit<ReduceLROnPlateauOptions, 'minLr'>>;
  readonly #minLrs: readonly number[];
  /** null before the first metric that is better than none. */
  #best: number | null = null;
  #badEpochs = 0;
  #cooldown = 0;

  constructor(optimizer: Optimizer, options: ReduceLROnPlateauOptions = {}) {
    super(optimizer);
    const { mode = 'min', factor = 0.1, patience = 10, threshold = 1e-4 } = options;
    const { thresholdMode = 'rel', cooldown = 0, minLr = 0, eps = 1e-8 } = options;
    const operation = 'ReduceLROnPlateau';
    check(
      mode === 'min' || mode === 'max',
      operation,
      () => `mode must be 'min' or 'max', got ${JSON.stringify(mode)}`,
      ArgumentError,
    );
    check(
      thresholdMode === 'rel' || thresholdMode === 'abs',
      operation,
      () => `thresholdMode must be 'rel' or 'abs', got ${JSON.stringify(thresholdMode)}`,
      ArgumentError,
    );
    check(factor >= 0 && factor < 1, operation, () => `factor must be in [0, 1), got ${factor}`, ArgumentError);
    whole(operation, 'patience', patience, 0);
    whole(operation, 'cooldown', cooldown, 0);
    checkRange(operation, 'threshold', threshold, 0);
    checkRange(operation, 'eps', eps, 0);
    this.#minLrs = perGroup(operation, 'minLr', minLr, optimizer);
    for (const each of this.#minLrs) checkRange(operation, 'minLr', each, 0);
    this.#options = { mode, factor, patience, threshold, thresholdMode, cooldown, eps };
  }

  override step(metric?: number): void {
    check(
      typeof metric === 'number',
      'ReduceLROnPlateau',
      () => `step needs the metric that is watched, got ${metric}`,
      ArgumentError,
    );
    const { patience, cooldown } = this.#options;
    const isBetter = this.#isBetter(metric);
    if (isBetter) this.#best = metric;
    this.#badEpochs = isBetter ? 0 : this.#badEpochs + 1;
    if (this.#cooldown > 0) {
      this.#cooldown--;
      this.#badEpochs = 0;
    }
    const isOver = this.#badEpochs > patience;
    if (isOver) {
      this.#cooldown = cooldown;
      this.#badEpochs = 0;
    }
    this.epoch++;
    if (!isOver) return;
    this.each((group, i) => {
      group.lr = this.next(group.lr, i);
    });
  }

  override begin(): void {
    super.begin();
    this.#best = null;
    this.#badEpochs = 0;
    this.#cooldown = 0;
  }

  override stateDict(): SchedulerState {
    return { ...super.stateDict(), best: this.#best, badEpochs: this.#badEpochs, cooldown: this.#cooldown };
  }

  override checkState(state: SchedulerState): void {
    super.checkState(state);
    const { best, badEpochs, cooldown } = state;
    checkState(
      (best === null || typeof best === 'number') && Number.isInteger(badEpochs) && Number.isInteger(cooldown),
      () => 'the state is not of a ReduceLROnPlateau',
    );
  }

  override restore(state: SchedulerState): void {
    super.restore(state);
    this.#best = state.best as number | null;
    this.#badEpochs = state.badEpochs as number;
    this.#cooldown = state.cooldown as number;
  }

  protected next(lr: number, group: number): number {
    const reduced = Math.max(lr * this.#options.factor, this.#minLrs[group] ?? 0);
    return lr - reduced > this.#options.eps ? reduced : lr;
  }

  #isBetter(metric: number): boolean {
    const { mode, threshold, thresholdMode } = this.#options;
    const direction = mode === 'min' ? -1 : 1;
    if (this.#best === null) return direction * metric > Number.NEGATIVE_INFINITY;
    const bar = thresholdMode === 'rel' ? this.#best * (1 + direction * threshold) : this.#best + direction * threshold;
    return direction * metric > direction * bar;
  }
}
