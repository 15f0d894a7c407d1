import { ArgumentError, check } from '../errors.js';
import { whole } from '../geometry.js';
import type { TrainerCallback } from './callback.js';
import { checkLoader, type Loader } from './loader.js';
import type { EarlyStoppingOptions, MonitorOptions } from './monitor.js';
import type { ProgressStream } from './progress.js';
import type { EpochRecord } from './state.js';

/** Options of `Trainer.fit`. */
export interface FitOptions extends MonitorOptions {
  /** Passes over the training data, at least 1; those of a resumed training count. */
  epochs: number;
  /** Data to measure loss and metrics on after each epoch. */
  validation?: Loader;
  /** Stops after the update that is under way, and saves. */
  signal?: AbortSignal;
  /** Where checkpoints (`last.safetensors`, `best.safetensors`), `history.jsonl` and curves go. Default: nothing is written. */
  folder?: string;
  /**
   * Go on from `last.safetensors` of the folder, without one from `best.safetensors`, without either from the start (true),
   * or from the checkpoint of this path. Weights, optimizer, schedule, random numbers and the place in the data continue
   * exactly. Default false.
   */
  resume?: boolean | string;
  /** Replace the checkpoints of an earlier training in the folder. Default false: that is an error. */
  overwrite?: boolean;
  /** Write `last.safetensors` also after every so many updates, at least 1. Default: after epochs only. */
  checkpointEvery?: number;
  /** Called as training goes on. */
  callbacks?: TrainerCallback | readonly TrainerCallback[];
  /** Stop when there was no improvement for some epochs. Default: never. */
  earlyStopping?: EarlyStoppingOptions;
  /** A line after every so many updates, at least 1. Default: after epochs only. */
  logEvery?: number;
  /** A bar on a terminal and lines elsewhere: on stderr (true, the default), on this stream, or nowhere. */
  progress?: boolean | ProgressStream;
  /** Whether the first Ctrl-C stops after the step and saves; the second then ends the process. Default true. */
  interrupt?: boolean;
  /** Kept in checkpoints, such as the names of classes: what JSON can keep. */
  metadata?: Readonly<Record<string, unknown>>;
}

/**
 * Why a training ended: all epochs done, no improvement, its signal, Ctrl-C, or `Trainer.stop()`.
 */
export type StopReason = 'finished' | 'earlyStopping' | 'aborted' | 'interrupted' | 'stopped';

/** What a training came to. */
export interface FitResult {
  /** One record an epoch, those before a resumed checkpoint included. */
  readonly history: readonly EpochRecord[];
  /** Updates made, over all epochs. */
  readonly step: number;
  readonly stopped: StopReason;
  /** The best epoch by the monitored value; null when there is none. */
  readonly best: { readonly epoch: number; readonly value: number; readonly monitor: string } | null;
  /** Whether steps ran as one native program; null when there was no step. */
  readonly compiled: boolean | null;
}

/** Throws an ArgumentError for the first option that is out of range or of the wrong type. */
export function checkFit(loader: unknown, options: FitOptions): void {
  checkLoader('fit', 'loader', loader);
  const { epochs, validation, signal, folder, resume, checkpointEvery, earlyStopping, logEvery, metadata } =
    options ?? {};
  whole('fit', 'epochs', epochs, 1);
  if (validation !== undefined) checkLoader('fit', 'validation', validation);
  const rules: [fits: boolean, rule: string][] = [
    [signal === undefined || signal instanceof AbortSignal, 'signal must be an AbortSignal'],
    [folder === undefined || (typeof folder === 'string' && folder !== ''), 'folder must be the path of a folder'],
    [resume !== true || folder !== undefined, 'resume: true needs a folder to look for the checkpoint in'],
    [resume !== '', 'resume must be true, false or the path of a checkpoint'],
    [checkpointEvery === undefined || folder !== undefined, 'checkpointEvery needs a folder to write to'],
    [isJson(metadata), 'metadata must be what JSON can keep'],
  ];
  for (const [fits, rule] of rules) check(fits, 'fit', () => rule, ArgumentError);
  if (checkpointEvery !== undefined) whole('fit', 'checkpointEvery', checkpointEvery, 1);
  if (logEvery !== undefined) whole('fit', 'logEvery', logEvery, 1);
  if (earlyStopping !== undefined) whole('fit', 'patience', earlyStopping.patience, 1);
}

/** Found out before training, not when its first checkpoint is written. */
function isJson(value: unknown): boolean {
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false;
  }
}
