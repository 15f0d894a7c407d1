import { ArgumentError, check } from '../../errors.js';
import { whole } from '../../geometry.js';
import type { Optimizer } from '../optimizer.js';
import { CompositeScheduler } from './compositescheduler.js';
import type { Scheduler } from './scheduler.js';

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
export class SequentialLR extends CompositeScheduler {
  readonly #milestones: readonly number[];

  constructor(optimizer: Optimizer, { schedulers, milestones }: SequentialLROptions) {
    super(optimizer, schedulers);
    check(
      milestones?.length === schedulers.length - 1,
      'SequentialLR',
      () => `${schedulers.length} schedulers need ${schedulers.length - 1} milestones, got ${milestones?.length}`,
      ArgumentError,
    );
    for (const milestone of milestones) whole('SequentialLR', 'a milestone', milestone, 1);
    check(
      milestones.every((milestone, i) => i === 0 || milestone > milestones[i - 1]),
      'SequentialLR',
      () => `milestones must rise, got ${milestones.join(', ')}`,
      ArgumentError,
    );
    this.#milestones = [...milestones];
    this.restart(); // because all schedulers have set rates when they were made
  }

  override step(metric?: number): void {
    this.epoch++;
    const current = this.schedulers[this.#milestones.filter((milestone) => milestone <= this.epoch).length];
    if (this.#milestones.includes(this.epoch)) current.restart();
    else current.step(metric);
  }

  override begin(): void {
    this.epoch = 0;
    this.schedulers[0].begin();
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
export class ChainedScheduler extends CompositeScheduler {
  constructor(schedulers: readonly Scheduler[]) {
    super(schedulers?.[0]?.optimizer, schedulers);
  }

  override step(metric?: number): void {
    this.epoch++;
    for (const each of this.schedulers) each.step(metric);
  }

  override begin(): void {
    this.epoch = 0;
    for (const each of this.schedulers) each.begin();
  }
}
