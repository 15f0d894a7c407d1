import {
  abs,
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  add,
  avgPool1d,
  avgPool2d,
  batchNorm,
  type Conv2dOptions,
  cast,
  clip,
  concat,
  conv2d,
  div,
  dropout,
  dropout2d,
  elu,
  erf,
  exp,
  expand,
  flatten,
  Generator,
  gelu,
  leakyRelu,
  linear,
  log,
  logSoftmax,
  matmul,
  max,
  maximum,
  maxPool1d,
  maxPool2d,
  mean,
  min,
  minimum,
  mul,
  neg,
  type PadOptions,
  type PadWidths,
  pad,
  permute,
  pow,
  reciprocal,
  relu,
  reshape,
  type Shape,
  sigmoid,
  sign,
  silu,
  slice,
  softmax,
  softplus,
  sqrt,
  square,
  squeeze,
  stack,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor,
  transpose,
  unsqueeze,
  where,
} from '../../lib/index.js';
import { reluGrad } from '../../lib/ops/relugrad.js';
import {
  apart,
  between,
  type GradientCase,
  type Input,
  ofOne,
  ofTwo,
  positive,
  sixtyFourths,
} from './gradientinputs.js';
import { LAYER_CASES } from './gradientoflayers.js';
import { LOSS_CASES } from './gradientoflosses.js';

function ofConv2d(why: string, x: Shape, weight: Shape, options: Conv2dOptions = {}, bias = true): GradientCase {
  const inputs = { x, weight, ...(bias ? { bias: [weight[0]] } : {}) };
  return { op: 'conv2d', why, inputs, f: (t) => conv2d(t.x, t.weight, t.bias ?? null, options) };
}

const CONV2D: GradientCase[] = [
  ofConv2d('plain', [2, 2, 4, 5], [3, 2, 3, 2]),
  ofConv2d('no bias', [1, 2, 4, 3], [2, 2, 2, 2], {}, false),
  ofConv2d('stride', [1, 2, 7, 6], [2, 2, 3, 3], { stride: 2, padding: 1 }),
  ofConv2d('stride above the kernel: pixels without any window', [1, 2, 7, 8], [2, 2, 2, 1], { stride: [3, 4] }),
  ofConv2d('a stride that leaves a rest', [1, 1, 6, 6], [1, 1, 3, 3], { stride: [2, 4] }),
  ofConv2d('padding by axis', [1, 1, 3, 4], [2, 1, 3, 2], { padding: [2, 0] }),
  ofConv2d('four paddings, none alike', [1, 2, 4, 3], [2, 2, 3, 2], { padding: [0, 1, 2, 3] }),
  ofConv2d('padding wider than the kernel', [1, 1, 2, 2], [2, 1, 2, 2], { padding: 3 }),
  ofConv2d('same padding, even kernel', [1, 2, 5, 4], [2, 2, 2, 4], { padding: 'same' }),
  ofConv2d('same padding, strided', [1, 1, 5, 7], [2, 1, 3, 2], { padding: 'same', stride: [2, 3] }),
  ofConv2d('dilation', [1, 2, 6, 7], [2, 2, 2, 3], { dilation: [3, 2] }),
  ofConv2d('stride, dilation and padding at once', [1, 2, 7, 6], [1, 2, 3, 2], {
    stride: [2, 1],
    dilation: [1, 3],
    padding: [2, 1],
  }),
  ofConv2d('groups', [2, 4, 3, 3], [4, 2, 2, 2], { groups: 2 }),
  ofConv2d('groups, strided and dilated', [1, 6, 6, 5], [3, 2, 2, 2], {
    groups: 3,
    stride: [2, 1],
    dilation: [2, 1],
    padding: 1,
  }),
  ofConv2d('depthwise', [2, 3, 4, 4], [3, 1, 3, 3], { groups: 3, padding: 1 }),
  ofConv2d('depthwise, two outputs a channel', [1, 3, 5, 4], [6, 1, 2, 3], { groups: 3, stride: 2, padding: [0, 1] }),
  ofConv2d('1x1', [2, 3, 2, 3], [4, 3, 1, 1]),
  ofConv2d('1x1, strided: pixels without any window', [1, 2, 5, 4], [2, 2, 1, 1], { stride: 2 }),
  ofConv2d('one pixel', [2, 3, 1, 1], [2, 3, 1, 1]),
  ofConv2d('one pixel, all but one weight in padding', [1, 2, 1, 1], [2, 2, 3, 3], { padding: 1 }),
  ofConv2d('one channel in, one out, one image', [1, 1, 4, 4], [1, 1, 3, 3]),
  ofConv2d('kernel as large as the image', [2, 2, 3, 4], [2, 2, 3, 4]),
  ofConv2d('wide: 1xN', [1, 2, 1, 9], [2, 2, 1, 5], { padding: [0, 2] }),
  ofConv2d('tall: Nx1', [1, 2, 9, 1], [2, 2, 5, 1], { stride: [2, 1] }),
  ofConv2d('odd sizes beyond a tile of pixels', [1, 1, 7, 11], [1, 1, 3, 3], { padding: 1 }),
];

