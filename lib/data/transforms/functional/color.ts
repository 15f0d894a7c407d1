import { ArgumentError, check } from '../../../errors.js';
import type { Tensor } from '../../../tensor.js';
import { imageOf, type Planes, planesOf } from './image.js';

/** Shares of red, green and blue in the luminance, ITU-R BT.601 as torchvision rounds them. */
const [RED, GREEN, BLUE] = [0.2989, 0.587, 0.114];

function colorPlanes(operation: string, image: Tensor): Planes {
  const planes = planesOf(operation, image);
  check(
    planes.channels === 1 || planes.channels === 3,
    operation,
    () => `the image must have 1 or 3 channels, got ${planes.channels}`,
  );
  return planes;
}

function checkFactor(operation: string, factor: number): void {
  check(
    Number.isFinite(factor) && factor >= 0,
    operation,
    () => `factor must be at least 0, got ${factor}`,
    ArgumentError,
  );
}

const clamp = (value: number) => (value < 0 ? 0 : value > 1 ? 1 : value);

/**
 * An image [1 or 3, h, w] in 0 … 1, darker or brighter: every value times `factor`, clipped (torchvision's
 * `adjust_brightness`).
 *
 * @throws ArgumentError for a factor below 0; ShapeError and DTypeError for a tensor that is no image
 * @example
 * transforms.functional.adjustBrightness(tensor([[[0.25, 0.75]]]), 2).toArray(); // [[[0.5, 1]]]
 */
export function adjustBrightness(image: Tensor, factor: number): Tensor<'float32'> {
  const { values, channels, h, w } = colorPlanes('adjustBrightness', image);
  checkFactor('adjustBrightness', factor);
  const result = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = clamp(factor * values[i]);
  return imageOf(result, channels, h, w);
}

/**
 * An image [1 or 3, h, w] in 0 … 1 with less or more contrast: the distance of every value from the mean luminance times
 * `factor`, clipped (torchvision's `adjust_contrast`).
 *
 * @throws ArgumentError for a factor below 0; ShapeError and DTypeError for a tensor that is no image
 * @example
 * transforms.functional.adjustContrast(tensor([[[0.25, 0.75]]]), 0).toArray(); // [[[0.5, 0.5]]]
 */
export function adjustContrast(image: Tensor, factor: number): Tensor<'float32'> {
  const planes = colorPlanes('adjustContrast', image);
  checkFactor('adjustContrast', factor);
  const { values, channels, h, w } = planes;
  const gray = channels === 1 ? values : luminance(planes);
  let total = 0;
  for (let i = 0; i < gray.length; i++) total += gray[i];
  const offset = (1 - factor) * (total / gray.length);
  const result = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = clamp(factor * values[i] + offset);
  return imageOf(result, channels, h, w);
}

/**
 * An image [3, h, w] in 0 … 1 with duller or stronger colours: the distance of every value from the luminance of its pixel
 * times `factor`, clipped; gray images stay as they are (torchvision's `adjust_saturation`).
 *
 * @throws ArgumentError for a factor below 0; ShapeError and DTypeError for a tensor that is no image
 * @example
 * transforms.functional.adjustSaturation(tensor([[[0.5]], [[0.5]], [[0.5]]]), 2).shape; // [3, 1, 1]
 */
export function adjustSaturation(image: Tensor, factor: number): Tensor<'float32'> {
  const planes = colorPlanes('adjustSaturation', image);
  checkFactor('adjustSaturation', factor);
  const { values, channels, h, w } = planes;
  if (channels === 1) return imageOf(values.slice(), channels, h, w);
  const gray = luminance(planes);
  const plane = h * w;
  const result = new Float32Array(values.length);
  for (let i = 0; i < plane; i++) {
    const offset = (1 - factor) * gray[i];
    for (let at = i; at < 3 * plane; at += plane) result[at] = clamp(factor * values[at] + offset);
  }
  return imageOf(result, channels, h, w);
}

/**
 * An image [3, h, w] in 0 … 1 with every hue turned by `factor` of the colour circle, −0.5 … 0.5; gray images stay as they
 * are (torchvision's `adjust_hue`).
 *
 * @throws ArgumentError for a factor outside [−0.5, 0.5]; ShapeError and DTypeError for a tensor that is no image
 * @example
 * transforms.functional.adjustHue(tensor([[[1]], [[0]], [[0]]]), 0.5).toArray(); // [[[0]], [[1]], [[1]]]
 */
export function adjustHue(image: Tensor, factor: number): Tensor<'float32'> {
  const { values, channels, h, w } = colorPlanes('adjustHue', image);
  check(
    factor >= -0.5 && factor <= 0.5,
    'adjustHue',
    () => `factor must be in [−0.5, 0.5], got ${factor}`,
    ArgumentError,
  );
  const result = values.slice();
  if (channels === 1) return imageOf(result, channels, h, w);
  const plane = h * w;
  for (let i = 0; i < plane; i++) {
    const [r, g, b] = [values[i], values[plane + i], values[2 * plane + i]];
    const most = Math.max(r, g, b);
    const range = most - Math.min(r, g, b);
    if (range === 0) continue; // gray has no hue
    const sixths = most === r ? (g - b) / range : most === g ? 2 + (b - r) / range : 4 + (r - g) / range;
    const hue = (((sixths / 6 + factor) % 1) + 1) % 1;
    result[i] = component(5, hue, most, range);
    result[plane + i] = component(3, hue, most, range);
    result[2 * plane + i] = component(1, hue, most, range);
  }
  return imageOf(result, channels, h, w);
}

/** Red, green or blue (offset 5, 3, 1) of a colour of the HSV cone: the value less what its hue takes away. */
function component(offset: number, hue: number, value: number, range: number): number {
  const k = (offset + 6 * hue) % 6;
  return clamp(value - range * clamp(Math.min(k, 4 - k)));
}

/**
 * The luminance of an image [3, h, w], 0.2989 R + 0.587 G + 0.114 B, in 1 (default) or 3 equal channels (torchvision's
 * `rgb_to_grayscale`).
 *
 * @throws ArgumentError for another number of channels; ShapeError and DTypeError for a tensor that is no image
 * @example
 * transforms.functional.rgbToGrayscale(tensor([[[0]], [[0]], [[0]]]), 3).shape; // [3, 1, 1]
 */
export function rgbToGrayscale(image: Tensor, numOutputChannels: 1 | 3 = 1): Tensor<'float32'> {
  const planes = colorPlanes('rgbToGrayscale', image);
  check(
    numOutputChannels === 1 || numOutputChannels === 3,
    'rgbToGrayscale',
    () => `numOutputChannels must be 1 or 3, got ${numOutputChannels}`,
    ArgumentError,
  );
  const { values, channels, h, w } = planes;
  const gray = channels === 1 ? values : luminance(planes);
  const result = new Float32Array(numOutputChannels * h * w);
  for (let c = 0; c < numOutputChannels; c++) result.set(gray, c * h * w);
  return imageOf(result, numOutputChannels, h, w);
}

function luminance({ values, h, w }: Planes): Float32Array {
  const plane = h * w;
  const gray = new Float32Array(plane);
  for (let i = 0; i < plane; i++) {
    gray[i] = RED * values[i] + GREEN * values[plane + i] + BLUE * values[2 * plane + i];
  }
  return gray;
}
