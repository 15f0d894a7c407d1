import { whole } from '../../geometry.js';
import { checkRange, type Optimizer } from '../optimizer.js';
import { Scheduler } from './scheduler.js';

/** Options of {@link CosineAnnealingLR}. */
export interface CosineAnnealingLROptions {
  /** Epochs from the first learning rate to the smallest, at least 1. */
  tMax: number;
  /** Smallest learning rate, at least 0. Default 0. */
  etaMin?: number;
}

/**
 * Learning rates follow a cosine from their first value to etaMin in `tMax` epochs (Loshchilov and Hutter 2017, without
 * restarts), and back if the training goes on.
 *
 * @throws ArgumentError for options out of range
 * @example
 * const optimizer = new SGD([zeros([1])], { lr: 1 });
 * const scheduler = new optim.CosineAnnealingLR(optimizer, { tMax: 2 });
 * [0, 1].map(() => (scheduler.step(), Number(optimizer.lr.toFixed(9)))); // [0.5, 0]
 */
export class CosineAnnealingLR extends Scheduler {
  readonly #tMax: number;
  readonly #etaMin: number;

  constructor(optimizer: Optimizer, { tMax, etaMin = 0 }: CosineAnnealingLROptions) {
    super(optimizer);
    whole('CosineAnnealingLR', 'tMax', tMax, 1);
    checkRange('CosineAnnealingLR', 'etaMin', etaMin, 0);
    this.#tMax = tMax;
    this.#etaMin = etaMin;
    this.begin();
  }

  protected next(lr: number, group: number): number {
    const height = (epoch: number) => 1 + Math.cos((Math.PI * epoch) / this.#tMax);
    const reach = this.baseLrs[group] - this.#etaMin;
    // At the bottom the rate before is of no help: the way up starts from etaMin itself.
    if ((this.epoch - 1 - this.#tMax) % (2 * this.#tMax) === 0) {
      return lr + (reach * (1 - Math.cos(Math.PI / this.#tMax))) / 2;
    }
    return (height(this.epoch) / height(this.epoch - 1)) * (lr - this.#etaMin) + this.#etaMin;
  }
}

/** Options of {@link CosineAnnealingWarmRestarts}. */
export interface CosineAnnealingWarmRestartsOptions {
  /** Epochs until the first restart, at least 1. */
  t0: number;
  /** How many times longer each time is than the one before, an integer of at least 1. Default 1. */
  tMult?: number;
  /** Smallest learning rate, at least 0. Default 0. */
  etaMin?: number;
}

/**
 * Learning rates fall along a cosine and start again, at longer and longer intervals (Loshchilov and Hutter 2017).
 *
 * @throws ArgumentError for options out of range
 * @example
 * const optimizer = new SGD([zeros([1])], { lr: 1 });
 * const scheduler = new optim.CosineAnnealingWarmRestarts(optimizer, { t0: 2 });
 * [0, 1, 2].map(() => (scheduler.step(), Number(optimizer.lr.toFixed(9)))); // [0.5, 1, 0.5]
 */
export class CosineAnnealingWarmRestarts extends Scheduler {
  readonly #t0: number;
  readonly #tMult: number;
  readonly #etaMin: number;

  constructor(optimizer: Optimizer, { t0, tMult = 1, etaMin = 0 }: CosineAnnealingWarmRestartsOptions) {
    super(optimizer);
    whole('CosineAnnealingWarmRestarts', 't0', t0, 1);
    whole('CosineAnnealingWarmRestarts', 'tMult', tMult, 1);
    checkRange('CosineAnnealingWarmRestarts', 'etaMin', etaMin, 0);
    this.#t0 = t0;
    this.#tMult = tMult;
    this.#etaMin = etaMin;
    this.begin();
  }

  protected override first(_lr: number, group: number): number {
    return this.next(0, group);
  }

  protected next(_lr: number, group: number): number {
    let [since, length] = [this.epoch, this.#t0];
    if (this.#tMult === 1) since %= length;
    while (since >= length) {
      since -= length;
      length *= this.#tMult;
    }
    return this.#etaMin + ((this.baseLrs[group] - this.#etaMin) * (1 + Math.cos((Math.PI * since) / length))) / 2;
  }
}
