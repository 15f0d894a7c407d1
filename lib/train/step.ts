import { nativeAddon } from '../backend/backend.js';
import { TraceError } from '../errors.js';
import type { Module } from '../nn/module.js';
import type { Optimizer } from '../optim/optimizer.js';
import type { Tensor } from '../tensor.js';
import { compileStep } from './compilestep.js';
import { EagerStep } from './eagerstep.js';

/**
 * Compares a model's output with the targets of a batch, which are tensors: gives a tensor of one element, the smaller the
 * better.
 */
// biome-ignore lint/suspicious/noExplicitAny: losses differ in the targets they take, and many have options behind them
export type LossFunction = (output: Tensor<'float32'>, ...targets: any[]) => Tensor;

/** A loss function, or a module that is one, such as `new nn.MSELoss()`. */
export type Loss = LossFunction | Module;

/** What a training asks of averages of the weights, such as {@link ExponentialMovingAverage} keeps. */
export interface WeightAverage {
  /** Takes in the weights as they are now; called after every update. */
  update(): void;
  /** Runs `body` with the averages in the model's place of the weights, and puts the weights back. */
  apply<T>(body: () => Promise<T>): Promise<T>;
  stateDict(): unknown;
  loadStateDict(state: unknown): void;
}

/** What a step consists of. */
export interface StepOptions {
  /** Its first input is the first tensor of a batch. */
  model: Module;
  /** Gets the model's output and the other tensors of the batch. Parameters of a module are trained if the optimizer has them. */
  loss: Loss;
  optimizer: Optimizer;
  /** Largest norm of all gradients together, above 0; larger ones are scaled down. Default: no bound. */
  clipGradNorm?: number;
  /** Largest magnitude of an element of a gradient, above 0; larger ones are cut off. Default: no bound. */
  clipGradValue?: number;
  /** Batches whose gradients are averaged for one update, at least 1. Default 1. */
  accumulate?: number;
  /** Averages of the weights that are kept up to date. */
  ema?: Pick<WeightAverage, 'update'>;
}

/** Options of a run of a step. */
export interface StepRunOptions {
  /** Aborts before the step has changed anything; the promise then rejects with ERR_ABORTED. */
  signal?: AbortSignal;
}

/** Forward, backward and update for one batch. */
export interface TrainingStep {
  /** Whether it runs as one native program, off the event loop. */
  readonly compiled: boolean;
  /** Why it is not compiled; null when it is. */
  readonly reason: string | null;
  /** Trains on a batch: inputs [n, …], then targets. */
  run(batch: readonly Tensor[], options?: StepRunOptions): Promise<{ loss: Tensor; output: Tensor }>;
  /** Updates with what has been accumulated since the last update, if anything has. */
  flush(): void | Promise<void>;
  release(): void | Promise<void>;
}

/** Options of {@link prepareStep}. */
export interface PrepareOptions extends StepOptions {
  /** Compile the step if that can be done. Default true. */
  compile?: boolean;
}

/**
 * The fastest way to train a model: compiled where it can be, op by op elsewhere.
 *
 * @param example a batch such as those that will follow
 * @throws ArgumentError for options out of range
 * @example
 * const net = new nn.Linear(3, 2);
 * const batch = [zeros([4, 3]), zeros([4], { dtype: 'int32' })];
 * const optimizer = new SGD(net.parameters(), { lr: 0.1 });
 * const step = await prepareStep({ model: net, loss: crossEntropy, optimizer }, batch);
 * (await step.run(batch)).loss.shape; // []
 */
export async function prepareStep(options: PrepareOptions, example: readonly Tensor[]): Promise<TrainingStep> {
  const { compile = true, ...parts } = options;
  if (!compile) return new EagerStep(parts, 'compile is false');
  if (!nativeAddon()) return new EagerStep(parts, 'there are no native kernels');
  try {
    return await compileStep(parts, example);
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    return new EagerStep(parts, error.message);
  }
}
