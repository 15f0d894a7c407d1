export type { CheckpointInfo, StepInfo, TrainerCallback } from './callback.js';
export { type Checkpoint, loadCheckpoint, saveCheckpoint } from './checkpoint.js';
export { CompiledStep, compileStep } from './compilestep.js';
export { EagerStep } from './eagerstep.js';
export { type Classification, type EvaluateOptions, type Evaluation, evaluate } from './evaluate.js';
export type { FitOptions, FitResult, StopReason } from './fitoptions.js';
export type { Loader } from './loader.js';
export * from './metrics/index.js';
export type { EarlyStoppingOptions, MonitorOptions } from './monitor.js';
export type { ProgressStream } from './progress.js';
export type { Schedule, ScheduleInterval } from './schedule.js';
export type { BestState, EpochRecord, EpochSums, TrainingState } from './state.js';
export {
  type Loss,
  type LossFunction,
  type PrepareOptions,
  prepareStep,
  type StepOptions,
  type StepRunOptions,
  type TrainingStep,
  type WeightAverage,
} from './step.js';
export { type PredictOptions, Trainer, type TrainerOptions } from './trainer.js';
