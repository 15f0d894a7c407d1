export {
  CosineAnnealingLR,
  type CosineAnnealingLROptions,
  CosineAnnealingWarmRestarts,
  type CosineAnnealingWarmRestartsOptions,
} from './cosineannealinglr.js';
export { LambdaLR, type LambdaLROptions, type LRLambda } from './lambdalr.js';
export {
  ConstantLR,
  type ConstantLROptions,
  LinearLR,
  type LinearLROptions,
  PolynomialLR,
  type PolynomialLROptions,
} from './linearlr.js';
export { OneCycleLR, type OneCycleLROptions } from './onecyclelr.js';
export { ReduceLROnPlateau, type ReduceLROnPlateauOptions } from './reducelronplateau.js';
export { Scheduler, type SchedulerState } from './scheduler.js';
export { ChainedScheduler, SequentialLR, type SequentialLROptions } from './sequentiallr.js';
export {
  ExponentialLR,
  type ExponentialLROptions,
  MultiStepLR,
  type MultiStepLROptions,
  StepLR,
  type StepLROptions,
} from './steplr.js';
