import { ArgumentError, check } from '../errors.js';
import type { Generator } from '../random.js';
import type { Tensor } from '../tensor.js';

/** One element of a dataset. */
export interface Sample {
  /** Input of the network: an image [c, h, w] of float32, or of uint8, which batches hold as numbers in 0 … 1. */
  image: Tensor<'float32' | 'uint8'>;
  /** The class, an integer; or any other target, such as a mask or a vector, as a tensor. */
  label: number | Tensor;
}

/** Inputs [n, …], and targets [n, …]: classes are int32 [n]. */
export type Batch = readonly [x: Tensor<'float32'>, y: Tensor];

/** Samples that are found by their position. */
export interface Dataset {
  /** Number of samples. */
  readonly length: number;
  /**
   * The sample at a position in [0, length). The generator gives random numbers that belong to this sample in this epoch,
   * for datasets that augment by themselves, such as an image and its mask together.
   */
  get(index: number, generator?: Generator): Sample | Promise<Sample>;
  /** Where a sample comes from, such as the name of its file, for messages. */
  source?(index: number): string | undefined;
}

/** Throws unless a position lies in [0, length). */
export function checkPosition(operation: string, position: number, length: number): void {
  check(
    Number.isInteger(position) && position >= 0 && position < length,
    operation,
    () => `position ${position} is outside [0, ${length})`,
    ArgumentError,
  );
}
