import type { DType } from '../dtype.js';
import { whole } from '../geometry.js';
import type { Tensor } from '../tensor.js';
import { avgPool } from './avgpool2d.js';
import type { Pool1dOptions } from './maxpool1d.js';
import { applyOne } from './op.js';
import { pool2dGeometry } from './pool2d.js';
import { asImage, asWindow2d } from './sequence.js';
import { squeeze } from './squeeze.js';

/** Options of {@link avgPool1d}. */
export interface AvgPool1dOptions extends Omit<Pool1dOptions, 'dilation'> {
  /** Count padding in the mean's divisor. Default true, as in PyTorch. */
  countIncludePad?: boolean;
}

/**
 * Mean of each window: x [n, c, length] → y [n, c, out], by the rules of {@link avgPool2d}.
 *
 * `stride` defaults to `kernelSize`, padding to 0.
 *
 * @throws ShapeError when no window fits; ArgumentError for options out of range, or padding above half the kernel
 * @example
 * avgPool1d(tensor([[[1, 3, 2, 5]]]), 2).toArray(); // [[[2, 3.5]]]
 */
export function avgPool1d<D extends DType>(
  x: Tensor<D>,
  kernelSize: number,
  options: AvgPool1dOptions = {},
): Tensor<D> {
  const { stride, padding, ceilMode, countIncludePad = true } = options;
  const image = asImage('avgPool1d', x);
  const kernel = whole('avgPool1d', 'kernelSize', kernelSize, 1);
  const windows = { ...asWindow2d('avgPool1d', { stride, padding }, x.shape[2], kernel, kernel), ceilMode };
  const geometry = pool2dGeometry('avgPool1d', image, [1, kernel], windows, countIncludePad);
  return squeeze(applyOne(avgPool, [image], geometry), 2) as Tensor<D>;
}
