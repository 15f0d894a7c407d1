/** Lengths of a parameter: remainders of vectors, and one that threads share. */
export const PARAMETER_LENGTHS: readonly number[] = [0, 1, 3, 16, 17, 1000, 200_003];

export interface SgdCase {
  why: string;
  momentum?: number;
  dampening?: number;
  weightDecay?: number;
  nesterov?: boolean;
  firstStep?: boolean;
  maximize?: boolean;
}

export const SGD_CASES: readonly SgdCase[] = [
  { why: 'plain' },
  { why: 'weight decay', weightDecay: 0.01 },
  { why: 'up the gradient, but weights decay all the same', weightDecay: 0.01, maximize: true },
  { why: 'the first step fills the momentum', momentum: 0.9, firstStep: true },
  { why: 'momentum', momentum: 0.9 },
  { why: 'momentum with dampening', momentum: 0.9, dampening: 0.5 },
  { why: 'the first step ignores dampening', momentum: 0.9, dampening: 0.5, firstStep: true },
  { why: 'Nesterov momentum and weight decay', momentum: 0.95, nesterov: true, weightDecay: 0.001 },
  { why: 'Nesterov momentum, first step', momentum: 0.95, nesterov: true, firstStep: true },
];

export interface AdamCase {
  why: string;
  step: number;
  weightDecay?: number;
  decoupled?: boolean;
  amsgrad?: boolean;
  maximize?: boolean;
}

export const ADAM_CASES: readonly AdamCase[] = [
  { why: 'the first step: bias corrections of 0.1 and 0.001', step: 1 },
  { why: 'a later step', step: 100 },
  { why: 'weight decay in the gradient', step: 3, weightDecay: 0.01 },
  { why: 'weight decay of the parameter', step: 3, weightDecay: 0.01, decoupled: true },
  { why: 'the largest second moment', step: 3, amsgrad: true },
  { why: 'up the gradient', step: 3, maximize: true, weightDecay: 0.01 },
];

export interface RmspropCase {
  why: string;
  momentum?: number;
  weightDecay?: number;
  centered?: boolean;
}

export const RMSPROP_CASES: readonly RmspropCase[] = [
  { why: 'plain' },
  { why: 'weight decay and momentum', weightDecay: 0.01, momentum: 0.9 },
  { why: 'centered', centered: true },
  { why: 'everything', centered: true, momentum: 0.5, weightDecay: 0.01 },
];
