import type { DType } from '../dtype.js';
import { whole } from '../geometry.js';
import type { Tensor } from '../tensor.js';
import { maxPool } from './maxpool2d.js';
import { apply } from './op.js';
import { pool2dGeometry } from './pool2d.js';
import { asImage, asWindow2d, type Window1dOptions } from './sequence.js';
import { squeeze } from './squeeze.js';

/** Options that pooling of sequences shares; the stride defaults to the kernel size. */
export interface Pool1dOptions extends Window1dOptions {
  /** Round the output size up, so that a last window may hang over the end. Default false. */
  ceilMode?: boolean;
}

/**
 * Largest value in each window: x [n, c, length] → y [n, c, out], by the rules of {@link maxPool2d}.
 *
 * `stride` defaults to `kernelSize`, padding to 0, dilation to 1. Padding never wins; ties go to the first position; NaN wins.
 *
 * @throws ShapeError when no window fits; ArgumentError for options out of range, or padding above half the kernel
 * @example
 * maxPool1d(tensor([[[1, 3, 2, 5]]]), 2).toArray(); // [[[3, 5]]]
 */
export function maxPool1d<D extends DType>(x: Tensor<D>, kernelSize: number, options: Pool1dOptions = {}): Tensor<D> {
  const image = asImage('maxPool1d', x);
  const kernel = whole('maxPool1d', 'kernelSize', kernelSize, 1);
  const windows = { ...asWindow2d('maxPool1d', options, x.shape[2], kernel, kernel), ceilMode: options.ceilMode };
  const [y] = apply(maxPool, [image], pool2dGeometry('maxPool1d', image, [1, kernel], windows, false));
  return squeeze(y, 2) as Tensor<D>;
}
