import type { StateDict } from '../nn/module.js';
import type { GeneratorState } from '../random.js';

/** What came out of one pass over the training data. */
export interface EpochRecord {
  /** Its number, from 1. */
  readonly epoch: number;
  /** Updates made by its end, over all epochs. */
  readonly step: number;
  /** Learning rate of its last update. */
  readonly lr: number;
  /** Mean loss and metrics over the training samples, taken as the weights changed. */
  readonly train: Readonly<Record<string, number>>;
  /** Loss and metrics of the validation that followed; null without one. */
  readonly validation: Readonly<Record<string, number>> | null;
  /** Seconds that training took, validation not counted. */
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

/** The best value of what is watched, and for how many epochs there was none better. */
export interface BestState {
  value: number;
  /** Number of the epoch it belongs to, from 1; 0 before there is one. */
  epoch: number;
  /** Epochs since. */
  wait: number;
}

/** What has been counted in the epoch that is under way. */
export interface EpochSums {
  loss: unknown;
  metrics: Record<string, unknown>;
  samples: number;
  seconds: number;
  /** Learning rate of the last update; null before the first. */
  lr: number | null;
}

/** Everything a training needs to go on, besides the weights: tensors and values that JSON can keep. */
export interface TrainingState {
  /** Updates made. */
  readonly step: number;
  /** Epochs that are over, their validation included. */
  readonly epoch: number;
  /** Batches of the epoch under way that are done. */
  readonly batch: number;
  /** Whether all batches of that epoch are done, and only its end is missing. */
  readonly isTrained: boolean;
  readonly sums: EpochSums;
  readonly history: readonly EpochRecord[];
  readonly best: BestState;
  readonly stopping: BestState;
  /** Parameters of a loss that is a module, by name; null for a function. */
  readonly loss?: StateDict | null;
  /** Name of the optimizer's class, and its state. */
  readonly optimizer: { readonly name: string; readonly state: unknown };
  readonly scheduler: unknown;
  readonly ema: unknown;
  /** The loader's own account of where it is; null if it keeps none. */
  readonly loader: unknown;
  readonly generators: {
    readonly default: GeneratorState;
    /** Of modules that have generators of their own, by the path to it. */
    readonly modules: Readonly<Record<string, GeneratorState>>;
  };
}
