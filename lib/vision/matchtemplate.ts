import { checkFloat, type FloatDType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { conv2d } from '../ops/conv2d.js';
import { empty, floats } from '../ops/op.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';

export const MATCH_METHODS = ['crossCorrelation', 'zeroMeanNormalized'] as const;
export type MatchMethod = (typeof MATCH_METHODS)[number];

/** Options of {@link matchTemplate}. */
export interface MatchOptions {
  /**
   * 'zeroMeanNormalized' (default): the correlation coefficient of window and template, −1..1, which brightness and
   * contrast do not change. 'crossCorrelation': the plain sum of products, for which bright windows score high.
   */
  method?: MatchMethod;
}

/**
 * Windows whose standard deviation is below this part of the scene's largest value count as flat: what varies less is
 * rounding, as float32 sums carry errors of 6e-8 of their terms and more.
 */
const FLAT = 1e-5;

/**
 * Slides a template over a scene and tells for each position how well the two agree: a map of where the object is.
 *
 * scene [c, h, w], template [c, th, tw] (or [h, w] and [th, tw]) → map [h − th + 1, w − tw + 1]; map(i, j) belongs to
 * the window whose top left corner is (i, j). For s the window and t the template:
 *
 * crossCorrelation: Σ s·t.
 * zeroMeanNormalized: Σ (s − s̄)(t − t̄) / √(Σ (s − s̄)² · Σ (t − t̄)²), means taken of each channel, sums over all.
 * A flat window, where this is 0/0, scores 0.
 *
 * @throws ShapeError when channels differ or the template is larger than the scene; DTypeError unless both are of one
 *   floating type; ArgumentError for another method, or a flat template with the normalised one
 * @example
 * const map = matchTemplate(scene, face);
 * const [best] = findPeaks(map); // { row, column, score } of the window's top left corner
 */
export function matchTemplate<D extends FloatDType>(
  scene: Tensor<D>,
  template: Tensor<D>,
  options: MatchOptions = {},
): Tensor<D> {
  const { method = 'zeroMeanNormalized' } = options;
  checkFloat('matchTemplate', scene, template);
  check(
    MATCH_METHODS.includes(method),
    'matchTemplate',
    () => `method must be one of ${MATCH_METHODS.join(', ')}, got ${JSON.stringify(method)}`,
    ArgumentError,
  );
  const [c, h, w] = planes('scene', scene);
  const [tc, th, tw] = planes('template', template);
  check(
    scene.rank === template.rank && c === tc,
    'matchTemplate',
    () =>
      `scene and template must have the same channels, got ${formatShape(scene.shape)} and ${formatShape(template.shape)}`,
  );
  check(th <= h && tw <= w, 'matchTemplate', () => `a template of ${th}×${tw} does not fit into a scene of ${h}×${w}`);
  const [map, weight] = [scene.detach().reshape([1, c, h, w]), template.detach().reshape([1, c, th, tw])];
  if (method === 'crossCorrelation') return conv2d(map, weight).reshape([h - th + 1, w - tw + 1]);
  return zeroMeanNormalized(map, weight);
}

function planes(what: string, { rank, shape, size }: Tensor): readonly number[] {
  check(
    (rank === 2 || rank === 3) && size > 0,
    'matchTemplate',
    () => `${what} must be [c, h, w] or [h, w] with at least one pixel, got ${formatShape(shape)}`,
  );
  return rank === 2 ? [1, ...shape] : shape;
}

function zeroMeanNormalized<D extends FloatDType>(scene: Tensor<D>, template: Tensor<D>): Tensor<D> {
  const [, c, h, w] = scene.shape;
  const [, , th, tw] = template.shape;
  const flatScene = flatEnergy('scene', scene, template.size);
  const flatTemplate = flatEnergy('template', template, template.size);
  const [s, t] = [centred(scene), centred(template)];
  const templateEnergy = floats(t).reduce((sum, value) => sum + value * value, 0);
  check(
    templateEnergy > flatTemplate,
    'matchTemplate',
    () => "the template is flat, nothing correlates with it; use method 'crossCorrelation'",
    ArgumentError,
  );
  // Σ (t − t̄) = 0, so the window's mean drops out of the numerator: Σ (s − s̄)(t − t̄) = Σ s·(t − t̄). The scene's own
  // mean is taken off before all the same, as large equal terms would cancel at the cost of digits.
  const numerator = conv2d(s, t);
  const energies = windowEnergies(floats(s), c, h, w, th, tw);
  const map = empty(scene.dtype, [h - th + 1, w - tw + 1]);
  const [from, to] = [floats(numerator), floats(map)];
  for (let i = 0; i < to.length; i++) {
    const score = energies[i] > flatScene ? from[i] / Math.sqrt(energies[i] * templateEnergy) : 0;
    to[i] = Math.min(1, Math.max(-1, score));
  }
  return map;
}

/** Energy Σ (x − x̄)² up to which `count` values of x count as flat. */
function flatEnergy(what: string, x: Tensor, count: number): number {
  const peak = floats(x).reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  check(
    Number.isFinite(peak),
    'matchTemplate',
    () => `the ${what} holds a value that is not a finite number`,
    ArgumentError,
  );
  return (FLAT * peak) ** 2 * count;
}

/**
 * x [1, c, h, w] less the mean of each channel. The mean is a float64: one rounded to float32 would be off by the same
 * amount for every pixel, which adds up over a window.
 */
function centred<D extends FloatDType>(x: Tensor<D>): Tensor<D> {
  const y = empty(x.dtype, x.shape);
  const [from, to] = [floats(x), floats(y)];
  const size = x.shape[2] * x.shape[3];
  for (let begin = 0; begin < x.size; begin += size) {
    let sum = 0;
    for (let i = begin; i < begin + size; i++) sum += from[i];
    for (let i = begin; i < begin + size; i++) to[i] = from[i] - sum / size;
  }
  return y;
}

/**
 * Σ (s − s̄)² of every window, summed over channels: Σ s² − (Σ s)² / (th·tw) from sliding sums, in float64 throughout and
 * on a scene without its mean, so that what cancels is small against the 16 digits.
 */
function windowEnergies(scene: Float32Array, c: number, h: number, w: number, th: number, tw: number): Float64Array {
  const energies = new Float64Array((h - th + 1) * (w - tw + 1));
  for (let channel = 0; channel < c; channel++) {
    const plane = Float64Array.from(scene.subarray(channel * h * w, (channel + 1) * h * w));
    const sums = windowSums(plane, h, w, th, tw);
    const squares = windowSums(
      plane.map((value) => value * value),
      h,
      w,
      th,
      tw,
    );
    for (let i = 0; i < energies.length; i++) energies[i] += squares[i] - sums[i] ** 2 / (th * tw);
  }
  return energies;
}

function windowSums(plane: Float64Array, h: number, w: number, th: number, tw: number): Float64Array {
  const ow = w - tw + 1;
  return slidingSums(slidingSums(plane, h, w, 1, tw), 1, h, ow, th);
}

/**
 * Sums of `window` neighbours along the middle axis of [outer, size, inner] → [outer, size − window + 1, inner], each as
 * the difference of two running sums. These start anew in every line, which keeps them and their rounding small.
 */
function slidingSums(x: Float64Array, outer: number, size: number, inner: number, window: number): Float64Array {
  const windows = size - window + 1;
  const y = new Float64Array(outer * windows * inner);
  const running = new Float64Array(size + 1);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      for (let k = 0; k < size; k++) running[k + 1] = running[k] + x[(o * size + k) * inner + i];
      for (let k = 0; k < windows; k++) y[(o * windows + k) * inner + i] = running[k + window] - running[k];
    }
  }
  return y;
}
