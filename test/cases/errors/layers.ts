import { ArgumentError, ConvforgeError, ShapeError } from '../../../lib/errors.js';
import * as cf from '../../../lib/index.js';
import type { Rejections } from './rejection.js';

const { Adam, AdamW, nn, SGD, tensor, zeros } = cf;
const wrong = (value: unknown) => value as never;
const weights = () => [tensor([1, 2], { requiresGrad: true })];

/** An optimizer with a gradient that does not fit its parameter. */
function misfit() {
  const [weight] = weights();
  weight.grad = zeros([3]);
  return new SGD([weight], { lr: 1 });
}

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
  'optim/optimizer.ts': [
    [() => new SGD([], { lr: 1 }), ArgumentError, 'SGD: there are no parameters to optimise'],
    [() => new Adam(weights(), { lr: -1 }), ArgumentError, 'Adam: lr must be at least 0, got -1'],
    [() => new AdamW(weights(), { betas: [0.9, 1] }), ArgumentError, `AdamW: betas[1] must be in [0, ${1 - Number.EPSILON}], got 1`],
    [() => new Adam(weights(), { eps: Number.NaN }), ArgumentError, 'Adam: eps must be at least 0, got NaN'],
    [() => new Adam(weights(), { weightDecay: -1 }), ArgumentError, 'Adam: weightDecay must be at least 0, got -1'],
    [() => new SGD(weights(), { lr: 1, momentum: 2 }), ArgumentError, 'SGD: momentum must be in [0, 1], got 2'],
    [() => new SGD(weights(), { lr: 1, dampening: -1 }), ArgumentError, 'SGD: dampening must be in [0, 1], got -1'],
    [() => new SGD([weights()[0].mul(2)], { lr: 1 }), ArgumentError, 'SGD: a parameter of shape [2] is the result of an operation; only leaves can be optimised'],
    [() => { const [w] = weights(); return new SGD([w, w], { lr: 1 }); }, ArgumentError, 'SGD: a parameter is listed twice, and would be updated twice in each step'],
    [() => misfit().step(), ShapeError, 'step: a gradient is float32 [3], its parameter float32 [2]'],
    [() => new SGD(weights(), { lr: 1 }).loadStateDict({ step: 1, lr: 1, tensors: {} }), ConvforgeError, `loadStateDict: momentum does not fit the optimizer's parameters`],
    [() => new SGD(weights(), { lr: 1 }).loadStateDict({ step: 1, lr: 1, tensors: { momentum: [zeros([3])] } }), ConvforgeError, `loadStateDict: momentum does not fit the optimizer's parameters`],
    [() => new SGD(weights(), { lr: 1 }).loadStateDict({ step: -1, lr: 1, tensors: { momentum: [null] } }), ConvforgeError, 'loadStateDict: step -1 or lr 1 is out of range'],
  ],
  'optim/sgd.ts': [
    [() => new SGD(weights(), { lr: 1, nesterov: true }), ArgumentError, 'SGD: nesterov needs momentum above 0 and no dampening, got 0 and 0'],
    [() => new SGD(weights(), { lr: 1, nesterov: true, momentum: 0.9, dampening: 0.5 }), ArgumentError, 'SGD: nesterov needs momentum above 0 and no dampening, got 0.9 and 0.5'],
  ],
};
