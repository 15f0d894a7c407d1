/**
 * The pure TypeScript kernels: the executable specification of what native/kernels.inc lists, and the fallback when no
 * native build can be loaded. They compute in float64 and store in the kind of the output array, so the same code
 * serves float32 tensors and, on Float64Array, is the oracle of the tests.
 */
export { adaptiveMaxPool2dForward } from './adaptivemaxpool2d.js';
export {
  adaptiveAvgPool2dBackward,
  adaptiveAvgPool2dForward,
  avgPool2dBackward,
  avgPool2dForward,
} from './avgpool2d.js';
export { batchNormBackward, batchNormForward, batchNormStatistics } from './batchnorm.js';
export { cast, fill } from './cast.js';
export { conv2dForward, conv2dGradInput, conv2dGradWeight } from './conv2d.js';
export { stridedCopy } from './copy.js';
export { crossEntropyBackward, crossEntropyForward } from './crossentropy.js';
export { cumSum } from './cumsum.js';
export { binary, compare, unary, where } from './elementwise.js';
export { gemm } from './gemm.js';
export { col2im, im2col } from './im2col.js';
export { gatherElements, gatherSlices, scatterElements, scatterSlices } from './indexing.js';
export { binaryInt, compareInt, reduceInt, unaryInt } from './integer.js';
export { logical } from './logical.js';
export { maxPool2dBackward, maxPool2dForward, maxPool2dGather } from './maxpool2d.js';
export { nonMaxSuppression } from './nonmaxsuppression.js';
export { adamUpdate, blend, lionUpdate, rmspropUpdate, sgdUpdate } from './optimizer.js';
export { pad2dBackward, pad2dForward } from './pad2d.js';
export { randomMask } from './random.js';
export { argReduce, reduce } from './reduce.js';
export { resample } from './resample.js';
export { nonZero, topK } from './selection.js';
export { logSoftmaxBackward, logSoftmaxForward, softmaxBackward, softmaxForward } from './softmax.js';
export type { Elements, Floats } from './types.js';
