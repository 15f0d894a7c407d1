import { ArgumentError, check } from '../errors.js';
import { whole } from '../geometry.js';
import type { Module } from '../nn/module.js';
import { concat } from '../ops/concat.js';
import { slice } from '../ops/slice.js';
import type { Optimizer } from '../optim/optimizer.js';
import { Tensor } from '../tensor.js';
import { checkMetrics, type EvaluateOptions, type Evaluation, evaluate, forEachOutput } from './evaluate.js';
import { Fit } from './fit.js';
import { checkFit, type FitOptions, type FitResult } from './fitoptions.js';
import { checkLoader, type Loader } from './loader.js';
import type { Metric } from './metrics/metric.js';
import { checkSchedule, type Schedule, type ScheduleInterval } from './schedule.js';
import type { Loss, WeightAverage } from './step.js';
import { checkStep } from './stepparts.js';

/** What a {@link Trainer} is made of. */
export interface TrainerOptions {
  model: Module;
  /** Of the model's parameters. */
  optimizer: Optimizer;
  /** Gets the model's output and the targets: `crossEntropy`, for example, or `new nn.CrossEntropyLoss()`. */
  loss: Loss;
  /** Metrics by the name that records and progress show. Default none. */
  metrics?: Readonly<Record<string, Metric>>;
  /** Sets the learning rate as training goes on. */
  scheduler?: Schedule;
  /** Whether the scheduler steps after each epoch (default) or each update, as warm-up and one-cycle schedules do. */
  schedulerInterval?: ScheduleInterval;
  /** Largest norm of all gradients together; larger ones are scaled down. Default: no bound. */
  clipGradNorm?: number;
  /** Largest magnitude of an element of a gradient. Default: no bound. */
  clipGradValue?: number;
  /** Batches whose gradients are averaged for one update, at least 1. Default 1. */
  accumulate?: number;
  /** Averages of the weights, which validation and evaluation then use. */
  ema?: WeightAverage;
  /** Run steps as one native program where that can be done. Default true. */
  compile?: boolean;
}

/** A trainer's parts, with defaults filled in. */
export type TrainerParts = Readonly<TrainerOptions> &
  Readonly<Required<Pick<TrainerOptions, 'metrics' | 'schedulerInterval'>>>;

/** Options of `Trainer.predict`. */
export interface PredictOptions {
  /** Samples that run at once when a tensor is given, at least 1. Default 64. */
  batchSize?: number;
  /** Stops between two batches; the promise then rejects with ERR_ABORTED. */
  signal?: AbortSignal;
}

/**
 * The training loop: epochs over a loader, validation, checkpoints that training can go on from bit for bit, early stopping,
 * progress and history.
 *
 * @throws ArgumentError for parts of the wrong kind or options out of range
 * @example
 * const net = new nn.Sequential(new nn.Flatten(), new nn.Linear(64, 10));
 * const { images, labels } = await digits();
 * const trainer = new Trainer({
 *   model: net,
 *   optimizer: new Adam(net.parameters(), { lr: 0.01 }),
 *   loss: crossEntropy,
 *   metrics: { accuracy },
 * });
 * const { history } = await trainer.fit([[images, labels]], { epochs: 3, progress: false });
 * history.map(({ epoch }) => epoch); // [1, 2, 3]
 */
export class Trainer {
  readonly #parts: TrainerParts;
  #running: Fit | null = null;

  constructor(options: TrainerOptions) {
    checkStep('Trainer', options);
    const { metrics = {}, scheduler, schedulerInterval, ema, compile = true } = options;
    checkMetrics('Trainer', metrics);
    checkSchedule('Trainer', scheduler, schedulerInterval);
    check(
      ema === undefined || typeof ema?.update === 'function',
      'Trainer',
      () => 'ema must be averages of the weights, such as new optim.ExponentialMovingAverage(model, { decay: 0.999 })',
      ArgumentError,
    );
    check(
      typeof compile === 'boolean',
      'Trainer',
      () => `compile must be true or false, got ${JSON.stringify(compile)}`,
      ArgumentError,
    );
    this.#parts = { ...options, metrics, schedulerInterval: schedulerInterval ?? 'epoch', compile };
  }

  /**
   * Trains for a number of epochs. A batch is an array of tensors: the model's input [n, …], then the targets for the loss.
   *
   * Resolves when all epochs are done, or with `stopped` telling why, when training ended earlier in good order.
   *
   * @throws ArgumentError for options out of range, a loader that gives no batches, or a folder with checkpoints of another
   *   training; DivergedError (ERR_DIVERGED) when the loss is no finite number, with the last good checkpoint left as it was;
   *   whatever the loader, the model or a callback throws
   */
  async fit(loader: Loader, options: FitOptions): Promise<FitResult> {
    checkFit(loader, options);
    check(this.#running === null, 'fit', () => 'this trainer is training already', ArgumentError);
    const fit = new Fit(this.#parts, loader, options);
    this.#running = fit;
    try {
      return await fit.run();
    } finally {
      this.#running = null;
    }
  }

  /** Ends the training that is under way after its update, as an aborted signal does; for callbacks. */
  stop(): void {
    this.#running?.stop('stopped');
  }

  /**
   * Loss and metrics over a loader in inference mode, and for classifiers accuracy, top-k accuracy, the confusion matrix and
   * a report by class; by the averaged weights if there are any. See {@link evaluate}.
   */
  async evaluate(loader: Loader, options: Omit<EvaluateOptions, 'loss' | 'metrics'> = {}): Promise<Evaluation> {
    const { model, loss, metrics } = this.#parts;
    return this.#averaged(() => evaluate(model, loader, { ...options, loss, metrics }));
  }

  /**
   * The model's outputs [n, …] for inputs [n, …], or for the first tensors of a loader's batches, in inference mode; by the
   * averaged weights if there are any.
   *
   * @throws ArgumentError when there is nothing to predict, or batchSize is out of range; ConvforgeError ERR_ABORTED when
   *   the signal aborts
   */
  async predict(inputs: Tensor | Loader, { batchSize = 64, signal }: PredictOptions = {}): Promise<Tensor<'float32'>> {
    whole('predict', 'batchSize', batchSize, 1);
    if (!(inputs instanceof Tensor)) checkLoader('predict', 'inputs', inputs);
    const loader = inputs instanceof Tensor ? slices(inputs, batchSize) : inputs;
    const outputs: Tensor<'float32'>[] = [];
    const { model } = this.#parts;
    await this.#averaged(() => forEachOutput('predict', model, loader, signal, (output) => outputs.push(output)));
    check(outputs.length > 0, 'predict', () => 'there are no inputs', ArgumentError);
    return concat(outputs);
  }

  #averaged<T>(body: () => Promise<T>): Promise<T> {
    const { ema } = this.#parts;
    return ema ? ema.apply(body) : body();
  }
}

/** A tensor in parts along its first axis. */
function slices(x: Tensor, size: number): Loader {
  check(x.rank > 0 && x.shape[0] > 0, 'predict', () => 'there are no inputs', ArgumentError);
  return {
    *[Symbol.iterator]() {
      for (let start = 0; start < x.shape[0]; start += size) yield [slice(x, [[start, start + size]])];
    },
  };
}
