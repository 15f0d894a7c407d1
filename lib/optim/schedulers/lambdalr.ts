import { ArgumentError, check } from '../../errors.js';
import type { Optimizer } from '../optimizer.js';
import { perGroup, Scheduler } from './scheduler.js';

/** Factor of a group's base learning rate at an epoch, from 0. */
export type LRLambda = (epoch: number) => number;

/** Options of {@link LambdaLR}. */
export interface LambdaLROptions {
  /** One function for all groups, or one for each. */
  lrLambda: LRLambda | readonly LRLambda[];
}

/**
 * Learning rates are the first ones times a function of the epoch. Functions are not part of the state.
 *
 * @throws ArgumentError unless there is one function, or one for each group
 * @example
 * const optimizer = new SGD([zeros([1])], { lr: 1 });
 * const scheduler = new optim.LambdaLR(optimizer, { lrLambda: (epoch) => 1 / (1 + epoch) });
 * [0, 1, 2].map(() => (scheduler.step(), 1 / optimizer.lr)); // [2, 3, 4]
 */
export class LambdaLR extends Scheduler {
  readonly #lambdas: readonly LRLambda[];

  constructor(optimizer: Optimizer, { lrLambda }: LambdaLROptions) {
    super(optimizer);
    this.#lambdas = perGroup('LambdaLR', 'lrLambda', lrLambda, optimizer);
    check(
      this.#lambdas.every((each) => typeof each === 'function'),
      'LambdaLR',
      () => 'lrLambda must be a function of the epoch',
      ArgumentError,
    );
    this.begin();
  }

  protected override first(_lr: number, group: number): number {
    return this.next(0, group);
  }

  protected next(_lr: number, group: number): number {
    // A group that was added later has the last function.
    const lambda = this.#lambdas[Math.min(group, this.#lambdas.length - 1)];
    return this.baseLrs[group] * lambda(this.epoch);
  }
}
