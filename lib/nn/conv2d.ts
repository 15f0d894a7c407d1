import { zeros } from '../creation.js';
import { ArgumentError, check } from '../errors.js';
import { type Pair, pair, window2d } from '../geometry.js';
import type { PadMode } from '../kernels/operations.js';
import { type Conv2dOptions, conv2d } from '../ops/conv2d.js';
import { pad } from '../ops/pad.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { fans, kaimingUniform, uniform } from './init.js';
import { Module, parameter } from './module.js';

/** Options of {@link Conv2d}. */
export interface Conv2dLayerOptions extends Conv2dOptions {
  /** Add a learned offset per output channel. Default true. */
  bias?: boolean;
  /** What padding is filled with. Default 'zeros'. */
  paddingMode?: 'zeros' | Exclude<PadMode, 'constant'>;
}

/**
 * 2-D convolution layer: x [n, inChannels, h, w] → [n, outChannels, oh, ow]; see {@link conv2d} for sizes and options.
 *
 * Parameters: weight [outChannels, inChannels / groups, kh, kw], bias [outChannels]; both start uniform in ±1/√fanIn, as
 * in PyTorch.
 *
 * @throws ArgumentError for channels or options out of range
 * @example
 * new nn.Conv2d(3, 8, 3, { padding: 1 }).forward(zeros([1, 3, 5, 5])).shape; // [1, 8, 5, 5]
 */
export class Conv2d extends Module {
  readonly weight: Tensor<'float32'>;
  readonly bias: Tensor<'float32'> | null;
  readonly options: Readonly<Conv2dOptions>;
  readonly paddingMode: 'zeros' | Exclude<PadMode, 'constant'>;

  constructor(inChannels: number, outChannels: number, kernelSize: Pair, options: Conv2dLayerOptions = {}) {
    super();
    const { bias = true, paddingMode = 'zeros', ...rest } = options;
    const { groups = 1 } = rest;
    const [kh, kw] = pair('Conv2d', 'kernelSize', kernelSize, 1);
    check(
      [inChannels, outChannels, groups].every((v) => Number.isInteger(v) && v >= 1),
      'Conv2d',
      () => `channels and groups must be integers of at least 1, got ${inChannels}, ${outChannels}, ${groups}`,
      ArgumentError,
    );
    check(
      inChannels % groups === 0 && outChannels % groups === 0,
      'Conv2d',
      () => `${inChannels} input and ${outChannels} output channels cannot be split into ${groups} groups`,
      ArgumentError,
    );
    check(
      ['zeros', 'reflect', 'replicate', 'circular'].includes(paddingMode),
      'Conv2d',
      () => `paddingMode must be 'zeros', 'reflect', 'replicate' or 'circular', got ${JSON.stringify(paddingMode)}`,
      ArgumentError,
    );
    // Throws for strides, padding or dilations out of range; any kernel fits into an image of this size.
    window2d('Conv2d', [2 ** 31, 2 ** 31], [kh, kw], rest);
    this.options = rest;
    this.paddingMode = paddingMode;
    // a = √5 gives the bound 1/√fanIn that PyTorch's layers start from.
    this.weight = parameter(kaimingUniform(zeros([outChannels, inChannels / groups, kh, kw]), { a: Math.sqrt(5) }));
    const bound = 1 / Math.sqrt(fans(this.weight).fanIn);
    this.bias = bias ? parameter(uniform(zeros([outChannels]), -bound, bound)) : null;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    if (this.paddingMode === 'zeros') return conv2d(x, this.weight, this.bias, this.options);
    check(x.rank === 4, 'Conv2d', () => `x must be [n, channels, height, width], got ${formatShape(x.shape)}`);
    const [kh, kw] = this.weight.shape.slice(-2);
    const [h, w] = x.shape.slice(-2);
    const { padTop, padLeft, padBottom, padRight } = window2d('Conv2d', [h, w], [kh, kw], this.options);
    const padded = pad(x, [padTop, padLeft, padBottom, padRight], { mode: this.paddingMode });
    return conv2d(padded, this.weight, this.bias, { ...this.options, padding: 0 });
  }
}
