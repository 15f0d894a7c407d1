import { accumulatorOf, Mean, type Metric, type MetricAccumulator } from './metrics/metric.js';
import type { EpochSums, TrainingState } from './state.js';

/** Where a training is: which epoch, which batch, and what has been counted in it. */
export class Place {
  /** Updates made, over all epochs. */
  step = 0;
  /** Epochs that are over. */
  epoch = 0;
  /** Batches of the epoch under way that are done. */
  batch = 0;
  /** Whether all of them are. */
  isTrained = false;
  samples = 0;
  seconds = 0;
  /** Learning rate of the last update. */
  lr: number | null = null;
  readonly #metrics: Readonly<Record<string, Metric>>;
  #loss = new Mean();
  #counts: Record<string, MetricAccumulator> = {};

  constructor(metrics: Readonly<Record<string, Metric>>) {
    this.#metrics = metrics;
    this.#restart();
  }

  get imagesPerSecond(): number {
    return this.samples / this.seconds;
  }

  /** Loss and metrics of the epoch so far. */
  values(): Record<string, number> {
    const metrics = Object.entries(this.#counts).map(([name, count]) => [name, count.value()] as const);
    return { loss: this.#loss.value(), ...Object.fromEntries(metrics) };
  }

  /** Counts a batch. */
  add(loss: number, count: (metric: MetricAccumulator) => void, samples: number): void {
    this.batch++;
    this.samples += samples;
    this.#loss.add(loss, samples);
    for (const metric of Object.values(this.#counts)) count(metric);
  }

  /** Goes to the next epoch. */
  nextEpoch(): void {
    this.epoch++;
    this.batch = 0;
    this.isTrained = false;
    this.#restart();
  }

  get state(): Pick<TrainingState, 'step' | 'epoch' | 'batch' | 'isTrained' | 'sums'> {
    const { step, epoch, batch, isTrained, samples, seconds, lr } = this;
    const metrics = Object.entries(this.#counts).map(([name, { state }]) => [name, state] as const);
    const sums: EpochSums = { loss: this.#loss.state, metrics: Object.fromEntries(metrics), samples, seconds, lr };
    return { step, epoch, batch, isTrained, sums };
  }

  set state({
    step,
    epoch,
    batch,
    isTrained,
    sums,
  }: Pick<TrainingState, 'step' | 'epoch' | 'batch' | 'isTrained' | 'sums'>) {
    const { samples, seconds, lr } = sums;
    Object.assign(this, { step, epoch, batch, isTrained, samples, seconds, lr });
    this.#loss.state = sums.loss as [number, number];
    // A metric that is new counts from here on.
    for (const [name, count] of Object.entries(this.#counts)) {
      if (Object.hasOwn(sums.metrics, name)) count.state = sums.metrics[name];
    }
  }

  #restart(): void {
    this.samples = 0;
    this.seconds = 0;
    this.lr = null;
    this.#loss = new Mean();
    this.#counts = Object.fromEntries(
      Object.entries(this.#metrics).map(([name, metric]) => [name, accumulatorOf(metric)] as const),
    );
  }
}
