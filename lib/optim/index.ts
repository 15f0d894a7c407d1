export { Adam, type AdamOptions, AdamW } from './adam.js';
export { clipGradNorm, clipGradValue } from './clip.js';
export { ExponentialMovingAverage, type ExponentialMovingAverageOptions, type MovingAverageState } from './ema.js';
export { Lion, type LionOptions } from './lion.js';
export {
  type GroupOptions,
  Optimizer,
  type OptimizerKind,
  type OptimizerOptions,
  type OptimizerState,
  type ParameterGroup,
  type ParameterState,
  type ParametersOrGroups,
} from './optimizer.js';
export { RMSprop, type RMSpropOptions } from './rmsprop.js';
export * from './schedulers/index.js';
export { SGD, type SGDOptions } from './sgd.js';
export { weightDecayGroups } from './weightdecaygroups.js';
