import { checkFloat, type DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { type Conv2dGeometry, checkIndexable, type Pair, pair, whole } from '../geometry.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { add } from './add.js';
import { convolveTransposed } from './convolution.js';
import { applyOne } from './op.js';
import { reshape } from './reshape.js';

/** Options of {@link convTranspose2d}. */
export interface ConvTranspose2dOptions {
  /** Distance between windows. Default 1. */
  stride?: Pair;
  /** What is cut off the result: a number, [height, width], or [top, left, bottom, right]. Default 0. */
  padding?: number | readonly [number, number] | readonly [number, number, number, number];
  /** What is added to the result at the bottom and right; below the stride or the dilation. Default 0. */
  outputPadding?: Pair;
  /** Distance between the elements of the kernel. Default 1. */
  dilation?: Pair;
  /** Groups of channels that see only each other; divides both channel counts. Default 1. */
  groups?: number;
}

/**
 * 2-D transposed convolution, the gradient of conv2d with respect to its input: every pixel of x adds its multiple of the
 * kernel to a window of y.
 *
 * x [n, ic, h, w], weight [ic, oc / groups, kh, kw], bias [oc] or null → y [n, oc, oh, ow] with
 * oh = (h − 1)·strideH − padTop − padBottom + dilationH·(kh − 1) + 1 + outputPaddingH, ow alike. Differentiable in all
 * three, any number of times.
 *
 * @throws ShapeError when channels, groups or sizes do not fit, or nothing is left of y; ArgumentError for options out of
 *   range; DTypeError unless all share a floating type
 * @example
 * convTranspose2d(ones([1, 1, 1, 2]), ones([1, 1, 1, 2])).toArray(); // [[[[1, 2, 1]]]]
 */
export function convTranspose2d<D extends DType>(
  x: Tensor<D>,
  weight: Tensor<D>,
  bias: Tensor<D> | null = null,
  options: ConvTranspose2dOptions = {},
): Tensor<D> {
  checkFloat('convTranspose2d', x, weight, ...(bias ? [bias] : []));
  const geometry = geometryOf(x, weight, options);
  check(
    !bias || (bias.rank === 1 && bias.size === geometry.ic),
    'convTranspose2d',
    () =>
      `bias must be [${geometry.ic}] for weight ${formatShape(weight.shape)}, got ${formatShape((bias as Tensor).shape)}`,
  );
  const y = applyOne(convolveTransposed, [x, weight], geometry) as Tensor<D>;
  return bias ? add(y, reshape(bias, [geometry.ic, 1, 1])) : y;
}

/** Geometry of the convolution that leads from y back to x. */
function geometryOf(x: Tensor, weight: Tensor, options: ConvTranspose2dOptions): Conv2dGeometry {
  const name = 'convTranspose2d';
  const { groups = 1 } = options;
  check(x.rank === 4, name, () => `x must be [n, channels, height, width], got ${formatShape(x.shape)}`);
  check(
    weight.rank === 4 && weight.shape.every((extent) => extent > 0),
    name,
    () =>
      `weight must be [in channels, out channels / groups, kernel height, kernel width], got ${formatShape(weight.shape)}`,
  );
  const [n, channels, oh, ow] = x.shape;
  const [inputs, perGroup, kh, kw] = weight.shape;
  whole(name, 'groups', groups, 1);
  check(
    channels === inputs && inputs % groups === 0 && oh > 0 && ow > 0,
    name,
    () => `weight ${formatShape(weight.shape)} in groups of ${groups} does not fit x ${formatShape(x.shape)}`,
  );
  const { extraH, extraW, ...window } = transposedWindow(name, options);
  const { strideH, strideW, dilationH, dilationW, padTop, padLeft, padBottom, padRight } = window;
  const h = (oh - 1) * strideH - padTop - padBottom + dilationH * (kh - 1) + 1 + extraH;
  const w = (ow - 1) * strideW - padLeft - padRight + dilationW * (kw - 1) + 1 + extraW;
  check(h > 0 && w > 0, name, () => `padding leaves nothing of the result: ${h}×${w}`);
  checkIndexable(name, n * perGroup * groups * h * w);
  return { n, ic: perGroup * groups, h, w, oc: channels, kh, kw, oh, ow, groups, ...window };
}

/** Checks the options that say where windows lie, which no size of x decides. */
export function transposedWindow(name: string, options: ConvTranspose2dOptions) {
  const [strideH, strideW] = pair(name, 'stride', options.stride ?? 1, 1);
  const [dilationH, dilationW] = pair(name, 'dilation', options.dilation ?? 1, 1);
  const [extraH, extraW] = pair(name, 'outputPadding', options.outputPadding ?? 0, 0);
  check(
    extraH < Math.max(strideH, dilationH) && extraW < Math.max(strideW, dilationW),
    name,
    () => `outputPadding must be below the stride or the dilation, got ${JSON.stringify(options.outputPadding)}`,
    ArgumentError,
  );
  const { padding = 0 } = options;
  const isFour = Array.isArray(padding) && padding.length === 4;
  const [padTop, padLeft] = pair(name, 'padding', isFour ? [padding[0], padding[1]] : (padding as Pair), 0);
  const [padBottom, padRight] = isFour ? pair(name, 'padding', [padding[2], padding[3]], 0) : [padTop, padLeft];
  return { strideH, strideW, dilationH, dilationW, padTop, padLeft, padBottom, padRight, extraH, extraW };
}
