import { ArgumentError, check } from '../../errors.js';
import type { Generator } from '../../random.js';
import type { Tensor } from '../../tensor.js';
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation, rgbToGrayscale } from './functional/color.js';
import { normalize } from './functional/normalize.js';
import { checkRange, PortableTransform, type Transform } from './transform.js';

type Image = Tensor<'float32'>;
type Range = readonly [number, number];

/** Options of {@link ColorJitter}; each is a number, or the range of factors. */
export interface ColorJitterOptions {
  /** v: factors from max(0, 1 − v) to 1 + v. Default 0, no change. */
  brightness?: number | Range;
  /** As `brightness`. */
  contrast?: number | Range;
  /** As `brightness`. */
  saturation?: number | Range;
  /** v in 0 … 0.5: turns of the colour circle from −v to v. Default 0, no change. */
  hue?: number | Range;
}

/**
 * Changes brightness, contrast, saturation and hue of an image [1 or 3, h, w] in 0 … 1 by random factors, in random order.
 *
 * @throws ArgumentError for factors below 0 and hues outside [−0.5, 0.5]
 * @example
 * const jitter = new transforms.ColorJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 });
 * jitter.apply(full([3, 2, 2], 0.5), new Generator(1)).shape; // [3, 2, 2]
 */
export class ColorJitter extends PortableTransform implements Transform {
  readonly #changes: readonly { change: (image: Image, factor: number) => Image; range: Range | null }[];

  constructor(options: ColorJitterOptions = {}) {
    super(options);
    const { brightness = 0, contrast = 0, saturation = 0, hue = 0 } = options;
    this.#changes = [
      { change: adjustBrightness, range: factors('brightness', brightness) },
      { change: adjustContrast, range: factors('contrast', contrast) },
      { change: adjustSaturation, range: factors('saturation', saturation) },
      { change: adjustHue, range: turns(hue) },
    ];
  }

  apply(image: Image, generator: Generator): Image {
    let result = image;
    for (const which of generator.permutation(this.#changes.length)) {
      const { change, range } = this.#changes[which];
      if (range) result = change(result, generator.uniform(...range));
    }
    return result;
  }
}

/** The range of factors, or null where it holds 1 alone. */
function factors(name: string, given: number | Range): Range | null {
  check(
    typeof given !== 'number' || given >= 0,
    'ColorJitter',
    () => `${name} must be at least 0, got ${given}`,
    ArgumentError,
  );
  const range = typeof given === 'number' ? ([Math.max(0, 1 - given), 1 + given] as const) : given;
  checkRange('ColorJitter', name, range, 0);
  return range[0] === 1 && range[1] === 1 ? null : range;
}

function turns(given: number | Range): Range | null {
  const range = typeof given === 'number' ? ([-given, given] as const) : given;
  checkRange('ColorJitter', 'hue', range);
  check(
    range[0] >= -0.5 && range[1] <= 0.5,
    'ColorJitter',
    () => `hue must lie in [−0.5, 0.5], got ${JSON.stringify(given)}`,
    ArgumentError,
  );
  return range[0] === 0 && range[1] === 0 ? null : range;
}

/**
 * Makes gray images of one channel (default) or three equal ones; see {@link rgbToGrayscale}.
 *
 * @throws ArgumentError for another number of channels
 * @example
 * new transforms.Grayscale().apply(zeros([3, 2, 2])).shape; // [1, 2, 2]
 */
export class Grayscale extends PortableTransform implements Transform {
  readonly numOutputChannels: 1 | 3;

  constructor(numOutputChannels: 1 | 3 = 1) {
    super(numOutputChannels);
    check(
      numOutputChannels === 1 || numOutputChannels === 3,
      'Grayscale',
      () => `numOutputChannels must be 1 or 3, got ${numOutputChannels}`,
      ArgumentError,
    );
    this.numOutputChannels = numOutputChannels;
  }

  apply(image: Image): Image {
    return rgbToGrayscale(image, this.numOutputChannels);
  }
}

/**
 * (image − mean) / std by channel; see {@link normalize}.
 *
 * @throws ArgumentError for a std of 0, and for an image with another number of channels
 * @example
 * new transforms.Normalize([0.5], [0.25]).apply(tensor([[[1]]])).toArray(); // [[[2]]]
 */
export class Normalize extends PortableTransform implements Transform {
  readonly mean: number | readonly number[];
  readonly std: number | readonly number[];

  constructor(mean: number | readonly number[], std: number | readonly number[]) {
    super(mean, std);
    const numbers = [mean, std].flat();
    check(
      numbers.every((value) => Number.isFinite(value)) && ![std].flat().includes(0),
      'Normalize',
      () => `mean must be finite and std not 0, got ${JSON.stringify(mean)} and ${JSON.stringify(std)}`,
      ArgumentError,
    );
    this.mean = mean;
    this.std = std;
  }

  apply(image: Image): Image {
    return normalize(image, this.mean, this.std);
  }
}
