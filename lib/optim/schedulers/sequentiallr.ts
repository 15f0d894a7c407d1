import { ArgumentError, check } from '../../errors.js';
import type { Optimizer } from '../optimizer.js';
import { checkInteger, checkSaved, Scheduler, type SchedulerState } from './scheduler.js';

/** Options of {@link SequentialLR}. */
export interface SequentialLROptions {
  /** Schedules that follow one another, of the same optimizer; each starts from the first learning rates. */
  schedulers: readonly Scheduler[];
  /** Epochs at which the second, third, … begin: integers of at least 1, in rising order. */
  milestones: readonly number[];
}

/**
 * One schedule after another, such as a warm-up and then a cosine.
 *
 * @throws ArgumentError unless there is one milestone less than schedules, which are of the optimizer
 * @example
 * const optimizer = new SGD([zeros([1])], { lr: 1 });
 * const warmUp = new optim.LinearLR(optimizer, { startFactor: 0.5, totalIters: 2 });
 * const decay = new optim.ExponentialLR(optimizer, { gamma: 0.5 });
 * const scheduler = new optim.SequentialLR(optimizer, { schedulers: [warmUp, decay], milestones: [2] });
 * [optimizer.lr, ...[0, 1, 2].map(() => (scheduler.step(), optimizer.lr))]; // [0.5, 0.75, 1, 0.5]
 */
export class SequentialLR extends Scheduler {
  readonly #schedulers: readonly Scheduler[];
  readonly #milestones: readonly number[];

  constructor(optimizer: Optimizer, { schedulers, milestones }: SequentialLROptions) {
    super(optimizer);
    checkSchedulers('SequentialLR', schedulers, optimizer);
    check(
      milestones?.length === schedulers.length - 1,
      'SequentialLR',
      () => `${schedulers.length} schedulers need ${schedulers.length - 1} milestones, got ${milestones?.length}`,
      ArgumentError,
    );
    for (const milestone of milestones) checkInteger('SequentialLR', 'a milestone', milestone, 1);
    check(
      milestones.every((milestone, i) => i === 0 || milestone > milestones[i - 1]),
      'SequentialLR',
      () => `milestones must rise, got ${milestones.join(', ')}`,
      ArgumentError,
    );
    this.#schedulers = [...schedulers];
    this.#milestones = [...milestones];
    this.restart(); // because all schedulers have set rates when they were made
  }

  override step(metric?: number): void {
    this.epoch++;
    const current = this.#schedulers[this.#milestones.filter((milestone) => milestone <= this.epoch).length];
    if (this.#milestones.includes(this.epoch)) current.restart();
    else current.step(metric);
  }

  override begin(): void {
    this.epoch = 0;
    this.#schedulers[0].begin();
  }

  override stateDict(): SchedulerState {
    return { ...super.stateDict(), schedulers: this.#schedulers.map((each) => each.stateDict()) };
  }

  override checkState(state: SchedulerState): void {
    super.checkState(state);
    checkStates(this.#schedulers, state);
  }

  override restore(state: SchedulerState): void {
    super.restore(state);
    restoreAll(this.#schedulers, state);
  }

  protected next(lr: number): number {
    return lr; // each schedule sets its own
  }
}

/**
 * Several schedules at once: each changes the learning rates that the ones before have set.
 *
 * @throws ArgumentError unless there are schedulers, all of one optimizer
 * @example
 * const optimizer = new SGD([zeros([1])], { lr: 1 });
 * const warmUp = new optim.ConstantLR(optimizer, { factor: 0.5, totalIters: 1 });
 * const decay = new optim.ExponentialLR(optimizer, { gamma: 0.5 });
 * const scheduler = new optim.ChainedScheduler([warmUp, decay]);
 * [optimizer.lr, ...[0, 1].map(() => (scheduler.step(), optimizer.lr))]; // [0.5, 0.5, 0.25]
 */
export class ChainedScheduler extends Scheduler {
  readonly #schedulers: readonly Scheduler[];

  constructor(schedulers: readonly Scheduler[]) {
    checkSchedulers('ChainedScheduler', schedulers, schedulers?.[0]?.optimizer);
    super(schedulers[0].optimizer);
    this.#schedulers = [...schedulers];
  }

  override step(metric?: number): void {
    this.epoch++;
    for (const each of this.#schedulers) each.step(metric);
  }

  override begin(): void {
    this.epoch = 0;
    for (const each of this.#schedulers) each.begin();
  }

  override stateDict(): SchedulerState {
    return { ...super.stateDict(), schedulers: this.#schedulers.map((each) => each.stateDict()) };
  }

  override checkState(state: SchedulerState): void {
    super.checkState(state);
    checkStates(this.#schedulers, state);
  }

  override restore(state: SchedulerState): void {
    super.restore(state);
    restoreAll(this.#schedulers, state);
  }

  protected next(lr: number): number {
    return lr; // each schedule sets its own
  }
}

function checkSchedulers(operation: string, schedulers: readonly Scheduler[], optimizer: Optimizer): void {
  check(
    Array.isArray(schedulers) && schedulers.length > 0 && schedulers.every((each) => each instanceof Scheduler),
    operation,
    () => 'schedulers must be an array of schedulers, at least one',
    ArgumentError,
  );
  check(
    schedulers.every((each) => each.optimizer === optimizer),
    operation,
    () => 'all schedulers must be of the same optimizer',
    ArgumentError,
  );
}

function checkStates(schedulers: readonly Scheduler[], { schedulers: states }: SchedulerState): void {
  checkSaved(
    Array.isArray(states) && states.length === schedulers.length,
    () => `the state must be of ${schedulers.length} schedulers`,
  );
  schedulers.forEach((each, i) => {
    each.checkState((states as SchedulerState[])[i] ?? {});
  });
}

function restoreAll(schedulers: readonly Scheduler[], { schedulers: states }: SchedulerState): void {
  schedulers.forEach((each, i) => {
    each.restore((states as SchedulerState[])[i]);
  });
}
