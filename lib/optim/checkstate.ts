import { ConvforgeError } from '../errors.js';

/** Throws ERR_STATE_DICT unless a saved state keeps a rule. */
export function checkState(condition: boolean, rule: () => string): asserts condition {
  if (!condition) throw new ConvforgeError('ERR_STATE_DICT', `loadStateDict: ${rule()}`);
}

/** Throws ERR_STATE_DICT unless a number of a saved state is a count. */
export function checkCount(name: string, value: unknown): void {
  checkState(
    Number.isSafeInteger(value) && (value as number) >= 0,
    () => `${name} must be an integer of at least 0, got ${value}`,
  );
}
