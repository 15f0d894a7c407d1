import type { Operator } from '../operator.js';
import { ACTIVATIONS } from './activation.js';
import { ARITHMETIC } from './arithmetic.js';
import { CONSTANTS } from './constant.js';
import { CONTROL } from './control.js';
import { CONVOLUTIONS } from './convolution.js';
import { INDEXING } from './indexing.js';
import { NORMALIZATIONS } from './normalization.js';
import { POOLINGS } from './pooling.js';
import { REDUCTIONS } from './reduction.js';
import { RESIZES } from './resize.js';
import { SHAPES } from './shape.js';

/** Every operator, by its name in ONNX. */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map(
  [
    ACTIVATIONS,
    ARITHMETIC,
    CONSTANTS,
    CONTROL,
    CONVOLUTIONS,
    INDEXING,
    NORMALIZATIONS,
    POOLINGS,
    REDUCTIONS,
    RESIZES,
    SHAPES,
  ].flatMap((family) => Object.entries(family)),
);
