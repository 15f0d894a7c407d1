// Ops bound by memory: what they call and what they have to move.
//
// `buffers` says how many floats each argument has, given { n, c, size, h, w }: a number for the whole call, or
// { each } floats an image. `passes` says how often each of the large ones must move at least, `reads` and `writes` how
// many streams of equal length are the like of that; those of ops that update in place lie on each other. `call` is the
// same for native and TypeScript kernels, `setUp` makes inputs that only other kernels can make. blockedops.mjs has the
// same for kernels on the blocked layout.
import { ADAPTIVE_POOL2D_FIELDS, AXIS_FIELDS, CHANNEL_FIELDS, encode, POOL2D_FIELDS } from '../../dist/geometry.js';
import { BINARY_OPERATIONS, UNARY_OPERATIONS } from '../../dist/kernels/operations.js';
import { encodeStrides } from '../../dist/shape.js';

/** lr, weight decay, momentum, part of the gradient, sign. */
const SGD_SETTINGS = Float32Array.of(1e-6, 1e-4, 0.9, 1, 1);
/** Rate, what is kept of the weights, decay, both betas with their complements, correction, eps, sign. */
const ADAM_SETTINGS = Float32Array.of(1e-5, 1, 0, 0.9, 0.1, 0.999, 0.001, 0.03, 1e-8, 1);

export const eachLike = ({ c, size }) => ({ each: c * size });
export const quarter = ({ c, h, w }) => ({ each: c * (h / 2) * (w / 2) });

/** Geometries are made once for a size, not while the clock runs. */
export function once(make) {
  const made = new WeakMap();
  return (d, ...rest) => {
    if (!made.has(d)) made.set(d, make(d, ...rest));
    return made.get(d);
  };
}

/** A pool that halves the image; an op uses one of them. */
export const pool = once(({ n, c, h, w }, kernel, padding) => {
  const window = { kh: kernel, kw: kernel, oh: h / 2, ow: w / 2, strideH: 2, strideW: 2, dilationH: 1, dilationW: 1 };
  const pads = { padTop: padding, padLeft: padding, padBottom: padding, padRight: padding, countIncludePad: 1 };
  return encode(POOL2D_FIELDS, { n, c, h, w, ...window, ...pads });
});

const globalPool = once(({ n, c, h, w }) => encode(ADAPTIVE_POOL2D_FIELDS, { n, c, h, w, oh: 1, ow: 1 }));
const channels = once(({ n, c, size }) => encode(CHANNEL_FIELDS, { n, c, size }));
const planes = once(({ n, c, size }) => encode(AXIS_FIELDS, { outer: n * c, size, inner: 1 }));
const flatStrides = once(({ n, c, size }) => encodeStrides([n * c * size], [[1], [1]]));
const perChannel = ({ c }) => c;

const unary = (name) => ({
  name,
  buffers: { x: eachLike, y: eachLike },
  outputs: ['y'],
  passes: { x: 1, y: 1 },
  reads: 1,
  writes: 1,
  call: (kernels, { x, y }) => kernels.unary(UNARY_OPERATIONS.indexOf(name), x, y, 0, 0),
});

const binary = (name) => ({
  name,
  buffers: { a: eachLike, b: eachLike, y: eachLike },
  outputs: ['y'],
  passes: { a: 1, b: 1, y: 1 },
  reads: 2,
  writes: 1,
  call: (kernels, { a, b, y }, d) => kernels.binary(BINARY_OPERATIONS.indexOf(name), a, b, y, flatStrides(d)),
});

const maxPool = (name, kernel, padding) => ({
  name,
  buffers: { x: eachLike, y: quarter, indices: quarter },
  outputs: ['y'],
  passes: { x: 1, y: 1, indices: 1 },
  reads: 4,
  writes: 2,
  call: (kernels, { x, y, indices }, d) => kernels.maxPool2dForward(x, y, indices, pool(d, kernel, padding)),
});

