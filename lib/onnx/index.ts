export type { ElementType } from './elementtype.js';
export { type EvaluateOptions, evaluate } from './evaluate.js';
export { OnnxModel, readModel, type ValueDescription } from './model.js';
