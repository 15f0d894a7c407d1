import { type Pair, pair } from '../geometry.js';
import { type ConvTranspose2dOptions, convTranspose2d, transposedWindow } from '../ops/convtranspose2d.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';
import { checkChannels, productParameters } from './products.js';

/** Options of {@link ConvTranspose2d}. */
export interface ConvTranspose2dLayerOptions extends ConvTranspose2dOptions {
  /** Add a learned offset per output channel. Default true. */
  bias?: boolean;
}

/**
 * 2-D transposed convolution layer: x [n, inChannels, h, w] → [n, outChannels, oh, ow]; see {@link convTranspose2d} for sizes
 * and options.
 *
 * Parameters: weight [inChannels, outChannels / groups, kh, kw], bias [outChannels]; both start uniform in ±1/√fanIn with
 * fanIn = outChannels / groups · kh · kw, as in PyTorch.
 *
 * @throws ArgumentError for channels or options out of range
 * @example
 * new nn.ConvTranspose2d(8, 4, 2, { stride: 2 }).forward(zeros([1, 8, 5, 5])).shape; // [1, 4, 10, 10]
 */
export class ConvTranspose2d extends Module {
  readonly weight: Tensor<'float32'>;
  readonly bias: Tensor<'float32'> | null;
  readonly options: Readonly<ConvTranspose2dOptions>;

  constructor(inChannels: number, outChannels: number, kernelSize: Pair, options: ConvTranspose2dLayerOptions = {}) {
    super();
    const { bias = true, ...rest } = options;
    const { groups = 1 } = rest;
    const [kh, kw] = pair('ConvTranspose2d', 'kernelSize', kernelSize, 1);
    checkChannels('ConvTranspose2d', inChannels, outChannels, groups);
    transposedWindow('ConvTranspose2d', rest);
    this.options = rest;
    const made = productParameters([inChannels, outChannels / groups, kh, kw], outChannels, bias);
    this.weight = made.weight;
    this.bias = made.bias;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return convTranspose2d(x, this.weight, this.bias, this.options);
  }

  /** Every element of x meets the weights of its channel. */
  override multiplyAdds(x: Tensor): number {
    return (x.size * this.weight.size) / this.weight.shape[0];
  }
}
