import { checkFloat } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { checkIndexable, type Pair, type Pool2dGeometry, pair, type WindowOptions, window2d } from '../geometry.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';

/** Options that max and average pooling share. */
export interface Pool2dOptions extends WindowOptions {
  /** Distance between windows. Default: the kernel size. */
  stride?: Pair;
  /** Round the output size up, so that a last window may hang over the edge. Default false. */
  ceilMode?: boolean;
}

/** Checks the arguments of a pooling operation and works out its windows. */
export function pool2dGeometry(
  operation: string,
  x: Tensor,
  kernelSize: Pair,
  options: Pool2dOptions,
  countIncludePad: boolean,
): Pool2dGeometry {
  checkFloat(operation, x);
  check(x.rank === 4, operation, () => `x must be [n, channels, height, width], got ${formatShape(x.shape)}`);
  const [n, c, h, w] = x.shape;
  const [kh, kw] = pair(operation, 'kernelSize', kernelSize, 1);
  const window = window2d(
    operation,
    [h, w],
    [kh, kw],
    { ...options, stride: options.stride ?? kernelSize },
    options.ceilMode,
  );
  const { padTop, padLeft, padBottom, padRight } = window;
  // Beyond half the kernel a window could lie wholly in padding, where there is nothing to take the maximum or mean of.
  check(
    2 * Math.max(padTop, padBottom) <= kh && 2 * Math.max(padLeft, padRight) <= kw,
    operation,
    () => `padding must be at most half the kernel ${kh}×${kw}, got [${padTop}, ${padLeft}, ${padBottom}, ${padRight}]`,
    ArgumentError,
  );
  checkIndexable(operation, n * c * window.oh * window.ow);
  return { n, c, h, w, kh, kw, ...window, countIncludePad: Number(countIncludePad) };
}
