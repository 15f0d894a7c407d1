import { checkFloat } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { floats } from '../ops/op.js';
import { formatShape } from '../shape.js';
import { Tensor } from '../tensor.js';

/** Red, green and blue, each in 0..1. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** An ordered range of colours for numbers. */
export interface Colormap {
  /** Evenly spaced colours from the lowest value to the highest. */
  readonly colors: readonly Rgb[];
  /** Whether the middle stands for 0, so that a range of values is widened to be symmetric about it. */
  readonly diverging: boolean;
}

/** A colour as lightness 0..1, chroma and hue in degrees, in a space where equal steps look equal. */
type Anchor = readonly [lightness: number, chroma: number, hue: number];

const STEPS = 256;

/**
 * Colormaps by name.
 *
 * sequential, from dark violet over teal to yellow, and heat, from black over red to pale yellow, are for quantities;
 * diverging, from blue over near-white to red, is for signed values; gray shows values in 0..1 as a
 * picture holds them. Lightness rises evenly along sequential and heat and falls to both sides of the middle of
 * diverging, so that order can be seen in print and by people who do not tell all colours apart.
 */
export const colormaps = {
  gray: { colors: Array.from({ length: STEPS }, (_, i): Rgb => [i / 255, i / 255, i / 255]), diverging: false },
  sequential: colormap(
    false,
    [0.25, 0.12, 300],
    [0.42, 0.11, 265],
    [0.59, 0.1, 215],
    [0.76, 0.16, 145],
    [0.93, 0.18, 105],
  ),
  heat: colormap(false, [0.08, 0.02, 290], [0.3, 0.14, 305], [0.52, 0.2, 15], [0.74, 0.17, 55], [0.96, 0.09, 100]),
  diverging: colormap(true, [0.38, 0.14, 262], [0.68, 0.12, 245], [0.97, 0.005, 0], [0.68, 0.15, 35], [0.38, 0.15, 25]),
} satisfies Record<string, Colormap>;

export type ColormapName = keyof typeof colormaps;

/**
 * Anchors are joined by a Catmull-Rom spline in Oklab: smooth, so that no band shows where there is no step in the data,
 * and exactly linear in lightness where the anchors are.
 */
function colormap(diverging: boolean, ...anchors: Anchor[]): Colormap {
  const points = anchors.map(([lightness, chroma, hue]): Rgb => {
    const angle = (hue * Math.PI) / 180;
    return [lightness, chroma * Math.cos(angle), chroma * Math.sin(angle)];
  });
  const last = points.length - 1;
  const beyond = (end: Rgb, inner: Rgb) => end.map((v, k) => 2 * v - inner[k]) as unknown as Rgb;
  const at = [beyond(points[0], points[1]), ...points, beyond(points[last], points[last - 1])];
  const colors = Array.from({ length: STEPS }, (_, i) => {
    const position = (i / (STEPS - 1)) * last;
    const left = Math.min(last - 1, Math.floor(position));
    const t = position - left;
    return toRgb([0, 1, 2].map((k) => spline(at[left][k], at[left + 1][k], at[left + 2][k], at[left + 3][k], t)));
  });
  return { colors, diverging };
}

/** Catmull-Rom: from b at t = 0 to c at t = 1, with the slopes of the chords a–c and b–d. */
function spline(a: number, b: number, c: number, d: number, t: number): number {
  const [slopeB, slopeC] = [(c - a) / 2, (d - b) / 2];
  return b + t * (slopeB + t * (3 * (c - b) - 2 * slopeB - slopeC + t * (2 * (b - c) + slopeB + slopeC)));
}

/** Oklab to sRGB, clipped to what a screen can show (Björn Ottosson, https://bottosson.github.io/posts/oklab/). */
function toRgb([lightness, a, b]: readonly number[]): Rgb {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return linear.map((value) => {
    const clipped = Math.min(1, Math.max(0, value));
    return clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055;
  }) as unknown as Rgb;
}

/** The lowest and the highest value that a colormap shows apart. */
export type ValueRange = readonly [low: number, high: number];

/** Options of {@link applyColormap}. */
export interface ColormapOptions {
  /** Name of one of {@link colormaps}, or one of your own. Default 'sequential'. */
  colormap?: ColormapName | Colormap;
  /** Values of the first and the last colour. Default: the least and the greatest value there is. */
  range?: ValueRange;
}

/**
 * Numbers to colours: x [h, w] or [1, h, w] → picture [3, h, w]. Values outside the range take its nearest colour, NaN
 * the first. A diverging map widens the range so that 0 gets the middle colour.
 *
 * @throws ShapeError for another rank; ArgumentError for an unknown colormap or a range that is no pair low ≤ high
 * @example
 * applyColormap(tensor([[-1, 0, 2]]), { colormap: 'diverging' }).shape; // [3, 1, 3]
 */
export function applyColormap(x: Tensor, options: ColormapOptions = {}): Tensor<'float32'> {
  checkFloat('applyColormap', x);
  check(
    x.rank === 2 || (x.rank === 3 && x.shape[0] === 1),
    'applyColormap',
    () => `x must be [h, w] or [1, h, w], got ${formatShape(x.shape)}`,
  );
  const map = resolveColormap('applyColormap', options.colormap ?? 'sequential');
  const range = resolveRange('applyColormap', options.range ?? extent([x]), map);
  const values = floats(x);
  const picture = new Float32Array(3 * values.length);
  for (let i = 0; i < values.length; i++) {
    const color = colorAt(map, range, values[i]);
    for (let k = 0; k < 3; k++) picture[k * values.length + i] = color[k];
  }
  return new Tensor('float32', picture, [3, ...x.shape.slice(-2)]);
}

/** The colour of a value. In a range of no width everything takes the middle colour. */
export function colorAt({ colors }: Colormap, [low, high]: ValueRange, value: number): Rgb {
  const position = high > low ? (value - low) / (high - low) : 0.5;
  const index = Math.round(Math.min(1, Math.max(0, position)) * (colors.length - 1));
  return colors[index] ?? colors[0];
}

/** Least and greatest finite value of all tensors; [0, 0] when there is none. */
export function extent(tensors: readonly Tensor[]): ValueRange {
  let [low, high] = [Infinity, -Infinity];
  for (const x of tensors) {
    for (const value of floats(x)) {
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : [0, 0];
}

export function resolveColormap(operation: string, map: ColormapName | Colormap): Colormap {
  const named = typeof map === 'string' && Object.hasOwn(colormaps, map) ? colormaps[map] : map;
  check(
    typeof named === 'object' && named !== null && Array.isArray(named.colors) && named.colors.length > 0,
    operation,
    () =>
      `colormap must be one of ${Object.keys(colormaps).join(', ')} or { colors, diverging }, got ${JSON.stringify(map)}`,
    ArgumentError,
  );
  return named as Colormap;
}

/** Checks a range and makes it symmetric for a diverging colormap. */
export function resolveRange(operation: string, range: ValueRange, { diverging }: Colormap): ValueRange {
  check(
    Array.isArray(range) && range.length === 2 && range.every(Number.isFinite) && range[0] <= range[1],
    operation,
    () => `range must be [low, high], finite numbers with low ≤ high, got ${JSON.stringify(range)}`,
    ArgumentError,
  );
  const reach = Math.max(Math.abs(range[0]), Math.abs(range[1]));
  return diverging ? [-reach, reach] : range;
}