export const plainOps = [
  unary('relu'),
  binary('add'),
  binary('reluGrad'),
  maxPool('max_pool_2x2', 2, 0),
  maxPool('max_pool_3x3', 3, 1),
  {
    name: 'max_pool_2x2_backward',
    buffers: { x: eachLike, dy: quarter, y: quarter, indices: quarter, dx: eachLike },
    outputs: ['dx'],
    setUp: (kernels, { x, y, indices }, d) => kernels.maxPool2dForward(x, y, indices, pool(d, 2, 0)),
    passes: { dy: 1, indices: 1, dx: 1 },
    reads: 2,
    writes: 4,
    call: (kernels, { dy, indices, dx }, d) => kernels.maxPool2dBackward(dy, indices, dx, pool(d, 2, 0)),
  },
  {
    name: 'avg_pool_2x2',
    buffers: { x: eachLike, y: quarter },
    outputs: ['y'],
    passes: { x: 1, y: 1 },
    reads: 4,
    writes: 1,
    call: (kernels, { x, y }, d) => kernels.avgPool2dForward(x, y, pool(d, 2, 0)),
  },
  {
    name: 'avg_pool_2x2_backward',
    buffers: { dy: quarter, dx: eachLike },
    outputs: ['dx'],
    passes: { dy: 1, dx: 1 },
    reads: 1,
    writes: 4,
    call: (kernels, { dy, dx }, d) => kernels.avgPool2dBackward(dy, dx, pool(d, 2, 0)),
  },
  {
    name: 'global_avg_pool',
    buffers: { x: eachLike, y: ({ c }) => ({ each: c }) },
    outputs: ['y'],
    passes: { x: 1 },
    reads: 1,
    writes: 0,
    call: (kernels, { x, y }, d) => kernels.adaptiveAvgPool2dForward(x, y, globalPool(d)),
  },
  {
    name: 'batch_norm_train',
    buffers: { x: eachLike, mean: perChannel, variance: perChannel, weight: perChannel, bias: perChannel, y: eachLike },
    outputs: ['y'],
    passes: { x: 2, y: 1 },
    reads: 2, // once for the statistics
    writes: 1,
    call(kernels, { x, mean, variance, weight, bias, y }, d) {
      kernels.batchNormStatistics(x, mean, variance, channels(d));
      kernels.batchNormForward(x, mean, variance, weight, bias, y, channels(d), 1e-5);
    },
  },
  {
    name: 'batch_norm_eval',
    buffers: { x: eachLike, mean: perChannel, variance: perChannel, weight: perChannel, bias: perChannel, y: eachLike },
    outputs: ['y'],
    setUp: (kernels, { x, mean, variance }, d) => kernels.batchNormStatistics(x, mean, variance, channels(d)),
    passes: { x: 1, y: 1 },
    reads: 1,
    writes: 1,
    call(kernels, { x, mean, variance, weight, bias, y }, d) {
      kernels.batchNormForward(x, mean, variance, weight, bias, y, channels(d), 1e-5);
    },
  },
  {
    name: 'batch_norm_backward',
    buffers: {
      ...{ dy: eachLike, x: eachLike, mean: perChannel, variance: perChannel, weight: perChannel },
      ...{ dx: eachLike, dweight: perChannel, dbias: perChannel },
    },
    outputs: ['dx'],
    setUp: (kernels, { x, mean, variance }, d) => kernels.batchNormStatistics(x, mean, variance, channels(d)),
    passes: { dy: 2, x: 2, dx: 1 },
    reads: 4, // dy and x, for the sums and again for dx
    writes: 1,
    call(kernels, { dy, x, mean, variance, weight, dx, dweight, dbias }, d) {
      kernels.batchNormBackward(dy, x, mean, variance, weight, dx, dweight, dbias, channels(d), 1e-5, 1);
    },
  },
  {
    name: 'softmax',
    buffers: { x: eachLike, y: eachLike },
    outputs: ['y'],
    passes: { x: 1, y: 1 },
    reads: 1,
    writes: 1,
    call: (kernels, { x, y }, d) => kernels.softmaxForward(x, y, planes(d)),
  },
  {
    name: 'sgd_momentum',
    buffers: { parameter: eachLike, momentum: eachLike, gradient: eachLike },
    outputs: ['parameter', 'momentum'],
    passes: { parameter: 2, momentum: 2, gradient: 1 },
    reads: 3,
    writes: 2,
    isInPlace: true,
    call(kernels, { parameter, gradient, momentum }) {
      kernels.sgdUpdate(parameter, gradient, momentum, SGD_SETTINGS, 0);
    },
  },
  {
    name: 'adam',
    buffers: { parameter: eachLike, first: eachLike, second: eachLike, gradient: eachLike },
    outputs: ['parameter', 'first', 'second'],
    positive: ['second'],
    passes: { parameter: 2, first: 2, second: 2, gradient: 1 },
    reads: 4,
    writes: 3,
    isInPlace: true,
    call(kernels, { parameter, gradient, first, second }) {
      kernels.adamUpdate(parameter, gradient, first, second, null, ADAM_SETTINGS);
    },
  },
];