const POOLS: GradientCase[] = [
  ofOne('maxpool2d', (x) => maxPool2d(x, 2), apart([1, 2, 4, 4])),
  ofOne('maxpool2d', (x) => maxPool2d(x, 3, { stride: 1, padding: 1 }), apart([1, 1, 4, 5]), 'windows that overlap'),
  ofOne(
    'maxpool2d',
    (x) => maxPool2d(x, [2, 3], { stride: [1, 2], dilation: [2, 1] }),
    apart([1, 1, 5, 6]),
    'dilation',
  ),
  ofOne('maxpool2d', (x) => maxPool2d(x, 2, { stride: 3, ceilMode: true }), apart([1, 1, 5, 5]), 'ceil mode'),
  ofOne('avgpool2d', (x) => avgPool2d(x, 2), [1, 2, 4, 4]),
  ofOne('avgpool2d', (x) => avgPool2d(x, 3, { stride: 2, padding: 1 }), [1, 1, 5, 4], 'padding counts'),
  ofOne(
    'avgpool2d',
    (x) => avgPool2d(x, [3, 2], { stride: [2, 1], padding: [1, 0], countIncludePad: false }),
    [1, 2, 4, 3],
    'padding does not count',
  ),
  ofOne('avgpool2d', (x) => avgPool2d(x, 3, { stride: 2, padding: 1, ceilMode: true }), [1, 1, 6, 6], 'ceil mode'),
  ofOne('adaptiveavgpool2d', (x) => adaptiveAvgPool2d(x, [2, 3]), [2, 1, 5, 4], 'windows that overlap'),
  ofOne('adaptiveavgpool2d', (x) => adaptiveAvgPool2d(x, [4, 5]), [1, 1, 3, 2], 'more outputs than inputs'),
  ofOne('adaptivemaxpool2d', (x) => square(adaptiveMaxPool2d(x, [2, 3])), apart([2, 1, 5, 4]), 'windows that overlap'),
  ofOne('adaptivemaxpool2d', (x) => square(adaptiveMaxPool2d(x, [4, 5])), apart([1, 1, 3, 2]), 'pixels that win often'),
  ofOne('adaptivemaxpool2d', (x) => adaptiveMaxPool2d(x, 2), apart([1, 2, 4, 2]), 'windows of one size'),
  ofOne('maxpool1d', (x) => maxPool1d(x, 3, { stride: 2, padding: 1 }), apart([2, 1, 6])),
  ofOne('avgpool1d', (x) => avgPool1d(x, 3, { stride: 1, padding: [0, 1], countIncludePad: false }), [1, 2, 5]),
];

