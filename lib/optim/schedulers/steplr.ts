import { ArgumentError, check } from '../../errors.js';
import { whole } from '../../geometry.js';
import { checkRange, type Optimizer } from '../optimizer.js';
import { Scheduler } from './scheduler.js';

/** Options of {@link StepLR}. */
export interface StepLROptions {
  /** Epochs between two decays, at least 1. */
  stepSize: number;
  /** Factor of a decay, at least 0. Default 0.1. */
  gamma?: number;
}

/**
 * Multiplies learning rates by gamma every `stepSize` epochs.
 *
 * @throws ArgumentError for options out of range
 * @example
 * const optimizer = new SGD([zeros([1])], { lr: 1 });
 * const scheduler = new optim.StepLR(optimizer, { stepSize: 2, gamma: 0.5 });
 * [0, 1, 2, 3].map(() => (scheduler.step(), optimizer.lr)); // [1, 0.5, 0.5, 0.25]
 */
export class StepLR extends Scheduler {
  readonly #stepSize: number;
  readonly #gamma: number;

  constructor(optimizer: Optimizer, { stepSize, gamma = 0.1 }: StepLROptions) {
    super(optimizer);
    whole('StepLR', 'stepSize', stepSize, 1);
    checkRange('StepLR', 'gamma', gamma, 0);
    this.#stepSize = stepSize;
    this.#gamma = gamma;
    this.begin();
  }

  protected next(lr: number): number {
    return this.epoch % this.#stepSize === 0 ? lr * this.#gamma : lr;
  }
}

/** Options of {@link MultiStepLR}. */
export interface MultiStepLROptions {
  /** Epochs at which learning rates decay, integers of at least 1; one that stands there twice counts twice. */
  milestones: readonly number[];
  /** Factor of a decay, at least 0. Default 0.1. */
  gamma?: number;
}

/**
 * Multiplies learning rates by gamma at given epochs.
 *
 * @throws ArgumentError for options out of range
 * @example
 * const optimizer = new SGD([zeros([1])], { lr: 1 });
 * const scheduler = new optim.MultiStepLR(optimizer, { milestones: [1, 3], gamma: 0.5 });
 * [0, 1, 2, 3].map(() => (scheduler.step(), optimizer.lr)); // [0.5, 0.5, 0.25, 0.25]
 */
export class MultiStepLR extends Scheduler {
  readonly #milestones: readonly number[];
  readonly #gamma: number;

  constructor(optimizer: Optimizer, { milestones, gamma = 0.1 }: MultiStepLROptions) {
    super(optimizer);
    check(Array.isArray(milestones), 'MultiStepLR', () => 'milestones must be an array of epochs', ArgumentError);
    for (const milestone of milestones) whole('MultiStepLR', 'a milestone', milestone, 1);
    checkRange('MultiStepLR', 'gamma', gamma, 0);
    this.#milestones = [...milestones];
    this.#gamma = gamma;
    this.begin();
  }

  protected next(lr: number): number {
    return lr * this.#gamma ** this.#milestones.filter((milestone) => milestone === this.epoch).length;
  }
}

/** Options of {@link ExponentialLR}. */
export interface ExponentialLROptions {
  /** Factor of each epoch, at least 0. */
  gamma: number;
}

/**
 * Multiplies learning rates by gamma every epoch.
 *
 * @throws ArgumentError for options out of range
 * @example
 * const optimizer = new SGD([zeros([1])], { lr: 1 });
 * const scheduler = new optim.ExponentialLR(optimizer, { gamma: 0.5 });
 * [0, 1, 2].map(() => (scheduler.step(), optimizer.lr)); // [0.5, 0.25, 0.125]
 */
export class ExponentialLR extends Scheduler {
  readonly #gamma: number;

  constructor(optimizer: Optimizer, { gamma }: ExponentialLROptions) {
    super(optimizer);
    checkRange('ExponentialLR', 'gamma', gamma, 0);
    this.#gamma = gamma;
    this.begin();
  }

  protected next(lr: number): number {
    return lr * this.#gamma;
  }
}
