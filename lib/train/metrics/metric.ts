import type { Tensor } from '../../tensor.js';

/** Counts a metric over many batches. */
export interface MetricAccumulator {
  /** Takes in a batch. */
  add(output: Tensor<'float32'>, ...targets: Tensor[]): void;
  /** The metric over everything taken in; NaN when nothing counted. */
  value(): number;
  /** What was counted, as JSON can keep it; set it to go on from there. */
  state: unknown;
}

/**
 * A number that tells how good outputs are: a function of a model's output and the targets. A plain function is averaged
 * over batches, each weighing as many samples as it has; where that is not the same as the metric of all samples together,
 * `accumulator` says how to count.
 */
export interface Metric {
  // biome-ignore lint/suspicious/noExplicitAny: metrics differ in the targets they take
  (output: Tensor<'float32'>, ...targets: any[]): number;
  /** Starts a count over batches. */
  accumulator?(): MetricAccumulator;
}

/** A metric made of how it is counted. */
export function countedMetric(accumulator: () => MetricAccumulator): Metric {
  const metric: Metric = (output, ...targets) => {
    const count = accumulator();
    count.add(output, ...targets);
    return count.value();
  };
  metric.accumulator = accumulator;
  return metric;
}

/** Sums up numbers, each with its weight, and gives their mean. */
export class Mean {
  #total = 0;
  #weight = 0;

  add(value: number, weight: number): void {
    if (weight === 0) return;
    this.#total += value * weight;
    this.#weight += weight;
  }

  value(): number {
    return this.#total / this.#weight;
  }

  get state(): [total: number, weight: number] {
    return [this.#total, this.#weight];
  }

  set state([total, weight]: [total: number, weight: number]) {
    this.#total = total;
    this.#weight = weight;
  }
}

/** How a metric is counted over batches. */
export function accumulatorOf(metric: Metric): MetricAccumulator {
  if (metric.accumulator) return metric.accumulator();
  const mean = new Mean();
  return {
    add: (output, ...targets) => mean.add(metric(output, ...targets), output.shape[0] ?? 1),
    value: () => mean.value(),
    get state() {
      return mean.state;
    },
    set state(state: unknown) {
      mean.state = state as [number, number];
    },
  };
}