const running = {
  runningMean: tensor([0.3, -0.2, 0.1], undefined, { dtype: 'float64' }) as Tensor,
  runningVar: tensor([0.5, 1.5, 1], undefined, { dtype: 'float64' }) as Tensor,
};
const affine = { weight: [3], bias: [3] };
const NORMALISATION: GradientCase[] = [
  {
    op: 'batchnorm',
    why: 'training, statistics of the batch',
    inputs: { x: [2, 3, 2, 2], ...affine },
    f: (t) => batchNorm(t.x, t.weight, t.bias, { training: true }),
  },
  {
    op: 'batchnorm',
    why: 'training without weight and bias, one image, eps that matters',
    inputs: { x: [1, 3, 3, 1] },
    f: (t) => batchNorm(t.x, null, null, { training: true, eps: 0.1 }),
  },
  {
    op: 'batchnorm',
    why: 'training on [n, c]',
    inputs: { x: [4, 3], weight: [3] },
    f: (t) => batchNorm(t.x, t.weight, null, { training: true }),
  },
  {
    op: 'batchnorm',
    why: 'inference, running statistics',
    inputs: { x: [2, 3, 1, 2], ...affine },
    f: (t) => batchNorm(t.x, t.weight, t.bias, running),
  },
  {
    op: 'batchnorm',
    why: 'inference without weight',
    inputs: { x: [2, 3, 2], bias: [3] },
    f: (t) => batchNorm(t.x, null, t.bias, { ...running, eps: 0.1 }),
  },
];

const FUNCTIONS: GradientCase[] = [
  ofOne('relu', relu, apart([3, 4])),
  ofOne('leakyrelu', (x) => leakyRelu(x, 0.3), apart([3, 4])),
  ofOne('elu', (x) => elu(x, 0.7), between(-2, -0.1, [6]), 'left of the kink'),
  ofOne('elu', (x) => elu(x), apart([3, 4]), 'both sides of the kink'),
  ofOne('gelu', (x) => gelu(x), between(-3, 3, [12])),
  ofOne('gelu', (x) => gelu(x, { approximate: 'tanh' }), between(-3, 3, [12]), 'by tanh'),
  ofOne('silu', silu, between(-4, 4, [12])),
  ofOne('softplus', (x) => softplus(x), between(-4, 4, [12])),
  ofOne('softplus', (x) => softplus(x, { beta: 2.5 }), between(-4, 4, [12]), 'sharper'),
  ofOne('sigmoid', sigmoid, between(-4, 4, [12])),
  ofOne('tanh', tanh, between(-2, 2, [12])),
  ofOne('erf', erf, between(-2, 2, [12])),
  ofOne('exp', exp, between(-2, 1, [8])),
  ofOne('log', log, positive([8])),
  ofOne('sqrt', sqrt, positive([8])),
  ofOne('square', square, [8]),
  ofOne('reciprocal', reciprocal, positive([8])),
  ofOne('reciprocal', reciprocal, between(-2, -0.5, [4]), 'negative numbers'),
  ofOne('neg', neg, [5]),
  ofOne('abs', abs, apart([8])),
  ofOne('sign', sign, apart([8]), 'zero everywhere'),
  ofOne('clip', (x) => clip(x, -0.55, 0.95), apart([10]), 'inside and outside the limits'),
  ofOne('dropout', (x) => dropout(x, 0.4, { generator: new Generator(3) }), [4, 5]),
  ofOne('dropout', (x) => dropout2d(x, 0.4, { generator: new Generator(5) }), [2, 3, 2, 2], 'whole channels'),
  ofTwo('relugrad', reluGrad, 'linear in dy, constant in y', [8], apart([8])),
];

