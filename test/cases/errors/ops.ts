import { ArgumentError, DTypeError, ShapeError } from '../../../lib/errors.js';
import * as cf from '../../../lib/index.js';
import type { Rejections } from './rejection.js';

const { ones, tensor, zeros } = cf;
const int32 = (...values: number[]) => tensor(values, { dtype: 'int32' });
const wrong = (value: unknown) => value as never;

const image = zeros([1, 16, 28, 28]);

// biome-ignore format: one rejection a line
export const OP_REJECTIONS: Rejections = {
  'ops/conv2d.ts': [
    [() => cf.conv2d(zeros([3, 8, 8]), zeros([4, 3, 3, 3])), ShapeError, 'conv2d: x must be [n, channels, height, width], got [3, 8, 8]'],
    [() => cf.conv2d(image, zeros([3, 3])), ShapeError, 'conv2d: weight must be [out channels, in channels / groups, kernel height, kernel width], got [3, 3]'],
    [() => cf.conv2d(image, zeros([4, 16, 0, 3])), ShapeError, 'conv2d: weight must be [out channels, in channels / groups, kernel height, kernel width], got [4, 16, 0, 3]'],
    [() => cf.conv2d(image, zeros([4, 16, 3, 3]), null, { groups: 0 }), ArgumentError, 'conv2d: groups must be an integer of at least 1, got 0'],
    [() => cf.conv2d(image, zeros([4, 16, 3, 3]), null, { groups: 1.5 }), ArgumentError, 'conv2d: groups must be an integer of at least 1, got 1.5'],
    [() => cf.conv2d(image, zeros([32, 8, 3, 3])), ShapeError, 'conv2d: weight [32, 8, 3, 3] expects 8 input channels, x [1, 16, 28, 28] has 16'],
    [() => cf.conv2d(image, zeros([32, 8, 3, 3]), null, { groups: 4 }), ShapeError, 'conv2d: weight [32, 8, 3, 3] expects 32 input channels in 4 groups, x [1, 16, 28, 28] has 16'],
    [() => cf.conv2d(image, zeros([5, 8, 3, 3]), null, { groups: 2 }), ShapeError, 'conv2d: 5 output channels cannot be split into 2 groups'],
    [() => cf.conv2d(image, zeros([4, 16, 3, 3]), zeros([5])), ShapeError, 'conv2d: bias must be [4] for weight [4, 16, 3, 3], got [5]'],
    [() => cf.conv2d(image, zeros([4, 16, 3, 3]), zeros([4, 1])), ShapeError, 'conv2d: bias must be [4] for weight [4, 16, 3, 3], got [4, 1]'],
    [() => cf.conv2d(image, wrong(zeros([4, 16, 3, 3], { dtype: 'float64' }))), DTypeError, 'conv2d: operands must share one dtype, got float32 and float64'],
  ],
  'ops/pool2d.ts': [
    [() => cf.maxPool2d(zeros([4, 4]), 2), ShapeError, 'maxPool2d: x must be [n, channels, height, width], got [4, 4]'],
    [() => cf.avgPool2d(zeros([4, 4]), 2), ShapeError, 'avgPool2d: x must be [n, channels, height, width], got [4, 4]'],
    [() => cf.maxPool2dWithIndices(image, 2, { padding: 2 }), ArgumentError, 'maxPool2d: padding must be at most half the kernel 2×2, got [2, 2, 2, 2]'],
    [() => cf.avgPool2d(image, [3, 5], { padding: [1, 2, 2, 2] }), ArgumentError, 'avgPool2d: padding must be at most half the kernel 3×5, got [1, 2, 2, 2]'],
  ],
  'ops/adaptiveavgpool2d.ts': [
    [() => cf.adaptiveAvgPool2d(zeros([2, 3, 4]), 1), ShapeError, 'adaptiveAvgPool2d: x must be [n, channels, height, width] with at least one pixel, got [2, 3, 4]'],
    [() => cf.adaptiveAvgPool2d(zeros([2, 3, 0, 4]), 1), ShapeError, 'adaptiveAvgPool2d: x must be [n, channels, height, width] with at least one pixel, got [2, 3, 0, 4]'],
    [() => cf.adaptiveAvgPool2d(image, [2, 0]), ArgumentError, 'adaptiveAvgPool2d: outputSize must be an integer of at least 1 or a pair of them, got [2,0]'],
  ],
  'ops/batchnorm.ts': [
    [() => cf.batchNorm(zeros([3]), null, null, { training: true }), ShapeError, 'batchNorm: x must be [n, channels, …], got [3]'],
    [() => cf.batchNorm(image, zeros([3])), ShapeError, 'batchNorm: weight must be [16] for x [1, 16, 28, 28], got [3]'],
    [() => cf.batchNorm(image, null, zeros([16, 1])), ShapeError, 'batchNorm: bias must be [16] for x [1, 16, 28, 28], got [16, 1]'],
    [() => cf.batchNorm(image, null, null, { runningMean: zeros([16]), runningVar: ones([4]) }), ShapeError, 'batchNorm: runningVar must be [16] for x [1, 16, 28, 28], got [4]'],
    [() => cf.batchNorm(image, null, null, { training: true, eps: -1 }), ArgumentError, 'batchNorm: eps must be at least 0, got -1'],
    [() => cf.batchNorm(image, null, null, { training: true, momentum: 1.1 }), ArgumentError, 'batchNorm: momentum must be in [0, 1], got 1.1'],
    [() => cf.batchNorm(image), ArgumentError, 'batchNorm: runningMean and runningVar are needed outside training'],
    [() => cf.batchNorm(image, null, null, { runningMean: zeros([16]) }), ArgumentError, 'batchNorm: runningMean and runningVar are needed outside training'],
    [() => cf.batchNorm(zeros([1, 4, 1, 1]), null, null, { training: true }), ShapeError, 'batchNorm: training needs more than one value per channel, x is [1, 4, 1, 1]'],
    [() => cf.batchNorm(zeros([0, 4, 2, 2]), null, null, { training: true }), ShapeError, 'batchNorm: training needs more than one value per channel, x is [0, 4, 2, 2]'],
  ],
  'ops/binary.ts': [
    [() => cf.add(int32(1), 0.5), ArgumentError, 'add: the second operand of an int32 tensor must be an integer of 32 bits, got 0.5'],
    [() => cf.lt(int32(1), 2 ** 31), ArgumentError, 'lt: the second operand of an int32 tensor must be an integer of 32 bits, got 2147483648'],
    [() => cf.add(tensor([1]), wrong('2')), ArgumentError, 'add: the second operand must be a tensor or a number, got string'],
    [() => cf.pow(tensor([1]), wrong(null)), ArgumentError, 'pow: the second operand must be a tensor or a number, got null'],
    [() => cf.eq(tensor([1]), wrong(undefined)), ArgumentError, 'eq: the second operand must be a tensor or a number, got undefined'],
    [() => cf.minimum(tensor([1, 2]), tensor([1, 2, 3])), ShapeError, 'minimum: shapes [2] and [3] do not broadcast: 2 against 3'],
    [() => cf.maximum(tensor([1]), wrong(new Float32Array(1))), ArgumentError, 'maximum: the second operand must be a tensor or a number, got object'],
  ],
  'ops/matmul.ts': [
    [() => cf.matmul(zeros([2, 3]), zeros([2, 3])), ShapeError, 'matmul: inner sizes differ: [2, 3] has 3 columns, [2, 3] has 2 rows'],
    [() => cf.matmul(zeros([2, 3]), zeros([4, 3]), { transposeA: true, transposeB: true }), ShapeError, 'matmul: inner sizes differ: [2, 3] transposed has 2 columns, [4, 3] transposed has 3 rows'],
    [() => cf.matmul(zeros([]), zeros([2, 3])), ShapeError, 'matmul: operands need at least one axis, got [] and [2, 3]'],
    [() => cf.matmul(zeros([2, 2, 3]), zeros([3, 3, 2])), ShapeError, 'matmul: shapes [2] and [3] do not broadcast: 2 against 3'],
  ],
  'ops/linear.ts': [
    [() => cf.linear(zeros([2, 3]), zeros([3])), ShapeError, 'linear: weight must be [out, in], got [3]'],
    [() => cf.linear(zeros([2, 3]), zeros([5, 4])), ShapeError, 'linear: weight [5, 4] expects 4 features, x [2, 3] has 3'],
    [() => cf.linear(zeros([]), zeros([5, 4])), ShapeError, 'linear: weight [5, 4] expects 4 features, x [] has none'],
    [() => cf.linear(zeros([2, 4]), zeros([5, 4]), zeros([4])), ShapeError, 'linear: bias must be [5] for weight [5, 4], got [4]'],
  ],
  'ops/loss.ts': [
    [() => cf.mse(tensor([1]), tensor([2]), { reduction: wrong('avg') }), ArgumentError, `mse: reduction must be 'mean', 'sum' or 'none', got "avg"`],
    [() => cf.crossEntropy(zeros([1, 2]), int32(0), { reduction: wrong(null) }), ArgumentError, `crossEntropy: reduction must be 'mean', 'sum' or 'none', got null`],
  ],
  'ops/mse.ts': [
    [() => cf.mse(zeros([2, 1]), zeros([2])), ShapeError, 'mse: prediction [2, 1] and target [2] must have one shape'],
  ],
  'ops/crossentropy.ts': [
    [() => cf.crossEntropy(zeros([3]), int32(1)), ShapeError, 'crossEntropy: logits must be [n, classes, …], got [3]'],
    [() => cf.crossEntropy(zeros([2, 3]), int32(1)), ShapeError, 'crossEntropy: labels for logits [2, 3] must be [2], got [1]'],
    [() => cf.crossEntropy(zeros([2, 3, 4]), int32(0, 1)), ShapeError, 'crossEntropy: labels for logits [2, 3, 4] must be [2, 4], got [2]'],
    [() => cf.crossEntropy(zeros([2, 3]), tensor([0, 1])), DTypeError, 'crossEntropy: labels must be int32, int64 or uint8, got float32'],
    [() => cf.crossEntropy(zeros([2, 3]), int32(0, 3)), ArgumentError, 'crossEntropy: label 3 at position 1 is outside [0, 3)'],
    [() => cf.crossEntropy(zeros([2, 3]), int32(-1, 0)), ArgumentError, 'crossEntropy: label -1 at position 0 is outside [0, 3)'],
  ],
  'ops/concat.ts': [
    [() => cf.concat([]), ArgumentError, 'concat: needs at least one tensor'],
    [() => cf.concat([zeros([2, 3]), wrong(zeros([2, 3], { dtype: 'int32' }))]), DTypeError, 'concat: dtypes differ: float32 and int32'],
    [() => cf.concat([zeros([2, 3]), zeros([3, 4])]), ShapeError, 'concat: shapes [2, 3] and [3, 4] differ outside axis 0'],
    [() => cf.concat([zeros([2, 3]), zeros([2])], 1), ShapeError, 'concat: shapes [2, 3] and [2] differ outside axis 1'],
    [() => cf.concat([zeros([2, 3])], 2), ArgumentError, 'concat: axis 2 is outside a tensor of 2 axes'],
  ],
  'ops/stack.ts': [
    [() => cf.stack([]), ArgumentError, 'stack: needs at least one tensor'],
    [() => cf.stack([zeros([2]), zeros([3])]), ShapeError, 'stack: shapes [2] and [3] differ'],
  ],
  'ops/reshape.ts': [
    [() => cf.reshape(zeros([2, 3]), [4]), ShapeError, 'reshape: [2, 3] has 6 elements, which do not fill [4]'],
    [() => cf.reshape(zeros([2, 3]), [4, -1]), ShapeError, 'reshape: [2, 3] has 6 elements, which do not fill [4, -1]'],
    [() => cf.reshape(zeros([0, 3]), [0, -1]), ShapeError, 'reshape: [0, 3] has 0 elements, which do not fill [0, -1]'],
    [() => cf.reshape(zeros([2, 3]), [-1, -1]), ShapeError, 'reshape: [2, 3] has 6 elements, which do not fill [-1, -1]'],
  ],
  'ops/expand.ts': [
    [() => cf.expand(zeros([2, 3]), [3]), ShapeError, 'expand: [2, 3] does not stretch to [3]'],
    [() => cf.expand(zeros([2, 3]), [2, 1]), ShapeError, 'expand: [2, 3] does not stretch to [2, 1]'],
    [() => cf.expand(zeros([2, 3]), [2, 4]), ShapeError, 'expand: shapes [2, 3] and [2, 4] do not broadcast: 3 against 4'],
  ],
  'ops/permute.ts': [
    [() => cf.permute(zeros([2, 3]), [0, 0]), ArgumentError, 'permute: axes must name each of the 2 axes once, got [0, 0]'],
    [() => cf.permute(zeros([2, 3]), [1]), ArgumentError, 'permute: axes must name each of the 2 axes once, got [1]'],
  ],
  'ops/squeeze.ts': [
    [() => cf.squeeze(zeros([1, 3]), 1), ShapeError, 'squeeze: axis 1 of [1, 3] has size 3, not 1'],
  ],
  'ops/flatten.ts': [
    [() => cf.flatten(zeros([2, 3, 4]), 2, 1), ArgumentError, 'flatten: startAxis 2 comes after endAxis 1'],
    [() => cf.flatten(zeros([2, 3]), 2), ArgumentError, 'flatten: axis 2 is outside a tensor of 2 axes'],
  ],
  'ops/slice.ts': [
    [() => cf.slice(zeros([2, 3]), [null, null, null]), ArgumentError, 'slice: 3 ranges for the 2 axes of [2, 3]'],
    [() => cf.slice(zeros([2, 3]), [[0, 2, 0]]), ArgumentError, 'slice: a range is [start, end, step] of integers with step at least 1, got [0, 2, 0]'],
    [() => cf.slice(zeros([2, 3]), [[0.5]]), ArgumentError, 'slice: a range is [start, end, step] of integers with step at least 1, got [0.5, null, 1]'],
    [() => cf.slice(zeros([2, 3]), [[0, Number.NaN]]), ArgumentError, 'slice: a range is [start, end, step] of integers with step at least 1, got [0, NaN, 1]'],
  ],
  'ops/pad.ts': [
    [() => cf.pad(zeros([3]), 1), ShapeError, 'pad: x needs at least two axes, got [3]'],
    [() => cf.pad(zeros([3, 3]), 1, { mode: wrong('edge') }), ArgumentError, 'pad: mode must be one of constant, reflect, replicate, circular, got "edge"'],
    [() => cf.pad(zeros([3, 3]), -1), ArgumentError, 'pad: widths must be a number, [height, width] or [top, left, bottom, right], integers of at least 0, got -1'],
    [() => cf.pad(zeros([3, 3]), wrong([1, 2, 3])), ArgumentError, 'pad: widths must be a number, [height, width] or [top, left, bottom, right], integers of at least 0, got [1,2,3]'],
    [() => cf.pad(zeros([3, 4]), [3, 0], { mode: 'reflect' }), ShapeError, `pad: mode 'reflect' can add at most 2 to a height of 3, got 3`],
    [() => cf.pad(zeros([3, 4]), [0, 5], { mode: 'circular' }), ShapeError, `pad: mode 'circular' can add at most 4 to a width of 4, got 5`],
    [() => cf.pad(zeros([0, 4]), 1, { mode: 'replicate' }), ShapeError, `pad: mode 'replicate' can add at most 0 to a height of 0, got 1`],
  ],
  'ops/clip.ts': [
    [() => cf.clip(tensor([1]), 2, 1), ArgumentError, 'clip: low must not be above high, got 2 and 1'],
    [() => cf.clip(int32(1), 0.5, 1), ArgumentError, 'clip: limits of an int32 tensor must be integers or infinite, got 0.5 and 1'],
    [() => cf.clip(tensor([1]), Number.NaN, 1), ArgumentError, 'clip: low must not be above high, got NaN and 1'],
  ],
  'ops/dropout.ts': [
    [() => cf.dropout(tensor([1]), 1.5), ArgumentError, 'dropout: p must be in [0, 1], got 1.5'],
    [() => cf.dropout(tensor([1]), Number.NaN), ArgumentError, 'dropout: p must be in [0, 1], got NaN'],
  ],
  'ops/where.ts': [
    [() => cf.where(wrong(tensor([1])), tensor([1]), tensor([2])), DTypeError, 'where: condition must be bool, got float32'],
    [() => cf.where(tensor([true, false]), tensor([1, 2]), tensor([1, 2, 3])), ShapeError, 'where: shapes [2] and [3] do not broadcast: 2 against 3'],
  ],
  'ops/cast.ts': [
    [() => cf.cast(tensor([1]), wrong('float16')), ArgumentError, 'cast: dtype must be one of float32, float64, int32, int64, uint8, bool, got "float16"'],
  ],
  'ops/argreduce.ts': [
    [() => cf.argmax(zeros([2, 0]), 1), ShapeError, 'argmax: axis 1 of [2, 0] is empty'],
    [() => cf.argmin(zeros([0])), ShapeError, 'argmin: axis 0 of [0] is empty'],
  ],
  'ops/extreme.ts': [
    [() => cf.max(zeros([2, 0])), ShapeError, 'max: an empty axis of [2, 0] has no max'],
    [() => cf.min(zeros([0, 3]), 0), ShapeError, 'min: an empty axis of [0, 3] has no min'],
  ],
};
