import { ArgumentError, ConvforgeError, ShapeError } from '../../../lib/errors.js';
import * as cf from '../../../lib/index.js';
import type { Rejections } from './rejection.js';

const { nn, zeros } = cf;
const wrong = (value: unknown) => value as never;

// biome-ignore format: one rejection a line
export const LAYER_REJECTIONS: Rejections = {
  'nn/conv2d.ts': [
    [() => new nn.Conv2d(0, 8, 3), ArgumentError, 'Conv2d: channels and groups must be integers of at least 1, got 0, 8, 1'],
    [() => new nn.Conv2d(4, 8, 3, { groups: 0 }), ArgumentError, 'Conv2d: channels and groups must be integers of at least 1, got 4, 8, 0'],
    [() => new nn.Conv2d(4, 6, 3, { groups: 4 }), ArgumentError, 'Conv2d: 4 input and 6 output channels cannot be split into 4 groups'],
    [() => new nn.Conv2d(4, 8, 0), ArgumentError, 'Conv2d: kernelSize must be an integer of at least 1 or a pair of them, got 0'],
    [() => new nn.Conv2d(4, 8, 3, { paddingMode: wrong('mirror') }), ArgumentError, `Conv2d: paddingMode must be 'zeros', 'reflect', 'replicate' or 'circular', got "mirror"`],
    [() => new nn.Conv2d(4, 8, 3, { paddingMode: 'reflect' }).forward(zeros([4, 8, 8])), ShapeError, 'Conv2d: x must be [n, channels, height, width], got [4, 8, 8]'],
  ],
  'nn/linear.ts': [
    [() => new nn.Linear(0, 2), ArgumentError, 'Linear: features must be integers of at least 1, got 0 and 2'],
    [() => new nn.Linear(3, 2.5), ArgumentError, 'Linear: features must be integers of at least 1, got 3 and 2.5'],
  ],
  'nn/batchnorm2d.ts': [
    [() => new nn.BatchNorm2d(0), ArgumentError, 'BatchNorm2d: channels must be an integer of at least 1, got 0'],
    [() => new nn.BatchNorm2d(3).forward(zeros([2, 3])), ShapeError, 'BatchNorm2d: x must be [n, channels, height, width], got [2, 3]'],
  ],
  'nn/dropout.ts': [
    [() => new nn.Dropout(-0.1), ArgumentError, 'Dropout: p must be in [0, 1], got -0.1'],
  ],
  'nn/init.ts': [
    [() => nn.init.calculateGain(wrong('swish')), ArgumentError, 'calculateGain: unknown nonlinearity "swish"'],
    [() => nn.init.kaimingUniform(zeros([3])), ShapeError, 'fans: needs a weight of at least two axes, got [3]'],
  ],
  'nn/module.ts': [
    [() => new nn.Linear(2, 1).loadStateDict({}), ConvforgeError, 'loadStateDict: missing: weight, bias'],
    [() => new nn.Linear(2, 1).loadStateDict({ weight: zeros([1, 2]), bias: zeros([1]), scale: zeros([1]) }), ConvforgeError, 'loadStateDict: unexpected: scale'],
    [() => new nn.Linear(2, 1).loadStateDict({ weight: zeros([2, 1]), bias: zeros([1], { dtype: 'float64' }) }), ConvforgeError, 'loadStateDict: weight is float32 [2, 1], the module has float32 [1, 2]; bias is float64 [1], the module has float32 [1]'],
    [() => new nn.Linear(2, 1).loadStateDict({ weight: zeros([2, 1]) }, { strict: false }), ConvforgeError, 'loadStateDict: weight is float32 [2, 1], the module has float32 [1, 2]'],
  ],
};
