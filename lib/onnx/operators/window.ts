import { samePadding } from '../../geometry.js';
import { reshape } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import type { AttributeRules, OperatorCall } from '../operator.js';

/** Attributes of everything that slides a window. */
export const WINDOW_ATTRIBUTES = {
  auto_pad: ['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'],
  dilations: 'ints',
  kernel_shape: 'ints',
  pads: 'ints',
  strides: 'ints',
} as const satisfies AttributeRules;

/** Windows over any number of axes. */
export interface Windows {
  kernel: readonly number[];
  stride: readonly number[];
  dilation: readonly number[];
  /** Before each axis, then behind each. */
  padding: readonly number[];
}

/** Two sizes: of height and width. */
export type Two = [number, number];

/** Windows over height and width. */
export interface ImageWindows {
  kernel: Two;
  stride: Two;
  dilation: Two;
  padding: [top: number, left: number, bottom: number, right: number];
}

/** Reads strides, dilations and padding of windows over the spatial axes. */
export function windowsOf(call: OperatorCall, spatial: readonly number[], kernel: readonly number[]): Windows {
  const axes = spatial.length;
  const stride = perAxis(call, 'strides', axes);
  const dilation = perAxis(call, 'dilations', axes);
  const auto = call.string('auto_pad', 'NOTSET');
  const windows = { kernel, stride, dilation };
  if (auto === 'NOTSET') return { ...windows, padding: explicitPads(call, axes) };
  if (auto === 'VALID') return { ...windows, padding: new Array<number>(2 * axes).fill(0) };
  const same = spatial.map((extent, axis) => samePadding(extent, kernel[axis], stride[axis], dilation[axis]));
  const [less, more] = [same.map(([before]) => before), same.map(([, behind]) => behind)];
  // 'upper' puts the odd row or column behind, 'lower' before.
  return { ...windows, padding: auto === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less] };
}

/** Padding before each axis, then behind each. */
export function explicitPads(call: OperatorCall, axes: number): readonly number[] {
  const pads = call.ints('pads') ?? new Array<number>(2 * axes).fill(0);
  if (pads.length === 2 * axes) return pads;
  throw call.malformed(`pads has ${pads.length} elements, ${axes} spatial axes take ${2 * axes}`);
}

/** An attribute of one number per spatial axis. */
export function perAxis(call: OperatorCall, name: string, axes: number, otherwise = 1): readonly number[] {
  const given = call.ints(name) ?? new Array<number>(axes).fill(otherwise);
  if (given.length === axes) return given;
  throw call.malformed(`${name} has ${given.length} elements, there are ${axes} spatial axes`);
}

/** Windows over two neighbouring axes; a single one (`first` is `last`) is the width of an image with one row. */
export function onImage({ kernel, stride, dilation, padding }: Windows, first: number, last: number): ImageWindows {
  const both = (values: readonly number[], neutral: number): Two =>
    first === last ? [neutral, values[first]] : [values[first], values[last]];
  const before = both(padding, 0);
  const behind = both(padding.slice(kernel.length), 0);
  return {
    kernel: both(kernel, 1),
    stride: both(stride, 1),
    dilation: both(dilation, 1),
    padding: [...before, ...behind],
  };
}

/** An image with one row for a signal: x [n, c, w] → [n, c, 1, w]. An image is as it is. */
export function asImage<T extends Tensor>(x: T): T {
  return (x.rank === 3 ? reshape(x, [x.shape[0], x.shape[1], 1, x.shape[2]]) : x) as T;
}

/** The reverse of {@link asImage}: y [n, c, 1, w] → [n, c, w] if x had three axes. */
export function likeInput<T extends Tensor>(y: T, x: Tensor): T {
  return (x.rank === 3 ? reshape(y, [y.shape[0], y.shape[1], y.shape[3]]) : y) as T;
}
