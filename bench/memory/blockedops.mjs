// Pools and batch norm on the native kernels' own layout. As in ops.mjs; besides, `inBlocks` says which arguments are in
// blocks, with their shape, and `callBlocked` and `setUpBlocked` are what native kernels run. `call` remains what
// TypeScript computes.
import {
  ACTIVATION_OPTION_FIELDS,
  BLOCKED_FIELDS,
  encode,
  LAYOUT_OPTION_FIELDS,
  NORM_GRADIENT_OPTION_FIELDS,
} from '../../dist/geometry.js';
import { eachLike, once, plainOps, pool, quarter } from './ops.mjs';

const full = ({ n, c, h, w }) => ({ n, c, h, w, halo: 0, blocks: 0 });
const LAYOUT = encode(LAYOUT_OPTION_FIELDS, { haloIn: 0, haloOut: 0, blocksIn: 0, blocksOut: 0 });
const blocks = once((d) => encode(BLOCKED_FIELDS, full(d)));
const NO_ACTIVATION = new Int32Array(ACTIVATION_OPTION_FIELDS.length);
const BATCH_STATISTICS = new Int32Array(NORM_GRADIENT_OPTION_FIELDS.length);
BATCH_STATISTICS[NORM_GRADIENT_OPTION_FIELDS.indexOf('batchStatistics')] = 1;
const halved = ({ n, c, h, w }) => ({ n, c, h: h / 2, w: w / 2, halo: 0, blocks: 0 });
const plainOp = (name) => plainOps.find((op) => op.name === name);

const maxPool = (name, kernel, padding) => ({
  ...plainOp(name),
  name: `blocked_${name}`,
  inBlocks: { x: full, y: halved },
  passes: { x: 1, y: 1 },
  reads: 4,
  writes: 1,
  callBlocked: (kernels, { x, y }, d) => kernels.blockedMaxPool2d(x, y, null, pool(d, kernel, padding), LAYOUT),
});

const backward = plainOp('max_pool_2x2_backward');

export const blockedOps = [
  maxPool('max_pool_2x2', 2, 0),
  maxPool('max_pool_3x3', 3, 1),
  {
    ...backward,
    name: 'blocked_max_pool_2x2_backward',
    buffers: { ...backward.buffers, taps: quarter },
    inBlocks: { x: full, dy: halved, y: halved, dx: full },
    passes: { dy: 1, taps: 1, dx: 1 },
    reads: 1,
    setUpBlocked: (kernels, { x, y, taps }, d) => kernels.blockedMaxPool2d(x, y, taps, pool(d, 2, 0), LAYOUT),
    callBlocked: (kernels, { dy, taps, dx }, d) =>
      kernels.blockedMaxPool2dBackward(dy, taps, dx, pool(d, 2, 0), LAYOUT),
  },
  {
    ...plainOp('avg_pool_2x2'),
    name: 'blocked_avg_pool_2x2',
    inBlocks: { x: full, y: halved },
    callBlocked: (kernels, { x, y }, d) => kernels.blockedAvgPool2d(x, y, pool(d, 2, 0), LAYOUT),
  },
  {
    ...plainOp('avg_pool_2x2_backward'),
    name: 'blocked_avg_pool_2x2_backward',
    inBlocks: { dy: halved, dx: full },
    callBlocked: (kernels, { dy, dx }, d) => kernels.blockedAvgPool2dBackward(dy, dx, pool(d, 2, 0), LAYOUT),
  },
  {
    ...plainOp('global_avg_pool'),
    name: 'blocked_global_avg_pool',
    inBlocks: { x: full },
    callBlocked: (kernels, { x, y }, d) => kernels.blockedGlobalAvgPool2d(x, y, blocks(d)),
  },
  {
    ...plainOp('batch_norm_train'),
    name: 'blocked_batch_norm_train',
    inBlocks: { x: full, y: full },
    callBlocked(kernels, { x, mean, variance, weight, bias, y }, d) {
      kernels.blockedChannelStatistics(x, mean, variance, blocks(d));
      kernels.blockedBatchNorm(x, mean, variance, weight, bias, null, y, blocks(d), NO_ACTIVATION, 1e-5, 0, 0);
    },
  },
  {
    ...plainOp('batch_norm_backward'),
    name: 'blocked_batch_norm_backward',
    inBlocks: { x: full, dy: full, dx: full },
    setUpBlocked: (kernels, { x, mean, variance }, d) => kernels.blockedChannelStatistics(x, mean, variance, blocks(d)),
    callBlocked(kernels, { dy, x, mean, variance, weight, dx, dweight, dbias }, d) {
      kernels.blockedBatchNormBackward(
        ...[dy, null, x, mean, variance, weight, null, dx, null, dweight, dbias, blocks(d), BATCH_STATISTICS],
        ...[1e-5, 0, 0],
      );
    },
  },
  {
    name: 'to_blocked',
    buffers: { x: eachLike, y: eachLike },
    outputs: ['y'],
    inBlocks: { y: full },
    passes: { x: 1, y: 1 },
    reads: 1,
    writes: 1,
    call: (_kernels, { x, y }) => y.set(x),
    callBlocked: (kernels, { x, y }, d) => kernels.toBlocked(x, y, blocks(d)),
  },
  {
    name: 'from_blocked',
    buffers: { x: eachLike, y: eachLike },
    outputs: ['y'],
    inBlocks: { x: full },
    passes: { x: 1, y: 1 },
    reads: 1,
    writes: 1,
    call: (_kernels, { x, y }) => y.set(x),
    callBlocked: (kernels, { x, y }, d) => kernels.fromBlocked(x, y, blocks(d)),
  },
];
