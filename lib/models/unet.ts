import { ArgumentError, check } from '../errors.js';
import { whole } from '../geometry.js';
import { BatchNorm2d } from '../nn/batchnorm.js';
import { Conv2d } from '../nn/conv2d.js';
import { ConvTranspose2d } from '../nn/convtranspose2d.js';
import { constant, kaimingNormal, skip } from '../nn/init.js';
import { Module } from '../nn/module.js';
import { concat } from '../ops/concat.js';
import { convTranspose2d } from '../ops/convtranspose2d.js';
import { interpolate } from '../ops/interpolate.js';
import { maxPool2d } from '../ops/maxpool2d.js';
import { relu } from '../ops/relu.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';

/** Options of {@link unet}. */
export interface UNetOptions {
  /** Channels of the images. Default 3. */
  inChannels?: number;
  /** Channels of the result: logits of a pixel. Default 1. */
  numClasses?: number;
  /** Channels at full resolution; each level has twice as many as the one above. Default 64. */
  baseChannels?: number;
  /** How often the resolution is halved, at least 1. Default 4. */
  depth?: number;
  /** A batch norm after each 3×3 convolution, which then has no bias. Default true. */
  batchNorm?: boolean;
  /** How resolution grows again: by 2×2 transposed convolutions, or bilinearly and a 1×1 convolution. Default 'transposed'. */
  upsampling?: 'transposed' | 'bilinear';
}

/** Twice a 3×3 convolution, padded by 1, and ReLU. */
class DoubleConv extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d | null;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d | null;

  constructor(inChannels: number, outChannels: number, batchNorm: boolean) {
    super();
    this.conv1 = new Conv2d(inChannels, outChannels, 3, { padding: 1, bias: !batchNorm });
    this.bn1 = batchNorm ? new BatchNorm2d(outChannels) : null;
    this.conv2 = new Conv2d(outChannels, outChannels, 3, { padding: 1, bias: !batchNorm });
    this.bn2 = batchNorm ? new BatchNorm2d(outChannels) : null;
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    const first = this.conv1.forward(x);
    const second = this.conv2.forward(relu(this.bn1?.forward(first) ?? first));
    return relu(this.bn2?.forward(second) ?? second);
  }
}

/** Twice the resolution and half the channels by a transposed convolution. An odd size gets a last row that is the bias. */
class TransposedUp extends ConvTranspose2d {
  constructor(channels: number) {
    super(channels, channels / 2, 2, { stride: 2 });
  }

  override forward(x: Tensor<'float32'>, like = x): Tensor<'float32'> {
    const outputPadding: [number, number] = [like.shape[2] % 2, like.shape[3] % 2];
    return convTranspose2d(x, this.weight, this.bias, { ...this.options, outputPadding });
  }
}

/** Twice the resolution bilinearly, and half the channels. */
class BilinearUp extends Module {
  readonly conv: Conv2d;

  constructor(channels: number) {
    super();
    this.conv = new Conv2d(channels, channels / 2, 1);
  }

  forward(x: Tensor<'float32'>, like: Tensor<'float32'>): Tensor<'float32'> {
    return this.conv.forward(interpolate(x, { size: [like.shape[2], like.shape[3]], mode: 'bilinear' }));
  }
}

/** See {@link unet}. */
export class UNet extends Module {
  readonly encoder: readonly DoubleConv[];
  readonly upsample: readonly (TransposedUp | BilinearUp)[];
  readonly decoder: readonly DoubleConv[];
  readonly head: Conv2d;

  constructor(options: UNetOptions = {}) {
    super();
    const { inChannels = 3, numClasses = 1, baseChannels = 64, depth = 4 } = options;
    const { batchNorm = true, upsampling = 'transposed' } = options;
    whole('UNet', 'depth', depth, 1);
    check(
      upsampling === 'transposed' || upsampling === 'bilinear',
      'UNet',
      () => `upsampling must be 'transposed' or 'bilinear', got ${JSON.stringify(upsampling)}`,
      ArgumentError,
    );
    const widths = Array.from({ length: depth + 1 }, (_, level) => baseChannels * 2 ** level);
    const upwards = widths.slice(1).reverse();
    this.encoder = skip(() => widths.map((width, i) => new DoubleConv(widths[i - 1] ?? inChannels, width, batchNorm)));
    this.upsample = upwards.map((width) => new (upsampling === 'transposed' ? TransposedUp : BilinearUp)(width));
    this.decoder = skip(() => upwards.map((width) => new DoubleConv(width, width / 2, batchNorm)));
    this.head = new Conv2d(baseChannels, numClasses, 1);
    for (const { conv1, conv2 } of [...this.encoder, ...this.decoder]) {
      for (const { weight, bias } of [conv1, conv2]) {
        kaimingNormal(weight, { nonlinearity: 'relu' });
        if (bias) constant(bias, 0);
      }
    }
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    const least = 2 ** this.decoder.length;
    check(
      x.rank === 4 && x.shape[2] >= least && x.shape[3] >= least,
      'UNet',
      () => `x must be [n, channels, height, width] of at least ${least} pixels each way, got ${formatShape(x.shape)}`,
    );
    const skips = [this.encoder[0].forward(x)];
    for (const block of this.encoder.slice(1))
      skips.push(block.forward(maxPool2d(skips.at(-1) as Tensor<'float32'>, 2)));
    let y = skips.pop() as Tensor<'float32'>;
    this.decoder.forEach((block, i) => {
      const like = skips.pop() as Tensor<'float32'>;
      y = block.forward(concat([like, this.upsample[i].forward(y, like)], 1));
    });
    return this.head.forward(y);
  }
}

/**
 * U-Net (Ronneberger et al. 2015) for a label a pixel: images [n, inChannels, h, w] → logits [n, numClasses, h, w]. 31 million
 * parameters with the defaults.
 *
 * Level i has baseChannels · 2^i channels and twice two 3×3 convolutions with ReLU, on the way down (`encoder.i`, followed by
 * max pooling) and on the way up (`decoder`, the deepest first), where `upsample` doubles the resolution and halves the
 * channels, and what the level had on the way down comes first in a concatenation. `head` is a 1×1 convolution. Unlike in the
 * paper convolutions are padded, so that results have the size of the images, and batch norms follow them. Images need not be
 * multiples of 2^depth. 3×3 convolutions start as the paper says, normal with a deviation of √(2 / fanIn).
 *
 * @throws ArgumentError for options out of range; ShapeError for images smaller than 2^depth
 * @example
 * const net = models.unet({ baseChannels: 4, depth: 2, numClasses: 3 });
 * net.forward(zeros([1, 3, 11, 14])).shape; // [1, 3, 11, 14]
 */
export function unet(options: UNetOptions = {}): UNet {
  return new UNet(options);
}
