import { ArgumentError, DTypeError, ShapeError } from '../../../lib/errors.js';
import * as cf from '../../../lib/index.js';
import type { Rejections } from './rejection.js';

const { ones, tensor, zeros } = cf;
const int32 = (...values: number[]) => tensor(values, { dtype: 'int32' });
const wrong = (value: unknown) => value as never;

const image = zeros([1, 16, 28, 28]);
const sequence = zeros([2, 6, 9]);

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
  'ops/adaptivemaxpool2d.ts': [
    [() => cf.adaptiveMaxPool2d(zeros([2, 3, 4]), 1), ShapeError, 'adaptiveMaxPool2d: x must be [n, channels, height, width] with at least one pixel, got [2, 3, 4]'],
    [() => cf.adaptiveMaxPool2d(zeros([2, 3, 4, 0]), 1), ShapeError, 'adaptiveMaxPool2d: x must be [n, channels, height, width] with at least one pixel, got [2, 3, 4, 0]'],
    [() => cf.adaptiveMaxPool2dWithIndices(image, 0), ArgumentError, 'adaptiveMaxPool2d: outputSize must be an integer of at least 1 or a pair of them, got 0'],
  ],
  'ops/conv1d.ts': [
    [() => cf.conv1d(sequence, zeros([4, 3])), ShapeError, 'conv1d: weight must be [out channels, in channels / groups, kernel], got [4, 3]'],
    [() => cf.conv1d(sequence, zeros([4, 3, 2])), ShapeError, 'conv1d: weight [4, 3, 2] in groups of 1 does not fit x [2, 6, 9]'],
    [() => cf.conv1d(sequence, zeros([5, 3, 2]), null, { groups: 2 }), ShapeError, 'conv1d: weight [5, 3, 2] in groups of 2 does not fit x [2, 6, 9]'],
    [() => cf.conv1d(sequence, zeros([4, 6, 2]), null, { groups: 0.5 }), ArgumentError, 'conv1d: groups must be an integer of at least 1, got 0.5'],
    [() => cf.conv1d(sequence, zeros([4, 6, 2]), zeros([3])), ShapeError, 'conv1d: bias must be [4] for weight [4, 6, 2], got [3]'],
    [() => cf.conv1d(sequence, zeros([4, 6, 10])), ShapeError, 'conv1d: a window of 1×10 does not fit into the padded input of 1×9'],
    [() => cf.conv1d(sequence, zeros([4, 6, 2]), null, { stride: wrong([1, 1]) }), ArgumentError, 'conv1d: stride must be an integer of at least 1, got [1,1]'],
  ],
  'ops/sequence.ts': [
    [() => cf.conv1d(image, zeros([4, 3, 2])), ShapeError, 'conv1d: x must be [n, channels, length], got [1, 16, 28, 28]'],
    [() => cf.maxPool1d(zeros([4, 4]), 2), ShapeError, 'maxPool1d: x must be [n, channels, length], got [4, 4]'],
    [() => cf.avgPool1d(sequence, 2, { padding: -1 }), ArgumentError, "avgPool1d: padding must be an integer of at least 0, [start, end], 'same' or 'valid', got -1"],
    [() => cf.conv1d(sequence, zeros([4, 6, 2]), null, { padding: wrong('full') }), ArgumentError, `conv1d: padding must be an integer of at least 0, [start, end], 'same' or 'valid', got "full"`],
    [() => cf.maxPool1d(sequence, 3, { padding: [1, 2] }), ArgumentError, 'maxPool1d: padding must be at most half the kernel 1×3, got [0, 1, 0, 2]'],
  ],
  'ops/gelu.ts': [
    [() => cf.gelu(tensor([1]), { approximate: wrong('erf') }), ArgumentError, `gelu: approximate must be 'none' or 'tanh', got "erf"`],
  ],
  'ops/softplus.ts': [
    [() => cf.softplus(tensor([1]), { beta: 0 }), ArgumentError, 'softplus: beta must be a finite number above 0, got 0'],
  ],
  'ops/hardtanh.ts': [
    [() => cf.hardTanh(tensor([1]), { minVal: 2, maxVal: 2 }), ArgumentError, 'hardTanh: minVal must be below maxVal, got 2 and 2'],
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
    [() => cf.dropout2d(zeros([2, 3]), 0.5), ShapeError, 'dropout2d: x must be [n, channels, size, …], got [2, 3]'],
    [() => cf.dropout2d(image, -1), ArgumentError, 'dropout2d: p must be in [0, 1], got -1'],
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
