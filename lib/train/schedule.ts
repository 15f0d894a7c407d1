import { ArgumentError, check } from '../errors.js';

/** A schedule of learning rates, such as those of `optim`: each step sets the optimizer's rate for what follows. */
export interface Schedule {
  /** @param metric the value that the training watches, for schedules that follow it */
  step(metric?: number): void;
  stateDict(): unknown;
  loadStateDict(state: unknown): void;
}

/** When a schedule takes its steps. */
export type ScheduleInterval = 'epoch' | 'step';

export function checkSchedule(operation: string, schedule: unknown, interval: unknown): void {
  const given = schedule as Partial<Schedule> | null | undefined;
  check(
    given === undefined ||
      (given !== null &&
        typeof given.step === 'function' &&
        typeof given.stateDict === 'function' &&
        typeof given.loadStateDict === 'function'),
    operation,
    () => 'scheduler must have step, stateDict and loadStateDict, as those of optim have',
    ArgumentError,
  );
  check(
    interval === undefined || ((interval === 'epoch' || interval === 'step') && given !== undefined),
    operation,
    () =>
      given === undefined
        ? 'schedulerInterval goes with a scheduler only'
        : `schedulerInterval must be 'epoch' or 'step', got ${JSON.stringify(interval)}`,
    ArgumentError,
  );
}
