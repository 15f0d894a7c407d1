import { ArgumentError, ConvforgeError, ShapeError } from '../../../lib/errors.js';
import * as cf from '../../../lib/index.js';
import type { Rejections } from './rejection.js';

const { nn, zeros } = cf;
const wrong = (value: unknown) => value as never;

// biome-ignore format: one rejection a line
export const LAYER_REJECTIONS: Rejections = {
  'nn/products.ts': [
    [() => new nn.Conv2d(0, 8, 3), ArgumentError, 'Conv2d: inChannels must be an integer of at least 1, got 0'],
    [() => new nn.Conv2d(4, 8, 3, { groups: 0 }), ArgumentError, 'Conv2d: groups must be an integer of at least 1, got 0'],
    [() => new nn.Conv2d(4, 6, 3, { groups: 4 }), ArgumentError, 'Conv2d: 4 input and 6 output channels cannot be split into 4 groups'],
    [() => new nn.Conv2d(4, 8, 0), ArgumentError, 'Conv2d: kernelSize must be an integer of at least 1 or a pair of them, got 0'],
    [() => new nn.Conv2d(4, 8, 3, { paddingMode: wrong('mirror') }), ArgumentError, `Conv2d: paddingMode must be 'zeros', 'reflect', 'replicate' or 'circular', got "mirror"`],
    [() => new nn.Conv1d(4, 1.5, 3), ArgumentError, 'Conv1d: outChannels must be an integer of at least 1, got 1.5'],
    [() => new nn.Conv1d(4, 6, 3, { groups: 4 }), ArgumentError, 'Conv1d: 4 input and 6 output channels cannot be split into 4 groups'],
    [() => new nn.Conv1d(4, 6, wrong([3, 3])), ArgumentError, 'Conv1d: kernelSize must be an integer of at least 1, got [3,3]'],
    [() => new nn.Conv1d(4, 6, 3, { stride: 0 }), ArgumentError, 'Conv1d: stride must be an integer of at least 1, got 0'],
    [() => new nn.Conv1d(4, 6, 3, { paddingMode: wrong('mirror') }), ArgumentError, `Conv1d: paddingMode must be 'zeros', 'reflect', 'replicate' or 'circular', got "mirror"`],
    [() => new nn.ConvTranspose2d(3, 4, 2, { groups: 2 }), ArgumentError, 'ConvTranspose2d: 3 input and 4 output channels cannot be split into 2 groups'],
    [() => new nn.ConvTranspose2d(4, 4, 2, { outputPadding: 1 }), ArgumentError, 'ConvTranspose2d: outputPadding must be below the stride or the dilation, got 1'],
    [() => new nn.ConvTranspose2d(4, 4, 2, { padding: wrong('same') }), ArgumentError, 'ConvTranspose2d: padding must be an integer of at least 0 or a pair of them, got "same"'],
    [() => new nn.ConvTranspose2d(4, 4, 2, { padding: [0, 1, 2, -3] }), ArgumentError, 'ConvTranspose2d: padding must be an integer of at least 0 or a pair of them, got [2,-3]'],
  ],
  'nn/conv2d.ts': [
    [() => new nn.Conv2d(4, 8, 3, { paddingMode: 'reflect' }).forward(zeros([4, 8, 8])), ShapeError, 'Conv2d: x must be [n, channels, height, width], got [4, 8, 8]'],
  ],
  'nn/conv1d.ts': [
    [() => new nn.Conv1d(4, 8, 3, { paddingMode: 'reflect' }).forward(zeros([4, 8])), ShapeError, 'Conv1d: x must be [n, channels, length], got [4, 8]'],
  ],
  'nn/batchnorm.ts': [
    [() => new nn.BatchNorm2d(0), ArgumentError, 'BatchNorm2d: channels must be an integer of at least 1, got 0'],
    [() => new nn.BatchNorm2d(3).forward(zeros([2, 3])), ShapeError, 'BatchNorm2d: x must be [n, channels, height, width], got [2, 3]'],
    [() => new nn.BatchNorm1d(0.5), ArgumentError, 'BatchNorm1d: channels must be an integer of at least 1, got 0.5'],
    [() => new nn.BatchNorm1d(3).forward(zeros([2, 3, 1, 1])), ShapeError, 'BatchNorm1d: x must be [n, channels] or [n, channels, length], got [2, 3, 1, 1]'],
  ],
  'nn/groupnorm.ts': [
    [() => new nn.GroupNorm(4, 6), ArgumentError, 'GroupNorm: 6 channels cannot be split into 4 groups'],
    [() => new nn.GroupNorm(0, 6), ArgumentError, 'GroupNorm: groups must be an integer of at least 1, got 0'],
    [() => new nn.LayerNorm([3, 0]), ArgumentError, 'LayerNorm: normalizedShape must be an integer of at least 1, got 0'],
    [() => new nn.PReLU(0), ArgumentError, 'PReLU: numParameters must be an integer of at least 1, got 0'],
    [() => new nn.PixelShuffle(1.5), ArgumentError, 'PixelShuffle: upscaleFactor must be an integer of at least 1, got 1.5'],
    [() => new nn.PixelUnshuffle(0), ArgumentError, 'PixelUnshuffle: downscaleFactor must be an integer of at least 1, got 0'],
    [() => new nn.MaxPool1d(0), ArgumentError, 'MaxPool1d: kernelSize must be an integer of at least 1, got 0'],
    [() => new nn.AvgPool1d(2, { stride: 0 }), ArgumentError, 'AvgPool1d: stride must be an integer of at least 1, got 0'],
    [() => new nn.MaxPool2d(2, { dilation: 0 }), ArgumentError, 'MaxPool2d: dilation must be an integer of at least 1 or a pair of them, got 0'],
    [() => new nn.AvgPool2d(wrong('2')), ArgumentError, 'AvgPool2d: kernelSize must be an integer of at least 1 or a pair of them, got "2"'],
    [() => new nn.AdaptiveAvgPool2d(0), ArgumentError, 'AdaptiveAvgPool2d: outputSize must be an integer of at least 1 or a pair of them, got 0'],
    [() => new nn.AdaptiveMaxPool2d([1, 0]), ArgumentError, 'AdaptiveMaxPool2d: outputSize must be an integer of at least 1 or a pair of them, got [1,0]'],
    [() => new nn.ReflectionPad2d(-1), ArgumentError, 'ReflectionPad2d: widths must be a number, [height, width] or [top, left, bottom, right], integers of at least 0, got -1'],
    [() => new nn.Upsample({}), ArgumentError, 'Upsample: either size or scaleFactor must be given'],
    [() => new nn.Upsample({ size: 2, alignCorners: true }), ArgumentError, `Upsample: alignCorners and antialias do not go with mode 'nearest'`],
    [() => new nn.GELU(wrong('fast')), ArgumentError, `gelu: approximate must be 'none' or 'tanh', got "fast"`],
    [() => new nn.Hardtanh(1, -1), ArgumentError, 'hardTanh: minVal must be below maxVal, got 1 and -1'],
    [() => new nn.Softplus(-1), ArgumentError, 'softplus: beta must be a finite number above 0, got -1'],
  ],
  'nn/instancenorm2d.ts': [
    [() => new nn.InstanceNorm2d(0), ArgumentError, 'InstanceNorm2d: channels must be an integer of at least 1, got 0'],
    [() => new nn.InstanceNorm2d(3).forward(zeros([2, 3])), ShapeError, 'InstanceNorm2d: x must be [n, channels, height, width], got [2, 3]'],
  ],
  'nn/residual.ts': [
    [() => new nn.Residual(new nn.Linear(4, 1)).forward(zeros([2, 4])), ShapeError, 'Residual: the body gives [2, 1], which cannot be added to [2, 4]; use a shortcut'],
  ],
  'nn/dropout.ts': [
    [() => new nn.Dropout(-0.1), ArgumentError, 'Dropout: p must be in [0, 1], got -0.1'],
    [() => new nn.Dropout2d(2), ArgumentError, 'Dropout2d: p must be in [0, 1], got 2'],
  ],
  'nn/init.ts': [
    [() => nn.init.calculateGain(wrong('swish')), ArgumentError, 'calculateGain: unknown nonlinearity "swish"'],
    [() => nn.init.kaimingNormal(zeros([3, 2]), { mode: wrong('fan_out') }), ArgumentError, `kaiming: mode must be 'fanIn' or 'fanOut', got "fan_out"`],
    [() => nn.init.kaimingUniform(zeros([3])), ShapeError, 'fans: needs a weight of at least two axes, got [3]'],
  ],
  'nn/module.ts': [
    [() => new nn.Linear(2, 1).loadStateDict({}), ConvforgeError, 'loadStateDict: missing: weight, bias'],
    [() => new nn.Linear(2, 1).loadStateDict({ weight: zeros([1, 2]), bias: zeros([1]), scale: zeros([1]) }), ConvforgeError, 'loadStateDict: unexpected: scale'],
    [() => new nn.Linear(2, 1).loadStateDict({ weight: zeros([2, 1]), bias: zeros([1], { dtype: 'float64' }) }), ConvforgeError, 'loadStateDict: weight is float32 [2, 1], the module has float32 [1, 2]; bias is float64 [1], the module has float32 [1]'],
    [() => new nn.Linear(2, 1).loadStateDict({ weight: zeros([2, 1]) }, { strict: false }), ConvforgeError, 'loadStateDict: weight is float32 [2, 1], the module has float32 [1, 2]'],
  ],
};
