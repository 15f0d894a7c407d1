import { check } from '../errors.js';
import { type Pair, pair, window2d } from '../geometry.js';
import { type Conv2dOptions, conv2d } from '../ops/conv2d.js';
import { pad } from '../ops/pad.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';
import { checkChannels, checkPaddingMode, type PaddingMode, productParameters } from './products.js';

/** Options of {@link Conv2d}. */
export interface Conv2dLayerOptions extends Conv2dOptions {
  /** Add a learned offset per output channel. Default true. */
  bias?: boolean;
  /** What padding is filled with. Default 'zeros'. */
  paddingMode?: PaddingMode;
}

/**
 * 2-D convolution layer: x [n, inChannels, h, w] → [n, outChannels, oh, ow]; see {@link conv2d} for sizes and options.
 *
 * Parameters: weight [outChannels, inChannels / groups, kh, kw], bias [outChannels]; both start uniform in ±1/√fanIn, as
 * in PyTorch. With groups = inChannels the convolution is depthwise.
 *
 * @throws ArgumentError for channels or options out of range
 * @example
 * new nn.Conv2d(3, 8, 3, { padding: 1 }).forward(zeros([1, 3, 5, 5])).shape; // [1, 8, 5, 5]
 */
export class Conv2d extends Module {
  readonly weight: Tensor<'float32'>;
  readonly bias: Tensor<'float32'> | null;
  readonly options: Readonly<Conv2dOptions>;
  readonly paddingMode: PaddingMode;

  constructor(inChannels: number, outChannels: number, kernelSize: Pair, options: Conv2dLayerOptions = {}) {
    super();
    const { bias = true, paddingMode = 'zeros', ...rest } = options;
    const { groups = 1 } = rest;
    const [kh, kw] = pair('Conv2d', 'kernelSize', kernelSize, 1);
    checkChannels('Conv2d', inChannels, outChannels, groups);
    checkPaddingMode('Conv2d', paddingMode);
    // Throws for strides, padding or dilations out of range; any kernel fits into an image of this size.
    window2d('Conv2d', [2 ** 31, 2 ** 31], [kh, kw], rest);
    this.options = rest;
    this.paddingMode = paddingMode;
    const made = productParameters([outChannels, inChannels / groups, kh, kw], outChannels, bias);
    this.weight = made.weight;
    this.bias = made.bias;
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
