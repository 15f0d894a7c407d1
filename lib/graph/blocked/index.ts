import { channelSums, reluBackward } from './activationgradient.js';
import { concatenation } from './concatenation.js';
import { convolution, weightGradient } from './convolution.js';
import { mapping } from './map.js';
import { normalisation, normalisationBackward } from './norm.js';
import {
  averagePooling,
  averagePoolingBackward,
  globalPooling,
  globalPoolingBackward,
  maxPooling,
  maxPoolingBackward,
} from './pooling.js';
import type { BlockedRule } from './rule.js';

const RULES: readonly BlockedRule[] = [
  convolution,
  weightGradient,
  maxPooling,
  maxPoolingBackward,
  averagePooling,
  averagePoolingBackward,
  globalPooling,
  globalPoolingBackward,
  mapping,
  concatenation,
  normalisation,
  normalisationBackward,
  reluBackward,
  channelSums,
];

/** The rule for each op that can run on the kernels' own layout. */
export const BLOCKED_RULES: ReadonlyMap<string, BlockedRule> = new Map(
  RULES.flatMap((rule) => rule.ops.map((op) => [op, rule] as const)),
);
