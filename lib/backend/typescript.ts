import * as kernels from '../kernels/index.js';

/** The list of kernels. The TypeScript ones are the specification; the native addon implements their type. */
export type Kernels = typeof kernels;

export { kernels as typescriptKernels };
