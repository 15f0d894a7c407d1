/**
 * Codes of the operations that share one kernel. native/kernels/operations.h holds the same lists in the same order;
 * test/geometry.test.ts compares the two.
 */
export const UNARY_OPERATIONS = [
  'neg', // −x
  'abs',
  'sign', // −1, 0 or 1
  'exp',
  'log',
  'sqrt',
  'square',
  'reciprocal',
  'erf',
  'tanh',
  'sigmoid', // 1 / (1 + e^−x)
  'relu', // max(0, x); NaN stays NaN
  'leakyRelu', // x > 0 ? x : alpha·x
  'elu', // x > 0 ? x : alpha·(e^x − 1)
  'gelu', // x/2 · (1 + erf(x/√2))
  'silu', // x · sigmoid(x)
  'softplus', // log(1 + e^x)
  'clip', // min(beta, max(alpha, x)); NaN stays NaN
  'affine', // alpha·x + beta
  'floor',
  'ceil',
  'round', // halves to the even neighbour
  'hardSigmoid', // min(1, max(0, alpha·x + beta)); NaN stays NaN
  'hardSwish', // x · min(1, max(0, x/6 + 1/2))
  'mish', // x · tanh(log(1 + e^x))
] as const;

export const BINARY_OPERATIONS = [
  'add',
  'sub',
  'mul',
  'div',
  'max', // NaN wins
  'min', // NaN wins
  'pow',
  'reluGrad', // b > 0 ? a : 0; a NaN in b passes a on, as PyTorch's threshold does
  'prelu', // a > 0 ? a : b·a
  'mod', // a − b·floor(a / b): the sign of b, as in Python
  'fmod', // a − b·trunc(a / b): the sign of a, as in C
] as const;

export const COMPARE_OPERATIONS = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const;
export const LOGICAL_OPERATIONS = ['logicalAnd', 'logicalOr', 'logicalXor'] as const;
export const REDUCE_OPERATIONS = ['sum', 'mean', 'max', 'min', 'prod'] as const; // max and min: NaN wins
export const ARG_REDUCE_OPERATIONS = ['argmax', 'argmin'] as const; // first position; the first NaN wins
/** On int32, where everything wraps around as in typed arrays. */
export const UNARY_INT_OPERATIONS = [
  'neg',
  'abs',
  'sign',
  'clip', // min(beta, max(alpha, x))
] as const;
export const BINARY_INT_OPERATIONS = [
  'add',
  'sub',
  'mul',
  'div', // towards 0; by 0 it is 0
  'max',
  'min',
  'pow', // with a negative exponent 1 / a^|b| towards 0, and 0 for a = 0
  'mod', // the sign of b; by 0 it is 0
  'fmod', // the sign of a; by 0 it is 0
] as const;
export const REDUCE_INT_OPERATIONS = ['sum', 'max', 'min', 'prod'] as const;
/** What happens to an element that is scattered to; the order of the updates is that of their positions. */
export const SCATTER_REDUCTIONS = ['none', 'add', 'mul', 'max', 'min'] as const;
export const PAD_MODES = ['constant', 'reflect', 'replicate', 'circular'] as const;
export const CONVOLUTION_PASSES = ['forward', 'gradInput', 'gradWeight'] as const;
/** How a convolution of blocked tensors is computed (native/README.md). */
export const CONVOLUTION_ALGORITHMS = [
  'direct', // sum over taps and channels, result in registers
  'plainInput', // the same, the source being plain NCHW: a network's first layer
  'winograd2', // F(2×2, 3×3)
  'winograd4', // F(4×4, 3×3)
  'depthwise', // one channel a group
  'grouped', // groups within a block of channels
  'winograd4Taps', // winograd4 with weights that are transformed as they are used
  'columns', // gradient of an input of few channels: pixels of dy times all weights, products added up in dx
  'winogradStrided', // 3×3 with stride 2 as four kinds of taps, F(4, 2) along an axis of two
] as const;
/** What the second operand of a map of a blocked tensor is. */
export const MAP_OPERANDS = [
  'tensor', // of the same shape
  'gate', // a number for each image and channel, [n, c]
] as const;
/** What a kernel does to its result before it stores it. */
export const ACTIVATION_KINDS = [
  'identity',
  'relu',
  'clip', // min(beta, max(alpha, x))
  'leakyRelu', // x > 0 ? x : alpha·x
  'prelu', // x > 0 ? x : slope of the channel · x
  'hardSigmoid', // min(1, max(0, alpha·x + beta))
  'hardSwish', // x · min(1, max(0, x/6 + 1/2))
  'sigmoid',
  'tanh',
  'silu',
  'gelu',
] as const;

export type UnaryOperation = (typeof UNARY_OPERATIONS)[number];
export type BinaryOperation = (typeof BINARY_OPERATIONS)[number];
export type CompareOperation = (typeof COMPARE_OPERATIONS)[number];
export type ReduceOperation = (typeof REDUCE_OPERATIONS)[number];
export type LogicalOperation = (typeof LOGICAL_OPERATIONS)[number];
export type UnaryIntOperation = (typeof UNARY_INT_OPERATIONS)[number];
export type BinaryIntOperation = (typeof BINARY_INT_OPERATIONS)[number];
export type ReduceIntOperation = (typeof REDUCE_INT_OPERATIONS)[number];
export type ScatterReduction = (typeof SCATTER_REDUCTIONS)[number];
export type ArgReduceOperation = (typeof ARG_REDUCE_OPERATIONS)[number];
export type PadMode = (typeof PAD_MODES)[number];
export type ConvolutionPass = (typeof CONVOLUTION_PASSES)[number];
export type ConvolutionAlgorithm = (typeof CONVOLUTION_ALGORITHMS)[number];
export type MapOperand = (typeof MAP_OPERANDS)[number];
export type ActivationKind = (typeof ACTIVATION_KINDS)[number];
