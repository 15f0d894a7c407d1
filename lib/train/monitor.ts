import { ArgumentError, check } from '../errors.js';
import type { BestState, EpochRecord } from './state.js';

/** What tells whether an epoch was better than those before. */
export interface MonitorOptions {
  /**
   * 'train.' or 'validation.' and 'loss' or the name of a metric. Default 'validation.loss', or 'train.loss' without
   * validation.
   */
  monitor?: string;
  /** Whether less or more is better. Default 'min' for a loss, 'max' for a metric. */
  mode?: 'min' | 'max';
}

/** Options of early stopping. Without a `monitor` it watches what the best checkpoint does. */
export interface EarlyStoppingOptions extends MonitorOptions {
  /** Epochs without improvement after which training stops, at least 1. */
  patience: number;
  /** By how much a value must be better to count, at least 0. Default 0. */
  minDelta?: number;
}

/** Follows one value from epoch to epoch. */
export class Monitor {
  readonly name: string;
  readonly #isLess: boolean;
  readonly #minDelta: number;
  state: BestState = { value: Number.NaN, epoch: 0, wait: 0 };

  /** @throws ArgumentError when there is no such value, or options are out of range */
  constructor(
    operation: string,
    { monitor, mode, minDelta = 0 }: MonitorOptions & { minDelta?: number },
    known: { metrics: readonly string[]; validates: boolean },
  ) {
    this.name = monitor ?? (known.validates ? 'validation.loss' : 'train.loss');
    const values = (known.validates ? ['train', 'validation'] : ['train']).flatMap((part) =>
      ['loss', ...known.metrics].map((metric) => `${part}.${metric}`),
    );
    check(
      values.includes(this.name),
      operation,
      () => `monitor must be one of ${values.join(', ')}, got ${JSON.stringify(monitor)}`,
      ArgumentError,
    );
    check(
      mode === undefined || mode === 'min' || mode === 'max',
      operation,
      () => `mode must be 'min' or 'max', got ${JSON.stringify(mode)}`,
      ArgumentError,
    );
    check(minDelta >= 0, operation, () => `minDelta must be at least 0, got ${minDelta}`, ArgumentError);
    this.#isLess = (mode ?? (this.name.endsWith('.loss') ? 'min' : 'max')) === 'min';
    this.#minDelta = minDelta;
  }

  valueOf({ train, validation }: EpochRecord): number {
    const [part, ...metric] = this.name.split('.');
    return (part === 'train' ? train : validation)?.[metric.join('.')] ?? Number.NaN;
  }

  /** Notes an epoch, and tells whether it is the best so far. NaN is never better. */
  update(record: EpochRecord): boolean {
    const value = this.valueOf(record);
    const { value: best, epoch, wait } = this.state;
    const gain = this.#isLess ? best - value : value - best;
    // Without a gain of its own, the first that is a number is the best there is.
    const isBetter = epoch === 0 ? !Number.isNaN(value) : gain > this.#minDelta;
    this.state = isBetter ? { value, epoch: record.epoch, wait: 0 } : { value: best, epoch, wait: wait + 1 };
    return isBetter;
  }
}
