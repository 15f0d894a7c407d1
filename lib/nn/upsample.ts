import { checkInterpolation, type InterpolateOptions, interpolate } from '../ops/interpolate.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';

/** Options of {@link Upsample}: either `size` or `scaleFactor`. */
export type UpsampleOptions = Omit<InterpolateOptions, 'antialias'>;

/**
 * Images in another size: x [n, c, h, w] → [n, c, oh, ow], by default their pixels repeated; see {@link interpolate}.
 *
 * @throws ArgumentError unless one of size and scaleFactor is given and in range, or for options that do not go together
 * @example
 * new nn.Upsample({ scaleFactor: 2, mode: 'bilinear' }).forward(zeros([1, 3, 4, 5])).shape; // [1, 3, 8, 10]
 */
export class Upsample extends Module {
  readonly options: Readonly<UpsampleOptions>;

  constructor({ size, scaleFactor, mode, alignCorners }: UpsampleOptions) {
    super();
    this.options = { size, scaleFactor, mode, alignCorners };
    checkInterpolation('Upsample', this.options);
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return interpolate(x, this.options);
  }
}
