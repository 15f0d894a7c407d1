import { ArgumentError, check } from '../../errors.js';
import { checkState } from '../checkstate.js';
import type { Optimizer } from '../optimizer.js';
import { Scheduler, type SchedulerState } from './scheduler.js';

/** Base of schedules that consist of other ones of the same optimizer, which set the rates. */
export abstract class CompositeScheduler extends Scheduler {
  protected readonly schedulers: readonly Scheduler[];

  constructor(optimizer: Optimizer, schedulers: readonly Scheduler[]) {
    checkSchedulers(new.target.name, schedulers, optimizer);
    super(optimizer);
    this.schedulers = [...schedulers];
  }

  override stateDict(): SchedulerState {
    return { ...super.stateDict(), schedulers: this.schedulers.map((each) => each.stateDict()) };
  }

  override checkState(state: SchedulerState): void {
    super.checkState(state);
    const { length } = this.schedulers;
    const { schedulers: states } = state;
    checkState(Array.isArray(states) && states.length === length, () => `the state must be of ${length} schedulers`);
    this.schedulers.forEach((each, i) => {
      each.checkState((states as SchedulerState[])[i] ?? {});
    });
  }

  override restore(state: SchedulerState): void {
    super.restore(state);
    this.schedulers.forEach((each, i) => {
      each.restore((state.schedulers as SchedulerState[])[i]);
    });
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
