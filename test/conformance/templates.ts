import type { Kernels } from '../../lib/backend/typescript.js';
import {
  ADAPTIVE_POOL2D_FIELDS,
  AXIS_FIELDS,
  CHANNEL_FIELDS,
  CONV2D_FIELDS,
  encode,
  GEMM_FIELDS,
  PAD2D_FIELDS,
  POOL2D_FIELDS,
  RESAMPLE_FIELDS,
  RUNNING_FIELDS,
  SELECTION_FIELDS,
  SUPPRESSION_FIELDS,
} from '../../lib/geometry.js';
import { encodeStrides } from '../../lib/shape.js';
import { conv2dGeometry } from '../cases/conv2d.js';
import { pool2dGeometry } from '../cases/pool2d.js';
import { type Argument, type Call, inout, input, output } from './call.js';
import { normals, positives } from './data.js';

const data = (length: number) => input(normals(length, length));
const state = (length: number) => inout(positives(length, length));

const conv = encode(CONV2D_FIELDS, conv2dGeometry({ x: [2, 4, 5, 6], oc: 6, kernel: [3, 2], padding: 1, groups: 2 }));
const [convX, convWeight, convY, convColumns] = [2 * 4 * 5 * 6, 6 * 2 * 3 * 2, 2 * 6 * 5 * 7, 2 * 4 * 6 * 35];
const pool = encode(POOL2D_FIELDS, pool2dGeometry({ x: [2, 3, 6, 8], kernel: [2, 2], stride: 2 }));
const [poolX, poolY] = [2 * 3 * 6 * 8, 2 * 3 * 3 * 4];
const adaptive = encode(ADAPTIVE_POOL2D_FIELDS, { n: 2, c: 3, h: 6, w: 8, oh: 3, ow: 5 });
const channels = encode(CHANNEL_FIELDS, { n: 3, c: 4, size: 10 });
const axis = encode(AXIS_FIELDS, { outer: 3, size: 7, inner: 4 });
const pads = { planes: 2, h: 4, w: 5, padTop: 1, padLeft: 2, padBottom: 3, padRight: 1 };
const labels = () => input(Int32Array.from({ length: 12 }, (_, i) => i % 7));
const indices = () => input(Int32Array.from({ length: poolY }, (_, i) => i % 48));

/** Small whole numbers of both signs. */
const whole = (length: number) => input(Int32Array.from({ length }, (_, i) => (i % 5) - 2));
const bytes = (length: number) => input(Uint8Array.from({ length }, (_, i) => i % 2));
// biome-ignore format: rows of strides
const stretched = encodeStrides([5, 8], [[8, 1], [0, 1]]);
const lines = { outer: 3, size: 7, inner: 4 };
// two axes of 5 and 7 elements that pairs of indices point into, three pairs a batch
const slices = Int32Array.of(1, 1, 1, 1, 1, 1, 5, 7, 1, 3, 2, 2, 0);
// [2, 3, 6] positions along the middle axis of [2, 5, 6]
const positions = encodeStrides([2, 3, 6], [[30, 0, 1]], [6, 5]);

