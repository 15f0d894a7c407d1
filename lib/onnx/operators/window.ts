import { samePadding } from '../../geometry.js';
import { reshape } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import type { AttributeRules, NodeFacts, OperatorCall } from '../operator.js';

/** Attributes of everything that slides a window over an image. */
export const WINDOW_ATTRIBUTES = {
  auto_pad: ['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'],
  kernel_shape: 'ints',
  pads: 'ints',
  strides: 'ints',
} as const satisfies AttributeRules;

/** Two sizes: of height and width. */
export type Two = [number, number];

/** Windows over height and width, whatever the number of axes in the model. */
export interface Windows {
  stride: Two;
  dilation: Two;
  padding: [top: number, left: number, bottom: number, right: number];
}

/** An image with one row for a signal: x [n, c, w] → [n, c, 1, w]. Others are as they are. */
export function asImage(call: OperatorCall, x: Tensor<'float32'>): Tensor<'float32'> {
  const problem = spatialProblem(x.rank - 2);
  if (problem) throw call.unsupported(problem);
  return x.rank === 3 ? reshape(x, [x.shape[0], x.shape[1], 1, x.shape[2]]) : x;
}

/** The reverse of {@link asImage}: y [n, c, 1, w] → [n, c, w] if x had three axes. */
export function likeInput<T extends Tensor>(y: T, x: Tensor): T {
  return (x.rank === 3 ? reshape(y, [y.shape[0], y.shape[1], y.shape[3]]) : y) as T;
}

/** Why a number of spatial axes is not supported, if it is not. */
export function spatialProblem(axes: number): string | undefined {
  return axes === 1 || axes === 2 ? undefined : `${axes} spatial axes; supported are 1 and 2`;
}

/** The number of spatial axes is also that of an attribute's elements, which is known without the input. */
export function kernelShapeProblem(facts: NodeFacts): string | undefined {
  const kernel = facts.ints('kernel_shape');
  return kernel && spatialProblem(kernel.length);
}

/** Reads strides, dilations and padding of a window `kernel` over `image` [n, c, h, w] of an input with `rank` axes. */
export function windowsOf(call: OperatorCall, image: Tensor, rank: number, kernel: Two): Windows {
  const axes = rank - 2;
  const stride = perAxis(call, 'strides', axes);
  const dilation = perAxis(call, 'dilations', axes);
  const auto = call.string('auto_pad', 'NOTSET');
  if (auto === 'VALID') return { stride, dilation, padding: [0, 0, 0, 0] };
  if (auto === 'NOTSET') return { stride, dilation, padding: explicitPads(call, axes) };
  const [top, bottom] = samePadding(image.shape[2], kernel[0], stride[0], dilation[0]);
  const [left, right] = samePadding(image.shape[3], kernel[1], stride[1], dilation[1]);
  // 'upper' puts the odd row or column at the end, 'lower' at the beginning.
  const padding: Windows['padding'] = auto === 'SAME_UPPER' ? [top, left, bottom, right] : [bottom, right, top, left];
  return { stride, dilation, padding };
}

/** [begin …, end …] of an attribute as top, left, bottom, right. */
export function explicitPads(call: OperatorCall, axes: number): Windows['padding'] {
  const pads = call.ints('pads') ?? new Array<number>(2 * axes).fill(0);
  if (pads.length !== 2 * axes) {
    throw call.malformed(`pads has ${pads.length} elements, ${axes} spatial axes take ${2 * axes}`);
  }
  return (axes === 1 ? [0, pads[0], 0, pads[1]] : [...pads]) as Windows['padding'];
}

/** An attribute of one number per spatial axis, as height and width. */
export function perAxis(call: OperatorCall, name: string, axes: number, otherwise = 1): Two {
  const given = call.ints(name) ?? new Array<number>(axes).fill(otherwise);
  if (given.length !== axes) {
    throw call.malformed(`${name} has ${given.length} elements, there are ${axes} spatial axes`);
  }
  return (axes === 1 ? [otherwise, given[0]] : [...given]) as Two;
}

/** The size of a pooling window, which only an attribute tells. */
export function kernelShape(call: OperatorCall, axes: number): Two {
  if (!call.ints('kernel_shape')) throw call.malformed('kernel_shape is missing');
  return perAxis(call, 'kernel_shape', axes);
}