type Binary = (a: Tensor, b: Tensor) => Tensor;
const ARITHMETIC: [op: string, f: Binary, a: (shape: Shape) => Input, b: (shape: Shape) => Input][] = [
  ['add', add, (shape) => shape, (shape) => shape],
  ['sub', sub, (shape) => shape, (shape) => shape],
  ['mul', mul, (shape) => shape, (shape) => shape],
  ['div', div, (shape) => shape, positive],
  ['pow', pow, positive, (shape) => shape],
  ['maximum', maximum, apart, (shape) => apart(shape, 1)],
  ['minimum', minimum, apart, (shape) => apart(shape, 1)],
];
const BROADCASTS: [why: string, a: Shape, b: Shape][] = [
  ['equal shapes', [2, 3], [2, 3]],
  ['a row against a matrix', [3], [2, 3]],
  ['a column against a matrix', [2, 3], [2, 1]],
  ['both stretch', [2, 1, 3], [4, 1]],
  ['a scalar', [2, 2], []],
  ['an axis of 1 that stays 1', [1, 3], [1, 1]],
];
const BINARIES: GradientCase[] = [
  ...ARITHMETIC.flatMap(([op, f, a, b]) => BROADCASTS.map(([why, x, y]) => ofTwo(op, f, why, a(x), b(y)))),
  ofOne('mul', (x) => mul(x, x), [4], 'one tensor as both operands'),
  ofOne('div', (x) => div(x, x.square().add(1)), [4], 'one tensor in both operands'),
  ofOne('pow', (x) => pow(x, 3), [5], 'a number as exponent, negative bases'),
  ofOne('pow', (x) => pow(x, -2), positive([4]), 'a negative exponent'),
  ofOne('pow', (x) => pow(x, 1), [4], 'an exponent that leaves a constant slope'),
  ofOne('sub', (x) => sub(x, 2.5), [3], 'a number as second operand'),
];

const mask = tensor([true, false, false, true, false, true], [2, 3]) as Tensor<'bool'>;
const maskOfColumns = tensor([true, false, true]) as Tensor<'bool'>;
const SELECTION: GradientCase[] = [
  ofTwo('where', (a, b) => where(mask, a, b), 'equal shapes', [2, 3], [2, 3]),
  ofTwo('where', (a, b) => where(mask, a, b), 'operands that stretch', [3], [2, 1]),
  ofTwo('where', (a, b) => where(maskOfColumns, a, b), 'a condition that stretches', [2, 3], []),
  ofOne('slice', (x) => slice(x, [[1], null, [0, -1, 2]]), [3, 2, 4], 'start, whole axis, end and step'),
  ofOne('slice', (x) => slice(x, [[-2, -1]]), [3, 2], 'positions from the end'),
  ofOne('permute', (x) => permute(x, [2, 0, 1]), [2, 3, 4]),
  ofOne('transpose', (x) => transpose(x, -1, 0), [2, 3, 2]),
  ofOne('expand', (x) => expand(x, [2, 3, 4]), [3, 1], 'a new axis and one that stretches'),
  ofOne('reshape', (x) => square(reshape(x, [3, -1])), [2, 6]),
  ofOne('reshape', (x) => square(flatten(unsqueeze(squeeze(x, 1), 0), 1)), [2, 1, 3], 'squeeze, unsqueeze, flatten'),
  ofTwo('concat', (a, b) => square(concat([a, b, a], 1)), 'one part twice', [2, 1, 2], [2, 3, 2]),
  ofTwo('stack', (a, b) => square(stack([a, b], -1)), 'along a last axis', [2, 2], [2, 2]),
  ofOne('cast', (x) => cast(cast(x, 'float32'), 'float64'), sixtyFourths([6]), 'there and back'),
];

const REDUCTIONS: GradientCase[] = [
  ofOne('sum', (x) => square(sum(x)), [2, 3], 'all axes'),
  ofOne('sum', (x) => square(sum(x, [0, 2])), [2, 3, 2], 'axes that are not adjacent'),
  ofOne('sum', (x) => square(sum(x, -1, { keepDims: true })), [2, 3], 'kept as an axis of 1'),
  ofOne('sum', (x) => square(sum(x, [])), [3], 'no axis'),
  ofOne('mean', (x) => square(mean(x, [1, 0])), [2, 3, 2]),
  ofOne('max', (x) => square(max(x)), apart([2, 3]), 'all axes'),
  ofOne('max', (x) => square(max(x, [0, 2], { keepDims: true })), apart([2, 3, 2]), 'two axes, kept'),
  ofOne('min', (x) => square(min(x, 1)), apart([2, 3, 2]), 'one axis'),
];

