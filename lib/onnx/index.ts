export type { ElementType } from './elementtype.js';
export { type EvaluateOptions, evaluate } from './evaluate.js';
export { type ExportOptions, exportOnnx } from './export/export.js';
export type { Initializer } from './initializer.js';
export { OnnxModel, readModel, type ValueDescription } from './model.js';
export { OnnxModule, toModule } from './module.js';
export type { OnnxNode } from './operator.js';
