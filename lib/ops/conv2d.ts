import { checkFloat, type DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { type Conv2dGeometry, checkIndexable, type WindowOptions, window2d } from '../geometry.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { convolve } from './convolution.js';
import { applyOne } from './op.js';

/** Options of {@link conv2d}. */
export interface Conv2dOptions extends WindowOptions {
  /** Groups of channels that see only each other; divides both channel counts. Default 1. */
  groups?: number;
}

/**
 * 2-D convolution (cross-correlation, as in all deep learning):
 * y[n, o, i, j] = bias[o] + Σ x[n, c, i·strideH + p·dilationH − padTop, j·strideW + q·dilationW − padLeft] · weight[o, c, p, q].
 *
 * x [n, ic, h, w], weight [oc, ic / groups, kh, kw], bias [oc] or null → y [n, oc, oh, ow] with
 * oh = floor((h + padTop + padBottom − dilationH·(kh − 1) − 1) / strideH) + 1, ow alike. Defaults: stride 1, padding 0,
 * dilation 1, groups 1. Differentiable in all three, any number of times.
 *
 * @throws ShapeError when channels, groups or sizes do not fit; ArgumentError for options out of range; DTypeError unless
 *   all share a floating type
 * @example
 * conv2d(ones([1, 1, 3, 3]), ones([1, 1, 2, 2])).toArray(); // [[[[4, 4], [4, 4]]]]
 */
export function conv2d<D extends DType>(
  x: Tensor<D>,
  weight: Tensor<D>,
  bias: Tensor<D> | null = null,
  options: Conv2dOptions = {},
): Tensor<D> {
  checkFloat('conv2d', x, weight, ...(bias ? [bias] : []));
  return applyOne(convolve, [x, weight, bias], conv2dGeometry(x, weight, bias, options)) as Tensor<D>;
}

function conv2dGeometry(x: Tensor, weight: Tensor, bias: Tensor | null, options: Conv2dOptions): Conv2dGeometry {
  const { groups = 1 } = options;
  check(x.rank === 4, 'conv2d', () => `x must be [n, channels, height, width], got ${formatShape(x.shape)}`);
  check(
    weight.rank === 4 && weight.shape.every((extent) => extent > 0),
    'conv2d',
    () =>
      `weight must be [out channels, in channels / groups, kernel height, kernel width], got ${formatShape(weight.shape)}`,
  );
  const [n, ic, h, w] = x.shape;
  const [oc, perGroup, kh, kw] = weight.shape;
  check(
    Number.isInteger(groups) && groups >= 1,
    'conv2d',
    () => `groups must be an integer of at least 1, got ${groups}`,
    ArgumentError,
  );
  check(
    ic === perGroup * groups,
    'conv2d',
    () =>
      `weight ${formatShape(weight.shape)} expects ${perGroup * groups} input channels${groups > 1 ? ` in ${groups} groups` : ''}, x ${formatShape(x.shape)} has ${ic}`,
  );
  check(oc % groups === 0, 'conv2d', () => `${oc} output channels cannot be split into ${groups} groups`);
  check(
    !bias || (bias.rank === 1 && bias.size === oc),
    'conv2d',
    () => `bias must be [${oc}] for weight ${formatShape(weight.shape)}, got ${formatShape((bias as Tensor).shape)}`,
  );
  const window = window2d('conv2d', [h, w], [kh, kw], options);
  checkIndexable('conv2d', n * oc * window.oh * window.ow);
  return { n, ic, h, w, oc, kh, kw, groups, ...window };
}
