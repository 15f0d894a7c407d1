import { ArgumentError, check } from '../../errors.js';
import type { Shape } from '../../shape.js';

/** A size that grows with the batch: factor · batch + offset. */
export interface Growing {
  readonly factor: number;
  readonly offset: number;
}

/** A size in an exported model: a number, or one that grows with the batch. */
export type Extent = number | Growing;

/** What two traces of one model, with different batches, tell about its sizes. */
export interface Batches {
  readonly first: number;
  readonly second: number;
}

/** The size that was `first` in one trace and `second` in the other. */
export function extentOf(batches: Batches, first: number, second: number): Extent {
  if (first === second) return first;
  const factor = (second - first) / (batches.second - batches.first);
  const offset = first - factor * batches.first;
  check(
    Number.isInteger(factor),
    'exportOnnx',
    () =>
      `a size is ${first} for a batch of ${batches.first} and ${second} for one of ${batches.second}, which is no multiple; export with { dynamicBatch: false }`,
    ArgumentError,
  );
  return { factor, offset };
}

export function extentsOf(batches: Batches, first: Shape, second: Shape): Extent[] {
  return first.map((extent, axis) => extentOf(batches, extent, second[axis]));
}

export function sameExtent(a: Extent, b: Extent): boolean {
  if (typeof a === 'number' || typeof b === 'number') return a === b;
  return a.factor === b.factor && a.offset === b.offset;
}
