import { whole } from '../geometry.js';
import { pixelShuffle, pixelUnshuffle } from '../ops/pixelshuffle.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';

/**
 * Blocks of pixels from channels (Shi et al. 2016): x [n, c·r², h, w] → [n, c, h·r, w·r]; see {@link pixelShuffle}.
 *
 * @throws ArgumentError for a factor below 1
 * @example
 * new nn.PixelShuffle(2).forward(zeros([1, 8, 3, 3])).shape; // [1, 2, 6, 6]
 */
export class PixelShuffle extends Module {
  readonly upscaleFactor: number;

  constructor(upscaleFactor: number) {
    super();
    this.upscaleFactor = whole('PixelShuffle', 'upscaleFactor', upscaleFactor, 1);
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return pixelShuffle(x, this.upscaleFactor);
  }
}

/**
 * Channels from blocks of pixels: x [n, c, h·r, w·r] → [n, c·r², h, w]; see {@link pixelUnshuffle}.
 *
 * @throws ArgumentError for a factor below 1
 * @example
 * new nn.PixelUnshuffle(2).forward(zeros([1, 2, 6, 6])).shape; // [1, 8, 3, 3]
 */
export class PixelUnshuffle extends Module {
  readonly downscaleFactor: number;

  constructor(downscaleFactor: number) {
    super();
    this.downscaleFactor = whole('PixelUnshuffle', 'downscaleFactor', downscaleFactor, 1);
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return pixelUnshuffle(x, this.downscaleFactor);
  }
}
