import { setImmediate as nextTurn } from 'node:timers/promises';
import { noGrad } from '../autograd.js';
import { ArgumentError, check } from '../errors.js';
import { Module } from '../nn/module.js';
import { sameShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { Inference } from './inference.js';
import { checkLoader, type Loader } from './loader.js';
import { topKAccuracy } from './metrics/accuracy.js';
import { ConfusionMatrix } from './metrics/confusion.js';
import { accumulatorOf, Mean, type Metric } from './metrics/metric.js';
import { type ClassificationReport, classificationReport } from './metrics/report.js';
import { captureModes } from './modes.js';
import type { Loss } from './step.js';
import { checkBatch, isLoss, LOSS_RULE, lossOf } from './stepparts.js';

/** Options of {@link evaluate}. */
export interface EvaluateOptions {
  /** Averaged over the samples, as in training. */
  loss?: Loss;
  /** Metrics by the name they get in the result. */
  metrics?: Readonly<Record<string, Metric>>;
  /** For classifiers: count also how often the label is among the k best. Default 5. */
  topK?: number;
  /** Names of the classes, for the report. Default their numbers. */
  labels?: readonly string[];
  /** Stops between two batches; the promise then rejects with ERR_ABORTED. */
  signal?: AbortSignal;
  /** Called after each batch with the model's output, and with the batch. */
  onBatch?: (output: Tensor<'float32'>, batch: readonly Tensor[]) => void;
}

/** How well a classifier tells its classes apart. */
export interface Classification {
  /** Share of right answers, 0 … 1. */
  readonly accuracy: number;
  /** The k that was asked for, and the share of samples whose label is among the k best. */
  readonly topK: { readonly k: number; readonly accuracy: number };
  /** confusionMatrix[i][j]: samples of class i that were taken for class j. */
  readonly confusionMatrix: readonly (readonly number[])[];
  /** Precision, recall and F1 score of each class; printing it gives a table. */
  readonly report: ClassificationReport;
}

/** What {@link evaluate} returns. */
export interface Evaluation {
  readonly samples: number;
  /** The mean loss, if a loss was given, as `loss`, and the metrics by name. */
  readonly metrics: Readonly<Record<string, number>>;
  /** For outputs [n, classes, …] with integer labels [n, …]; null for others, and with more than 4096 classes. */
  readonly classification: Classification | null;
}

/** A confusion matrix of more would take more memory than anybody looks at. */
const MOST_CLASSES = 4096;

/**
 * Runs a model over data in inference mode and tells how good it is. Where the model can be traced it runs natively, off the
 * event loop; between batches the event loop gets a turn in any case.
 *
 * @throws ArgumentError for options out of range, or when there is no batch; ConvforgeError ERR_ABORTED when the signal aborts
 * @example
 * const net = new nn.Linear(2, 2);
 * const batches = [[zeros([3, 2]), zeros([3], { dtype: 'int32' })]];
 * const { samples, classification } = await evaluate(net, batches, { loss: crossEntropy, metrics: { accuracy } });
 * [samples, classification.report.classes.length]; // [3, 2]
 */
export async function evaluate(model: Module, loader: Loader, options: EvaluateOptions = {}): Promise<Evaluation> {
  const { loss: compare, metrics = {}, topK = 5, labels, signal, onBatch } = options;
  check(model instanceof Module, 'evaluate', () => 'model must be a module', ArgumentError);
  checkLoader('evaluate', 'loader', loader);
  check(compare === undefined || isLoss(compare), 'evaluate', () => LOSS_RULE, ArgumentError);
  checkMetrics('evaluate', metrics);
  const mean = new Mean();
  const counts = Object.entries(metrics).map(([name, metric]) => [name, accumulatorOf(metric)] as const);
  const classes = new ClassCount(topK, labels);
  let samples = 0;
  await forEachOutput('evaluate', model, loader, signal, (output, batch) => {
    const [x, ...targets] = batch;
    samples += x.shape[0];
    if (compare) mean.add(noGrad(() => lossOf(compare, output, targets)).item(), x.shape[0]);
    for (const [, count] of counts) count.add(output, ...targets);
    classes.add(output, targets);
    onBatch?.(output, batch);
  });
  check(samples > 0, 'evaluate', () => 'the loader gave no samples', ArgumentError);
  const values = counts.map(([name, count]) => [name, count.value()] as const);
  return {
    samples,
    metrics: Object.fromEntries([...(compare ? [['loss', mean.value()] as const] : []), ...values]),
    classification: classes.result(),
  };
}

/** Runs a model in inference mode on every batch of a loader, in order. */
export async function forEachOutput(
  operation: string,
  model: Module,
  loader: Loader,
  signal: AbortSignal | undefined,
  body: (output: Tensor<'float32'>, batch: readonly Tensor[]) => void,
): Promise<void> {
  const restoreModes = captureModes(model);
  let inference: Inference | null = null;
  try {
    for await (const batch of loader as AsyncIterable<readonly Tensor[]>) {
      checkBatch(operation, batch);
      model.eval();
      inference ??= await Inference.prepare(model, batch[0]);
      body((await inference.run(batch[0], signal)) as Tensor<'float32'>, batch);
      await nextTurn();
    }
  } finally {
    restoreModes();
    await inference?.release();
  }
}

/** Throws unless metrics are functions by names that can stand beside `loss`. */
export function checkMetrics(operation: string, metrics: Readonly<Record<string, Metric>>): void {
  for (const [name, metric] of Object.entries(metrics)) {
    check(name !== 'loss', operation, () => "a metric cannot be called 'loss'", ArgumentError);
    check(
      typeof metric === 'function',
      operation,
      () => `metric '${name}' must be a function of output and targets`,
      ArgumentError,
    );
  }
}

/** Counts right and wrong answers for as long as outputs and targets are those of a classifier. */
class ClassCount {
  readonly #matrix = new ConfusionMatrix();
  readonly #k: number;
  readonly #labels: readonly string[] | undefined;
  readonly #best;
  #applies = true;

  constructor(k: number, labels: readonly string[] | undefined) {
    this.#k = k;
    this.#labels = labels;
    this.#best = accumulatorOf(topKAccuracy(k));
  }

  add(output: Tensor<'float32'>, [target]: readonly Tensor[]): void {
    const classes = output.rank > 1 ? output.shape[1] : 0;
    this.#applies &&=
      classes > 1 &&
      classes <= MOST_CLASSES &&
      target !== undefined &&
      !target.isFloat() &&
      sameShape(target.shape, output.shape.toSpliced(1, 1));
    if (!this.#applies) return;
    const given = this.#labels?.length ?? classes;
    check(given === classes, 'evaluate', () => `${classes} classes need as many labels, got ${given}`, ArgumentError);
    this.#matrix.add(output, target);
    this.#best.add(output, target);
  }

  result(): Classification | null {
    const { counts } = this.#matrix;
    if (!this.#applies || !counts.length) return null;
    const report = classificationReport(counts, { labels: this.#labels });
    return {
      accuracy: report.accuracy,
      topK: { k: this.#k, accuracy: this.#best.value() },
      confusionMatrix: counts,
      report,
    };
  }
}
