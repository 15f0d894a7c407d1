import { ArgumentError, check, DTypeError } from '../../../errors.js';
import { formatShape } from '../../../shape.js';
import { Tensor } from '../../../tensor.js';

/** An image as the loops of this folder see it. */
export interface Planes {
  readonly values: Float32Array;
  readonly channels: number;
  readonly h: number;
  readonly w: number;
}

/** One number for both, or height and width. */
export type Size = number | readonly [height: number, width: number];

/** The elements of an image [channels, h, w] of float32, which must not be written to. */
export function planesOf(operation: string, image: Tensor): Planes {
  check(
    image.dtype === 'float32',
    operation,
    () => `an image must be float32, got ${image.dtype}; ConvertImageDtype makes it so`,
    DTypeError,
  );
  check(
    image.rank === 3 && image.size > 0,
    operation,
    () => `an image must be [channels, h, w] and not empty, got ${formatShape(image.shape)}`,
  );
  const [channels, h, w] = image.shape;
  return { values: image.storage.values as Float32Array, channels, h, w };
}

/** The image of these elements, which it takes over. */
export function imageOf(values: Float32Array, channels: number, h: number, w: number): Tensor<'float32'> {
  return new Tensor('float32', values, [channels, h, w]);
}

/** Height and width of a size, each an integer of at least `least`. */
export function bothOf(operation: string, name: string, size: Size, least = 1): readonly [number, number] {
  const both = typeof size === 'number' ? ([size, size] as const) : size;
  check(
    Array.isArray(both) && both.length === 2 && both.every((extent) => Number.isInteger(extent) && extent >= least),
    operation,
    () => `${name} must be an integer of at least ${least}, or two of them, got ${JSON.stringify(size)}`,
    ArgumentError,
  );
  return both;
}

/** The value of every channel, of one for all or one for each. */
export function channelValues(
  operation: string,
  name: string,
  given: number | readonly number[],
  channels: number,
): readonly number[] {
  const list = typeof given === 'number' ? new Array<number>(channels).fill(given) : given;
  check(
    Array.isArray(list) && list.every((value) => typeof value === 'number' && Number.isFinite(value)),
    operation,
    () => `${name} must be a number, or one for each channel, got ${JSON.stringify(given)}`,
    ArgumentError,
  );
  if (list.length === 1 && channels > 1) return new Array<number>(channels).fill(list[0]);
  check(
    list.length === channels,
    operation,
    () => `${name} has ${list.length} values, the image has ${channels} channels`,
    ArgumentError,
  );
  return list;
}

/** Rounds to the nearest integer, halves to the even one, as Python does. */
export function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
