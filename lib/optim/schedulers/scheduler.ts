import { ArgumentError, check } from '../../errors.js';
import { checkCount, checkState } from '../checkstate.js';
import type { Optimizer, ParameterGroup } from '../optimizer.js';

/** What a scheduler needs to continue where it stopped; JSON can keep it. */
export type SchedulerState = Record<string, unknown>;

/**
 * Base of all schedulers: they set the learning rates of an optimizer's groups when they are made, and anew at each `step()`,
 * called after the optimizer's steps of an epoch (or after each of them, if the schedule counts those).
 *
 * As in PyTorch most schedules compute a rate from the one before, so that several of them, and changes by hand, add up.
 * Learning rates themselves are part of the optimizer's state: load both to continue.
 */
export abstract class Scheduler {
  readonly optimizer: Optimizer;
  /** Steps made since the start. */
  epoch = 0;
  /** Rates of the groups that the schedule starts from. */
  protected baseLrs: number[];

  constructor(optimizer: Optimizer) {
    this.optimizer = optimizer;
    this.baseLrs = optimizer.groups.map((group) => {
      group.initialLr ??= group.lr;
      return group.initialLr;
    });
  }

  /** Goes on by one step. `metric` is for schedules that watch one, such as {@link ReduceLROnPlateau}. */
  step(_metric?: number): void {
    this.epoch++;
    this.each((group, i) => {
      group.lr = this.next(group.lr, i);
    });
  }

  /** Goes back to the rates that the groups had before any schedule, and begins: what {@link SequentialLR} does. @internal */
  restart(): void {
    this.each((group, i) => {
      group.lr = this.baseLrs[i];
    });
    this.begin();
  }

  /** Sets the rates of epoch 0; to be called at the end of a constructor. @internal */
  begin(): void {
    this.epoch = 0;
    this.each((group, i) => {
      group.lr = this.first(group.lr, i);
    });
  }

  /** The state, which JSON can keep. */
  stateDict(): SchedulerState {
    this.each(() => {}); // takes in groups that were added since the last step
    return { epoch: this.epoch, baseLrs: [...this.baseLrs] };
  }

  /**
   * Continues from a saved state.
   *
   * @throws ConvforgeError ERR_STATE_DICT when it is not of such a scheduler; then nothing has changed
   */
  loadStateDict(state: SchedulerState): void {
    this.checkState(state ?? {});
    this.restore(state);
  }

  /** Throws unless a state is of such a scheduler. @internal */
  checkState({ epoch, baseLrs }: SchedulerState): void {
    checkCount('epoch', epoch);
    const { length } = this.optimizer.groups;
    checkState(
      Array.isArray(baseLrs) && baseLrs.length === length && baseLrs.every(Number.isFinite),
      () => `baseLrs must be ${length} numbers, got ${JSON.stringify(baseLrs)}`,
    );
  }

  /** Takes over a state that was checked. @internal */
  restore({ epoch, baseLrs }: SchedulerState): void {
    this.epoch = epoch as number;
    this.baseLrs = [...(baseLrs as number[])];
  }

  /** Rate of a group at epoch 0, given the one it has. */
  protected first(lr: number, _group: number): number {
    return lr;
  }

  /** Rate of a group at {@link epoch}, given the one at the epoch before. */
  protected abstract next(lr: number, group: number): number;

  /** Groups that were added later start from the rate they came with. */
  protected each(visit: (group: ParameterGroup, index: number) => void): void {
    this.optimizer.groups.forEach((group, i) => {
      group.initialLr ??= group.lr;
      this.baseLrs[i] ??= group.initialLr;
      visit(group, i);
    });
  }
}

/** An option that is one value for all groups or one for each, as one for each. */
export function perGroup<T>(operation: string, option: string, value: T | readonly T[], { groups }: Optimizer): T[] {
  if (!Array.isArray(value)) return groups.map(() => value as T);
  check(
    value.length === groups.length,
    operation,
    () => `${option} must be one value or ${groups.length}, one for each group, got ${value.length}`,
    ArgumentError,
  );
  return [...value];
}