const TEMPLATES: { [K in keyof Kernels]: Argument[] } = {
  gemm: [
    data(2 * 15),
    data(2 * 35),
    output(2 * 21),
    encode(GEMM_FIELDS, { batch: 2, m: 3, n: 7, k: 5, transA: 0, transB: 1, strideA: 15, strideB: 35 }),
    1,
    0,
  ],
  im2col: [data(convX), output(convColumns), conv],
  col2im: [data(convColumns), output(convX), conv],
  conv2dForward: [data(convX), data(convWeight), data(6), output(convY), conv, 1],
  conv2dGradInput: [data(convY), data(convWeight), output(convX), conv, 1],
  conv2dGradWeight: [data(convX), data(convY), output(convWeight), conv, 1],
  maxPool2dForward: [data(poolX), output(poolY), output(poolY, 'int32'), pool],
  maxPool2dBackward: [data(poolY), indices(), output(poolX), pool],
  maxPool2dGather: [data(poolX), indices(), output(poolY), pool],
  avgPool2dForward: [data(poolX), output(poolY), pool],
  avgPool2dBackward: [data(poolY), output(poolX), pool],
  adaptiveMaxPool2dForward: [data(288), output(90), output(90, 'int32'), adaptive],
  adaptiveAvgPool2dForward: [data(288), output(90), adaptive],
  adaptiveAvgPool2dBackward: [data(90), output(288), adaptive],
  batchNormStatistics: [data(120), output(4), output(4), channels],
  batchNormForward: [data(120), data(4), input(positives(4, 1)), data(4), data(4), output(120), channels, 1e-5],
  batchNormBackward: [
    data(120),
    data(120),
    data(4),
    input(positives(4, 1)),
    data(4),
    output(120),
    output(4),
    output(4),
    channels,
    1e-5,
    1,
  ],
  unary: [3, data(50), output(50), 0, 0],
  binary: [0, data(40), data(8), output(40), stretched],
  compare: [2, data(40), data(8), output(40, 'uint8'), stretched],
  where: [
    input(Uint8Array.from({ length: 40 }, (_, i) => i % 2)),
    data(40),
    data(8),
    output(40),
    encodeStrides(
      [5, 8],
      [
        [8, 1],
        [8, 1],
        [0, 1],
      ],
    ),
  ],
  stridedCopy: [
    data(40),
    state(43),
    encodeStrides(
      [5, 8],
      [
        [1, 5],
        [8, 1],
      ],
      [0, 3],
    ),
  ],
  pad2dForward: [data(40), output(2 * 8 * 8), encode(PAD2D_FIELDS, { ...pads, mode: 1 }), 0],
  pad2dBackward: [data(2 * 8 * 8), output(40), encode(PAD2D_FIELDS, { ...pads, mode: 1 })],
  cast: [data(40), output(40, 'int32'), 0],
  fill: [output(40, 'uint8'), 3],
  logical: [1, bytes(40), bytes(8), output(40, 'uint8'), stretched],
  unaryInt: [0, whole(50), output(50, 'int32'), 0, 0],
  binaryInt: [0, whole(40), whole(8), output(40, 'int32'), stretched],
  compareInt: [2, whole(40), whole(8), output(40, 'uint8'), stretched],
  reduceInt: [0, whole(84), output(12, 'int32'), axis],
  gatherSlices: [data(70), whole(6), output(6), slices],
  scatterSlices: [1, whole(6), data(6), state(70), slices],
  gatherElements: [data(60), whole(36), output(36), positions],
  scatterElements: [1, whole(36), data(36), state(60), positions],
  topK: [data(84), output(36), output(36, 'int32'), encode(SELECTION_FIELDS, { ...lines, k: 3, largest: 1 })],
  cumSum: [data(84), output(84), encode(RUNNING_FIELDS, { ...lines, exclusive: 0, reverse: 1 })],
  nonZero: [data(40), output(40, 'int32'), output(1, 'int32')],
  nonMaxSuppression: [
    data(2 * 5 * 4),
    data(2 * 3 * 5),
    output(2 * 3 * 4 * 3, 'int32'),
    output(1, 'int32'),
    encode(SUPPRESSION_FIELDS, { n: 2, classes: 3, spatial: 5, most: 4, centered: 0 }),
    0.5,
    0,
  ],
  resample: [data(84), whole(22), data(22), output(132), encode(RESAMPLE_FIELDS, { ...lines, count: 11, taps: 2 })],
  reduce: [0, data(84), output(12), axis],
  argReduce: [0, data(84), output(12, 'int32'), axis],
  softmaxForward: [data(84), output(84), axis],
  softmaxBackward: [data(84), data(84), output(84), axis],
  logSoftmaxForward: [data(84), output(84), axis],
  logSoftmaxBackward: [data(84), data(84), output(84), axis],
  crossEntropyForward: [data(84), labels(), output(12), output(84), axis],
  crossEntropyBackward: [data(12), data(84), labels(), output(84), axis],
  randomMask: [whole(2), output(50), 0.3],
  sgdUpdate: [state(50), data(50), state(50), input(positives(5, 1)), 0],
  adamUpdate: [state(50), data(50), state(50), state(50), state(50), input(positives(10, 1))],
  rmspropUpdate: [state(50), data(50), state(50), state(50), state(50), input(positives(7, 1))],
  lionUpdate: [state(50), data(50), state(50), input(positives(7, 1))],
  blend: [state(50), data(50), input(positives(2, 1))],
};

/** A small valid call of every kernel. */
export const VALID_CALLS: readonly Call[] = Object.entries(TEMPLATES).map(([kernel, list]) => ({
  kernel: kernel as keyof Kernels,
  arguments: list,
}));
