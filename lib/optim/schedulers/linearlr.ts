import { ArgumentError, check } from '../../errors.js';
import { whole } from '../../geometry.js';
import { checkRange, type Optimizer } from '../optimizer.js';
import { Scheduler } from './scheduler.js';

/** Options of {@link LinearLR}. */
export interface LinearLROptions {
  /** Factor of the learning rate at the start, in (0, 1]. Default 1/3. */
  startFactor?: number;
  /** Factor at the end, in [0, 1]. Default 1. */
  endFactor?: number;
  /** Epochs from start to end, at least 1. Default 5. */
  totalIters?: number;
}

/**
 * A warm-up: the factor of the learning rates goes from startFactor to endFactor on a line, over `totalIters` epochs, and
 * stays there.
 *
 * @throws ArgumentError for options out of range
 * @example
 * const optimizer = new SGD([zeros([1])], { lr: 1 });
 * const scheduler = new optim.LinearLR(optimizer, { startFactor: 0.25, totalIters: 3 });
 * [optimizer.lr, ...[0, 1, 2, 3].map(() => (scheduler.step(), optimizer.lr))]; // [0.25, 0.5, 0.75, 1, 1]
 */
export class LinearLR extends Scheduler {
  readonly #start: number;
  readonly #end: number;
  readonly #total: number;

  constructor(optimizer: Optimizer, { startFactor = 1 / 3, endFactor = 1, totalIters = 5 }: LinearLROptions = {}) {
    super(optimizer);
    checkFactor('LinearLR', 'startFactor', startFactor);
    checkRange('LinearLR', 'endFactor', endFactor, 0, 1);
    whole('LinearLR', 'totalIters', totalIters, 1);
    this.#start = startFactor;
    this.#end = endFactor;
    this.#total = totalIters;
    this.begin();
  }

  protected override first(lr: number): number {
    return lr * this.#start;
  }

  protected next(lr: number): number {
    if (this.epoch > this.#total) return lr;
    const slope = this.#end - this.#start;
    // An end at 0 is met to rounding, which may be on the other side of it.
    return lr * Math.max(0, 1 + slope / (this.#total * this.#start + (this.epoch - 1) * slope));
  }
}

/** Options of {@link ConstantLR}. */
export interface ConstantLROptions {
  /** Factor of the learning rate, in (0, 1]. Default 1/3. */
  factor?: number;
  /** Epochs until the factor is taken away again, at least 1. Default 5. */
  totalIters?: number;
}

/**
 * Learning rates are multiplied by a factor for the first `totalIters` epochs.
 *
 * @throws ArgumentError for options out of range
 * @example
 * const optimizer = new SGD([zeros([1])], { lr: 1 });
 * const scheduler = new optim.ConstantLR(optimizer, { factor: 0.5, totalIters: 2 });
 * [optimizer.lr, ...[0, 1, 2].map(() => (scheduler.step(), optimizer.lr))]; // [0.5, 0.5, 1, 1]
 */
export class ConstantLR extends Scheduler {
  readonly #factor: number;
  readonly #total: number;

  constructor(optimizer: Optimizer, { factor = 1 / 3, totalIters = 5 }: ConstantLROptions = {}) {
    super(optimizer);
    checkFactor('ConstantLR', 'factor', factor);
    whole('ConstantLR', 'totalIters', totalIters, 1);
    this.#factor = factor;
    this.#total = totalIters;
    this.begin();
  }

  protected override first(lr: number): number {
    return lr * this.#factor;
  }

  protected next(lr: number): number {
    return this.epoch === this.#total ? lr / this.#factor : lr;
  }
}

/** Options of {@link PolynomialLR}. */
export interface PolynomialLROptions {
  /** Epochs until the learning rate is 0, at least 1. Default 5. */
  totalIters?: number;
  /** Power of the polynomial, at least 0. Default 1. */
  power?: number;
}

/**
 * Learning rates fall to 0 as (1 − epoch / totalIters)^power.
 *
 * @throws ArgumentError for options out of range
 * @example
 * const optimizer = new SGD([zeros([1])], { lr: 1 });
 * const scheduler = new optim.PolynomialLR(optimizer, { totalIters: 2 });
 * [0, 1, 2].map(() => (scheduler.step(), optimizer.lr)); // [0.5, 0, 0]
 */
export class PolynomialLR extends Scheduler {
  readonly #total: number;
  readonly #power: number;

  constructor(optimizer: Optimizer, { totalIters = 5, power = 1 }: PolynomialLROptions = {}) {
    super(optimizer);
    whole('PolynomialLR', 'totalIters', totalIters, 1);
    checkRange('PolynomialLR', 'power', power, 0);
    this.#total = totalIters;
    this.#power = power;
    this.begin();
  }

  protected next(lr: number): number {
    if (this.epoch > this.#total) return lr;
    const left = (epoch: number) => 1 - epoch / this.#total;
    return lr * (left(this.epoch) / left(this.epoch - 1)) ** this.#power;
  }
}

/** Throws unless a factor that rates are divided by later is in (0, 1]. */
function checkFactor(operation: string, option: string, value: number): void {
  check(value > 0 && value <= 1, operation, () => `${option} must be in (0, 1], got ${value}`, ArgumentError);
}