const PRODUCTS: GradientCase[] = [
  ...[false, true].flatMap((transposeA) =>
    [false, true].map((transposeB) =>
      ofTwo(
        'matmul',
        (a, b) => matmul(a, b, { transposeA, transposeB }),
        `${transposeA ? 'transposed' : 'plain'} by ${transposeB ? 'transposed' : 'plain'}, batched`,
        transposeA ? [2, 4, 3] : [2, 3, 4],
        transposeB ? [2, 2, 4] : [2, 4, 2],
      ),
    ),
  ),
  ofTwo('matmul', matmul, 'a matrix shared by a batch', [2, 3, 4], [4, 2]),
  ofTwo(
    'matmul',
    (a, b) => matmul(a, b, { transposeA: true }),
    'a transposed matrix shared by a batch',
    [4, 3],
    [2, 4, 2],
  ),
  ofTwo('matmul', matmul, 'batches that both stretch', [2, 1, 2, 3], [3, 3, 2]),
  ofTwo('matmul', matmul, 'a vector by a matrix', [3], [2, 3, 2]),
  ofTwo('matmul', matmul, 'a matrix by a vector', [2, 2, 3], [3]),
  ofTwo('matmul', matmul, 'two vectors', [4], [4]),
  ofOne('matmul', (x) => matmul(x, x), [3, 3], 'one tensor as both operands'),
  {
    op: 'linear',
    why: 'with bias, on [..., in]',
    inputs: { x: [2, 2, 3], weight: [4, 3], bias: [4] },
    f: (t) => linear(t.x, t.weight, t.bias),
  },
];

const PROBABILITIES: GradientCase[] = [
  ofOne('softmax', (x) => softmax(x), [3, 4]),
  ofOne('softmax', (x) => softmax(x, 1), [2, 3, 2], 'along an inner axis'),
  ofOne('logsoftmax', (x) => logSoftmax(x), [3, 4]),
  ofOne('logsoftmax', (x) => logSoftmax(x, 0), [3, 2, 2], 'along the first axis'),
];

function ofPad(why: string, shape: Shape, widths: PadWidths, options: PadOptions): GradientCase {
  return ofOne('pad', (x) => square(pad(x, widths, options)), shape, `${options.mode}: ${why}`);
}

const PADS: GradientCase[] = [
  ofPad('a value that is no zero', [2, 2, 3], [1, 0, 2, 3], { mode: 'constant', value: 1.5 }),
  ofPad('as far as it can reach', [1, 3, 4], [2, 3, 1, 2], { mode: 'reflect' }),
  ofPad('further than the image', [2, 2, 1], [3, 2, 0, 4], { mode: 'replicate' }),
  ofPad('as far as it can reach', [1, 2, 3], [2, 3, 1, 0], { mode: 'circular' }),
];

export const GRADIENT_CASES: readonly GradientCase[] = [
  ...CONV2D,
  ...POOLS,
  ...NORMALISATION,
  ...FUNCTIONS,
  ...BINARIES,
  ...SELECTION,
  ...REDUCTIONS,
  ...PRODUCTS,
  ...PROBABILITIES,
  ...PADS,
  ...LAYER_CASES,
  ...LOSS_CASES,
];

const comparison = 'its result is bool';
const truth = 'it takes and gives bool';
/** Files of lib/ops that define an op without a gradient, and why. */
export const WITHOUT_GRADIENT: Readonly<Record<string, string>> = {
  argreduce: 'its result is a position',
  blend: 'it changes memory, unseen by autograd',
  logicaland: truth,
  logicalor: truth,
  logicalxor: truth,
  nonmaxsuppression: 'its result is a position',
  nonzero: 'its result is a position',
  eq: comparison,
  ge: comparison,
  gt: comparison,
  le: comparison,
  lt: comparison,
  ne: comparison,
};
/** Files that define ops for others, and whose cases try them. */
export const SHARED_OPS: Readonly<Record<string, readonly string[]>> = {
  channelnorm: ['batchnorm', 'layernorm', 'groupnorm'],
  convolution: ['conv2d', 'convtranspose2d'],
  gatherelements: ['gather', 'scatter', 'topk'],
  resample: ['interpolate', 'resize'],
  slices: ['indexselect', 'gathernd', 'scatternd'],
};
