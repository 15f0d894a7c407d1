export { type BackwardOptions, type GradOptions, grad, isGradEnabled, noGrad } from './autograd.js';
export {
  availableIsas,
  type BackendInfo,
  type BackendName,
  backendInfo,
  type Isa,
  type Precision,
  setBackend,
  setIsa,
  setPrecision,
  setThreads,
} from './backend/backend.js';
export { arange, full, ones, type RandomOptions, rand, randn, type TensorOptions, tensor, zeros } from './creation.js';
export type { DType, FloatDType, TypedArray, TypedArrays } from './dtype.js';
export * from './errors.js';
export type { Padding, Pair } from './geometry.js';
export { type Differentiable, type GradientCheckOptions, gradientCheck } from './gradientcheck.js';
export { CompiledModel, type CompileOptions, compile } from './inference/compile.js';
export type { Feed } from './inference/door.js';
export type { Inspection, InspectionRow } from './inference/inspection.js';
export type { Profile, ProfileRow } from './inference/profile.js';
export {
  type Feeds,
  type Fetches,
  InferenceSession,
  type Model,
  type Results,
  type RunOptions,
  type SessionOptions,
} from './inference/session.js';
export type { ModelSource, Stage, ValueMetadata } from './inference/source.js';
export * as nn from './nn/index.js';
export * from './ops/index.js';
export * as optim from './optim/index.js';
export { Adam, AdamW, Lion, RMSprop, SGD } from './optim/index.js';
export { Generator, type GeneratorState, manualSeed } from './random.js';
export type { Shape } from './shape.js';
export { type NestedArray, Tensor, type TensorData } from './tensor.js';
export * from './train/index.js';
export { version } from './version.js';
