import type { Tensor } from '../tensor.js';
import type { EpochRecord } from './state.js';

type Answer = void | Promise<void>;

/** What a callback is told of a batch that was trained on. */
export interface StepInfo {
  /** Number of the epoch, from 1. */
  readonly epoch: number;
  /** Number of the batch in its epoch, from 1. */
  readonly batch: number;
  /** Updates made so far, over all epochs. */
  readonly step: number;
  readonly loss: number;
  readonly lr: number;
  readonly output: Tensor;
}

/** What a callback is told of a checkpoint that was written. */
export interface CheckpointInfo {
  readonly path: string;
  /** 'last' is where training goes on from, 'best' what is best by the monitored value. */
  readonly kind: 'last' | 'best';
  readonly step: number;
}

/**
 * Functions that are called, and waited for, as training goes on. What one throws ends the training. `Trainer.stop()` may be
 * called in any of them.
 */
export interface TrainerCallback {
  onTrainBegin?(): Answer;
  /** @param epoch its number, from 1 */
  onEpochBegin?(epoch: number): Answer;
  onStepEnd?(info: StepInfo): Answer;
  /** Called before the epoch's checkpoint is written. */
  onEpochEnd?(record: EpochRecord): Answer;
  onCheckpoint?(info: CheckpointInfo): Answer;
  onTrainEnd?(history: readonly EpochRecord[]): Answer;
}

type Arguments<K extends keyof TrainerCallback> = Parameters<NonNullable<TrainerCallback[K]>>;

/** Calls one function of all callbacks, one after the other. */
export async function notify<K extends keyof TrainerCallback>(
  callbacks: readonly TrainerCallback[],
  name: K,
  ...values: Arguments<K>
): Promise<void> {
  for (const callback of callbacks) {
    await (callback[name] as ((...values: Arguments<K>) => Answer) | undefined)?.apply(callback, values);
  }
}
