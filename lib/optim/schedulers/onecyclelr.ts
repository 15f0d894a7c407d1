import { ArgumentError, check } from '../../errors.js';
import { whole } from '../../geometry.js';
import { checkRange, type Optimizer, type ParameterGroup } from '../optimizer.js';
import { perGroup, Scheduler } from './scheduler.js';

/** Options of {@link OneCycleLR}. */
export interface OneCycleLROptions {
  /** Largest learning rate, at least 0: one for all groups, or one for each. */
  maxLr: number | readonly number[];
  /** Steps of the whole cycle, at least 1. Default: epochs · stepsPerEpoch. */
  totalSteps?: number;
  epochs?: number;
  stepsPerEpoch?: number;
  /** Part of the cycle in which the learning rate grows, in [0, 1]. Default 0.3. */
  pctStart?: number;
  /** Default 'cos'. */
  annealStrategy?: 'cos' | 'linear';
  /** Let the momentum (of Adam and its kin beta1) move against the learning rate. Default true. */
  cycleMomentum?: boolean;
  /** Momentum at the largest learning rate, at least 0. Default 0.85. */
  baseMomentum?: number | readonly number[];
  /** Momentum at the smallest one. Default 0.95. */
  maxMomentum?: number | readonly number[];
  /** The first learning rate is maxLr / divFactor; above 0. Default 25. */
  divFactor?: number;
  /** The last one is the first / finalDivFactor; above 0. Default 10,000. */
  finalDivFactor?: number;
  /** Fall to the first rate as slowly as it grew, and only then to the last one. Default false. */
  threePhase?: boolean;
}

/** A stretch of the cycle: where it ends, and what goes from where to where. */
interface Phase {
  readonly end: number;
  readonly lr: readonly [from: 'first' | 'max', to: 'first' | 'max' | 'last'];
  readonly momentum: readonly [from: 'base' | 'max', to: 'base' | 'max'];
}

type Momenta = ParameterGroup & { momentum?: number; betas?: readonly [number, number] };

/**
 * One cycle of the learning rate, up and then down to almost nothing (Smith and Topin 2018), stepped after every batch.
 *
 * @throws ArgumentError for options out of range, an optimizer without momentum unless `cycleMomentum` is false, and steps
 *   after the last
 * @example
 * const optimizer = new SGD([zeros([1])], { lr: 1, momentum: 0.9 });
 * const scheduler = new optim.OneCycleLR(optimizer, { maxLr: 1, totalSteps: 10, annealStrategy: 'linear' });
 * [0, 1].map(() => (scheduler.step(), optimizer.lr)); // [0.52, 1]
 */
export class OneCycleLR extends Scheduler {
  readonly #totalSteps: number;
  readonly #phases: readonly Phase[];
  readonly #anneal: (from: number, to: number, part: number) => number;
  readonly #maxLrs: readonly number[];
  readonly #finalDivFactor: number;
  readonly #momenta: { base: readonly number[]; max: readonly number[] } | null;

  constructor(optimizer: Optimizer, options: OneCycleLROptions) {
    super(optimizer);
    const { maxLr, epochs, stepsPerEpoch, pctStart = 0.3, annealStrategy = 'cos', cycleMomentum = true } = options;
    const { baseMomentum = 0.85, maxMomentum = 0.95, divFactor = 25, finalDivFactor = 1e4 } = options;
    const { threePhase = false, totalSteps = Number(epochs) * Number(stepsPerEpoch) } = options;
    const range = (option: string, value: number | readonly number[], low: number, high?: number) =>
      perGroup('OneCycleLR', option, value, optimizer).map((each) => {
        checkRange('OneCycleLR', option, each, low, high);
        return each;
      });
    whole('OneCycleLR', 'totalSteps, or epochs · stepsPerEpoch,', totalSteps, 1);
    checkRange('OneCycleLR', 'pctStart', pctStart, 0, 1);
    for (const [option, value] of Object.entries({ divFactor, finalDivFactor })) {
      check(value > 0, 'OneCycleLR', () => `${option} must be above 0, got ${value}`, ArgumentError);
    }
    check(
      annealStrategy === 'cos' || annealStrategy === 'linear',
      'OneCycleLR',
      () => `annealStrategy must be 'cos' or 'linear', got ${JSON.stringify(annealStrategy)}`,
      ArgumentError,
    );
    check(
      !cycleMomentum || 'momentum' in optimizer.options || 'betas' in optimizer.options,
      'OneCycleLR',
      () => 'the optimizer has no momentum to cycle; pass { cycleMomentum: false }',
      ArgumentError,
    );
    this.#totalSteps = totalSteps;
    this.#phases = phasesOf(totalSteps, pctStart, threePhase);
    this.#anneal = annealStrategy === 'cos' ? alongCosine : alongLine;
    this.#maxLrs = range('maxLr', maxLr, 0);
    this.#finalDivFactor = finalDivFactor;
    this.#momenta = cycleMomentum
      ? { base: range('baseMomentum', baseMomentum, 0, 1), max: range('maxMomentum', maxMomentum, 0, 1) }
      : null;
    this.baseLrs = this.#maxLrs.map((lr) => lr / divFactor);
    this.each((group, i) => {
      group.initialLr = this.baseLrs[i];
    });
    this.begin();
  }

  override step(): void {
    check(
      this.epoch < this.#totalSteps,
      'OneCycleLR',
      () => `the cycle of ${this.#totalSteps} steps is over`,
      ArgumentError,
    );
    super.step();
  }

  protected override first(_lr: number, group: number): number {
    return this.next(0, group);
  }

  protected next(_lr: number, index: number): number {
    const at = this.#phases.findIndex(({ end }, i) => this.epoch <= end || i === this.#phases.length - 1);
    const { end, lr, momentum } = this.#phases[at];
    const begin = at === 0 ? 0 : this.#phases[at - 1].end;
    // The step after the last update sets a rate as well, which a line would lead below 0.
    const part = end === begin ? 1 : Math.min(1, (this.epoch - begin) / (end - begin));
    // A group that was added later cycles like the last one.
    const i = Math.min(index, this.#maxLrs.length - 1);
    if (this.#momenta) {
      const { base, max } = this.#momenta;
      const [from, to] = momentum.map((name) => (name === 'base' ? base : max)[i]);
      const group = this.optimizer.groups[index] as Momenta;
      const value = this.#anneal(from, to, part);
      if (group.betas) group.betas = [value, group.betas[1]];
      else group.momentum = value;
    }
    const rates = { first: this.baseLrs[i], max: this.#maxLrs[i], last: this.baseLrs[i] / this.#finalDivFactor };
    return this.#anneal(rates[lr[0]], rates[lr[1]], part);
  }
}

function phasesOf(totalSteps: number, pctStart: number, threePhase: boolean): Phase[] {
  const up: Phase = { end: pctStart * totalSteps - 1, lr: ['first', 'max'], momentum: ['max', 'base'] };
  if (!threePhase) return [up, { end: totalSteps - 1, lr: ['max', 'last'], momentum: ['base', 'max'] }];
  return [
    up,
    { end: 2 * pctStart * totalSteps - 2, lr: ['max', 'first'], momentum: ['base', 'max'] },
    { end: totalSteps - 1, lr: ['first', 'last'], momentum: ['max', 'max'] },
  ];
}

function alongCosine(from: number, to: number, part: number): number {
  return to + ((from - to) / 2) * (1 + Math.cos(Math.PI * part));
}

function alongLine(from: number, to: number, part: number): number {
  return from + (to - from) * part;
}
