import { check } from '../errors.js';
import { whole } from '../geometry.js';
import { type Conv1dOptions, conv1d } from '../ops/conv1d.js';
import { pad } from '../ops/pad.js';
import { asWindow2d, endPadding } from '../ops/sequence.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';
import { checkChannels, checkPaddingMode, type PaddingMode, productParameters } from './products.js';

/** Options of {@link Conv1d}. */
export interface Conv1dLayerOptions extends Conv1dOptions {
  /** Add a learned offset per output channel. Default true. */
  bias?: boolean;
  /** What padding is filled with. Default 'zeros'. */
  paddingMode?: PaddingMode;
}

/**
 * 1-D convolution layer: x [n, inChannels, length] → [n, outChannels, out]; see {@link conv1d} for sizes and options.
 *
 * Parameters: weight [outChannels, inChannels / groups, kernelSize], bias [outChannels]; both start uniform in ±1/√fanIn, as
 * in PyTorch.
 *
 * @throws ArgumentError for channels or options out of range
 * @example
 * new nn.Conv1d(3, 8, 5, { padding: 2 }).forward(zeros([1, 3, 16])).shape; // [1, 8, 16]
 */
export class Conv1d extends Module {
  readonly weight: Tensor<'float32'>;
  readonly bias: Tensor<'float32'> | null;
  readonly options: Readonly<Conv1dOptions>;
  readonly paddingMode: PaddingMode;

  constructor(inChannels: number, outChannels: number, kernelSize: number, options: Conv1dLayerOptions = {}) {
    super();
    const { bias = true, paddingMode = 'zeros', ...rest } = options;
    const { groups = 1 } = rest;
    whole('Conv1d', 'kernelSize', kernelSize, 1);
    checkChannels('Conv1d', inChannels, outChannels, groups);
    checkPaddingMode('Conv1d', paddingMode);
    // Throws for a stride, padding or dilation out of range.
    asWindow2d('Conv1d', rest, kernelSize, kernelSize);
    this.options = rest;
    this.paddingMode = paddingMode;
    const made = productParameters([outChannels, inChannels / groups, kernelSize], outChannels, bias);
    this.weight = made.weight;
    this.bias = made.bias;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    if (this.paddingMode === 'zeros') return conv1d(x, this.weight, this.bias, this.options);
    check(x.rank === 3, 'Conv1d', () => `x must be [n, channels, length], got ${formatShape(x.shape)}`);
    const [start, end] = endPadding('Conv1d', this.options, x.shape[2], this.weight.shape[2]);
    const padded = pad(x, [0, start, 0, end], { mode: this.paddingMode });
    return conv1d(padded, this.weight, this.bias, { ...this.options, padding: 0 });
  }
}
