import { checkFloat, type DType } from '../dtype.js';
import { check } from '../errors.js';
import { checkIndexable, whole, window2d } from '../geometry.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { convolve } from './convolution.js';
import { applyOne } from './op.js';
import { asImage, asWindow2d, type Window1dOptions } from './sequence.js';
import { squeeze } from './squeeze.js';
import { unsqueeze } from './unsqueeze.js';

/** Options of {@link conv1d}; the stride defaults to 1. */
export interface Conv1dOptions extends Window1dOptions {
  /** Groups of channels that see only each other; divides both channel counts. Default 1. */
  groups?: number;
}

/**
 * 1-D convolution (cross-correlation): y[n, o, i] = bias[o] + Σ x[n, c, i·stride + p·dilation − padding] · weight[o, c, p].
 *
 * x [n, ic, length], weight [oc, ic / groups, k], bias [oc] or null → y [n, oc, out], out as in {@link conv2d}. Defaults:
 * stride 1, padding 0, dilation 1, groups 1.
 *
 * @throws ShapeError when channels, groups or sizes do not fit; ArgumentError for options out of range; DTypeError unless
 *   all share a floating type
 * @example
 * conv1d(tensor([[[1, 2, 3]]]), tensor([[[1, 1]]])).toArray(); // [[[3, 5]]]
 */
export function conv1d<D extends DType>(
  x: Tensor<D>,
  weight: Tensor<D>,
  bias: Tensor<D> | null = null,
  options: Conv1dOptions = {},
): Tensor<D> {
  checkFloat('conv1d', x, weight, ...(bias ? [bias] : []));
  const image = asImage('conv1d', x);
  check(
    weight.rank === 3 && weight.shape.every((extent) => extent > 0),
    'conv1d',
    () => `weight must be [out channels, in channels / groups, kernel], got ${formatShape(weight.shape)}`,
  );
  const [n, ic, length] = x.shape;
  const [oc, perGroup, kernel] = weight.shape;
  const groups = whole('conv1d', 'groups', options.groups ?? 1, 1);
  check(
    ic === perGroup * groups && oc % groups === 0,
    'conv1d',
    () => `weight ${formatShape(weight.shape)} in groups of ${groups} does not fit x ${formatShape(x.shape)}`,
  );
  check(
    !bias || (bias.rank === 1 && bias.size === oc),
    'conv1d',
    () => `bias must be [${oc}] for weight ${formatShape(weight.shape)}, got ${formatShape((bias as Tensor).shape)}`,
  );
  const window = asWindow2d('conv1d', options, length, kernel);
  const sizes = window2d('conv1d', [1, length], [1, kernel], window);
  checkIndexable('conv1d', n * oc * sizes.ow);
  const geometry = { n, ic, h: 1, w: length, oc, kh: 1, kw: kernel, groups, ...sizes };
  return squeeze(applyOne(convolve, [image, unsqueeze(weight, 2), bias], geometry), 2) as Tensor<D>;
}
