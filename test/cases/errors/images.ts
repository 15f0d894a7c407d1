import { ArgumentError, ShapeError } from '../../../lib/errors.js';
import * as cf from '../../../lib/index.js';
import type { Rejections } from './rejection.js';

const { zeros } = cf;
const wrong = (value: unknown) => value as never;

const image = zeros([1, 4, 3, 3]);
const weight = zeros([4, 2, 2, 2]);
const transposed = (options: cf.ConvTranspose2dOptions) => cf.convTranspose2d(image, weight, null, options);

// biome-ignore format: one rejection a line
export const IMAGE_REJECTIONS: Rejections = {
  'ops/resize.ts': [
    [() => cf.resize(image, { axes: [1, -3], sizes: [1, 2] }), ArgumentError, 'resize: an axis is named twice in [1, 1]'],
    [() => cf.resize(image, { axes: [2] }), ArgumentError, 'resize: sizes or scales must be given'],
    [() => cf.resize(image, { axes: [2], sizes: [1, 2] }), ArgumentError, 'resize: sizes must be 1 valid numbers, got [1,2]'],
    [() => cf.resize(image, { axes: [2], sizes: [-1] }), ArgumentError, 'resize: sizes must be 1 valid numbers, got [-1]'],
    [() => cf.resize(image, { axes: [2], scales: [0] }), ArgumentError, 'resize: scales must be 1 valid numbers, got [0]'],
    [() => cf.resize(image, { axes: [2], sizes: [2], roi: [0] }), ArgumentError, 'resize: roi must be 2 valid numbers, got [0]'],
    [() => cf.resize(image, { axes: [2], sizes: [2], mode: wrong('area') }), ArgumentError, 'resize: mode must be one of nearest, linear, cubic, got "area"'],
    [() => cf.resize(image, { axes: [2], sizes: [2], nearestMode: wrong('up') }), ArgumentError, 'resize: nearestMode must be one of round_prefer_floor, round_prefer_ceil, floor, ceil, got "up"'],
    [() => cf.resize(zeros([0]), { sizes: [2] }), ShapeError, 'resize: axis 0 of [0] is empty, nothing to resize to 2'],
  ],
  'ops/interpolate.ts': [
    [() => cf.interpolate(zeros([3, 3]), { size: 2 }), ShapeError, 'interpolate: x must be [n, channels, height, width], got [3, 3]'],
    [() => cf.interpolate(zeros([1, 1, 0, 3]), { size: 2 }), ShapeError, 'interpolate: x must be [n, channels, height, width], got [1, 1, 0, 3]'],
    [() => cf.interpolate(image, { size: 2, mode: wrong('area') }), ArgumentError, 'interpolate: mode must be one of nearest, bilinear, bicubic, got "area"'],
    [() => cf.interpolate(image, { size: 2, alignCorners: true }), ArgumentError, `interpolate: alignCorners and antialias do not go with mode 'nearest'`],
    [() => cf.interpolate(image, {}), ArgumentError, 'interpolate: either size or scaleFactor must be given'],
    [() => cf.interpolate(image, { size: 2, scaleFactor: 2 }), ArgumentError, 'interpolate: either size or scaleFactor must be given'],
    [() => cf.interpolate(image, { size: [2, 0] }), ArgumentError, 'interpolate: size must be a positive number or two, got [2,0]'],
    [() => cf.interpolate(image, { scaleFactor: Number.NaN }), ArgumentError, 'interpolate: scaleFactor must be a positive number or two, got null'],
    [() => cf.interpolate(image, { scaleFactor: 0.2 }), ShapeError, 'interpolate: scaleFactor 0.2 leaves nothing of [1, 4, 3, 3]'],
  ],
  'ops/pixelshuffle.ts': [
    [() => cf.pixelShuffle(image, 3), ShapeError, 'pixelShuffle: 9 does not divide the channels of x [1, 4, 3, 3]'],
    [() => cf.pixelUnshuffle(image, 2), ShapeError, 'pixelUnshuffle: 2 does not divide height and width of x [1, 4, 3, 3]'],
    [() => cf.pixelShuffle(zeros([4]), 2), ShapeError, 'pixelShuffle: x must be [n, channels, height, width], got [4]'],
    [() => cf.pixelShuffle(image, 0), ArgumentError, 'pixelShuffle: the factor must be an integer of at least 1, got 0'],
    [() => cf.pixelShuffle(image, 2, { order: wrong('RCD') }), ArgumentError, `pixelShuffle: order must be 'CRD' or 'DCR', got "RCD"`],
  ],
  'ops/convtranspose2d.ts': [
    [() => cf.convTranspose2d(zeros([4, 3, 3]), weight), ShapeError, 'convTranspose2d: x must be [n, channels, height, width], got [4, 3, 3]'],
    [() => cf.convTranspose2d(image, zeros([4, 2, 0, 2])), ShapeError, 'convTranspose2d: weight must be [in channels, out channels / groups, kernel height, kernel width], got [4, 2, 0, 2]'],
    [() => cf.convTranspose2d(image, zeros([3, 2, 2, 2])), ShapeError, 'convTranspose2d: weight [3, 2, 2, 2] in groups of 1 does not fit x [1, 4, 3, 3]'],
    [() => transposed({ groups: 3 }), ShapeError, 'convTranspose2d: weight [4, 2, 2, 2] in groups of 3 does not fit x [1, 4, 3, 3]'],
    [() => transposed({ groups: 0.5 }), ArgumentError, 'convTranspose2d: groups must be an integer of at least 1, got 0.5'],
    [() => transposed({ outputPadding: 1 }), ArgumentError, 'convTranspose2d: outputPadding must be below the stride or the dilation, got 1'],
    [() => transposed({ padding: 2 }), ShapeError, 'convTranspose2d: padding leaves nothing of the result: 0×0'],
    [() => cf.convTranspose2d(image, weight, zeros([3])), ShapeError, 'convTranspose2d: bias must be [2] for weight [4, 2, 2, 2], got [3]'],
  ],
  'ops/layernorm.ts': [
    [() => cf.layerNorm(image, [4, 3]), ShapeError, 'layerNorm: x [1, 4, 3, 3] does not end in [4, 3]'],
    [() => cf.layerNorm(image, []), ShapeError, 'layerNorm: x [1, 4, 3, 3] does not end in []'],
    [() => cf.layerNorm(image, [3, 3], zeros([3])), ShapeError, 'layerNorm: weight and bias must be [3, 3], got [3]'],
    [() => cf.layerNorm(image, 3, null, null, { eps: -1 }), ArgumentError, 'layerNorm: eps must be at least 0, got -1'],
  ],
  'ops/channelnorm.ts': [
    [() => cf.groupNorm(image, 2, zeros([2])), ShapeError, 'groupNorm: weight and bias must be [4] for x [1, 4, 3, 3], got [2]'],
    [() => cf.groupNorm(image, 2, null, null, { eps: Number.NaN }), ArgumentError, 'groupNorm: eps must be at least 0, got NaN'],
    [() => cf.instanceNorm(image, zeros([3])), ShapeError, 'instanceNorm: weight and bias must be [4] for x [1, 4, 3, 3], got [3]'],
    [() => cf.instanceNorm(image, null, null, { eps: -1 }), ArgumentError, 'instanceNorm: eps must be at least 0, got -1'],
  ],
  'ops/groupnorm.ts': [
    [() => cf.groupNorm(zeros([3]), 1), ShapeError, 'groupNorm: x must be [n, channels, …], got [3]'],
    [() => cf.groupNorm(image, 0), ArgumentError, 'groupNorm: groups must be an integer of at least 1, got 0'],
    [() => cf.groupNorm(image, 3), ShapeError, 'groupNorm: 4 channels cannot be split into 3 groups'],
  ],
  'ops/instancenorm.ts': [
    [() => cf.instanceNorm(zeros([2, 3])), ShapeError, 'instanceNorm: x must be [n, channels, size, …] with at least one channel, got [2, 3]'],
    [() => cf.instanceNorm(zeros([2, 0, 3])), ShapeError, 'instanceNorm: x must be [n, channels, size, …] with at least one channel, got [2, 0, 3]'],
    [() => cf.instanceNorm(image, null, null, { momentum: 2 }), ArgumentError, 'instanceNorm: momentum must be in [0, 1], got 2'],
    [() => cf.instanceNorm(image, null, null, { training: false, runningMean: zeros([4]) }), ArgumentError, 'instanceNorm: runningMean and runningVar are needed outside training'],
    [() => cf.instanceNorm(image, null, null, { runningVar: zeros([3]) }), ShapeError, 'instanceNorm: running statistics must be [4] for x [1, 4, 3, 3], got [3]'],
    [() => cf.instanceNorm(zeros([2, 3, 1]), null, null, { runningMean: zeros([3]) }), ShapeError, 'instanceNorm: statistics need more than one value, x is [2, 3, 1]'],
  ],
  'ops/localresponsenorm.ts': [
    [() => cf.localResponseNorm(zeros([3]), 3), ShapeError, 'localResponseNorm: x must be [n, channels, …], got [3]'],
    [() => cf.localResponseNorm(image, 0), ArgumentError, 'localResponseNorm: size must be an integer of at least 1, got 0'],
    [() => cf.localResponseNorm(image, 3, { before: 3 }), ArgumentError, 'localResponseNorm: before must be an integer from 0 to 2, got 3'],
  ],
  'ops/norm.ts': [
    [() => cf.norm(image, 1, { p: wrong(3) }), ArgumentError, 'norm: p must be 1 or 2, got 3'],
  ],
};
