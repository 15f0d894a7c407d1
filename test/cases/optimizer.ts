/** Lengths of a parameter: remainders of vectors, and one that threads share. */
export const PARAMETER_LENGTHS: readonly number[] = [0, 1, 3, 16, 17, 1000, 200_003];

export interface SgdCase {
  why: string;
  momentum?: number;
  dampening?: number;
  weightDecay?: number;
  nesterov?: boolean;
  firstStep?: boolean;
}

export const SGD_CASES: readonly SgdCase[] = [
  { why: 'plain' },
  { why: 'weight decay', weightDecay: 0.01 },
  { why: 'the first step fills the momentum, whatever was in it', momentum: 0.9, firstStep: true },
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
}

export const ADAM_CASES: readonly AdamCase[] = [
  { why: 'the first step: bias corrections of 0.1 and 0.001', step: 1 },
  { why: 'a later step', step: 100 },
  { why: 'weight decay in the gradient', step: 3, weightDecay: 0.01 },
  { why: 'weight decay of the parameter', step: 3, weightDecay: 0.01, decoupled: true },
];
