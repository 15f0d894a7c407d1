import { ArgumentError, check } from '../errors.js';
import type { Tensor } from '../tensor.js';

/**
 * Where batches come from: anything that can be iterated over once an epoch, such as a `DataLoader` or an array of batches.
 * A batch is an array of tensors, inputs [n, …] first, then targets.
 */
export interface Loader {
  /** Batches an epoch, if that is known. */
  readonly length?: number;
  [Symbol.iterator]?(): Iterator<readonly Tensor[]>;
  [Symbol.asyncIterator]?(): AsyncIterator<readonly Tensor[]>;
  /** Where the consumer is, as JSON can keep it. With `loadStateDict` it makes resuming exact in the middle of an epoch. */
  stateDict?(): unknown;
  /** The next iteration goes on where the state was taken. */
  loadStateDict?(state: unknown): void;
}

/** Starts an iteration over a loader. */
export function iterate(loader: Loader): AsyncIterator<readonly Tensor[]> | Iterator<readonly Tensor[]> {
  return (loader[Symbol.asyncIterator]?.() ?? loader[Symbol.iterator]?.()) as AsyncIterator<readonly Tensor[]>;
}

/** Throws unless the value can be iterated over. */
export function checkLoader(operation: string, name: string, loader: unknown): asserts loader is Loader {
  const given = loader as Loader | null | undefined;
  check(
    typeof given === 'object' &&
      given !== null &&
      (typeof given[Symbol.asyncIterator] === 'function' || typeof given[Symbol.iterator] === 'function'),
    operation,
    () => `${name} must be iterable, such as a DataLoader or an array of batches`,
    ArgumentError,
  );
}

/** Whether the loader remembers where it is. */
export function hasState(loader: Loader): loader is Loader & Required<Pick<Loader, 'stateDict' | 'loadStateDict'>> {
  return typeof loader.stateDict === 'function' && typeof loader.loadStateDict === 'function';
}
