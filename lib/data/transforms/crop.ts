import { ArgumentError, check } from '../../errors.js';
import type { Generator } from '../../random.js';
import type { Tensor } from '../../tensor.js';
import {
  centerCrop,
  checkPaddingMode,
  cropped,
  type ImagePadding,
  type ImagePadOptions,
  type PaddingMode,
  pad,
  paddingOf,
} from './functional/crop.js';
import { bothOf, channelValues, imageOf, planesOf, type Size } from './functional/image.js';
import { checkInterpolation, type ImageResizeOptions, resizedCrop } from './functional/resize.js';
import { checkRange, PortableTransform, type Transform } from './transform.js';

type Image = Tensor<'float32'>;

/**
 * Cuts out the middle; see {@link centerCrop}.
 *
 * @throws ArgumentError for a size below 1
 * @example
 * new transforms.CenterCrop(2).apply(zeros([3, 5, 4])).shape; // [3, 2, 2]
 */
export class CenterCrop extends PortableTransform implements Transform {
  readonly size: readonly [number, number];

  constructor(size: Size) {
    super(size);
    this.size = bothOf('CenterCrop', 'size', size);
  }

  apply(image: Image): Image {
    return centerCrop(image, this.size);
  }
}

/**
 * Adds a border; see {@link pad}.
 *
 * @throws ArgumentError for a padding below 0 or another mode
 * @example
 * new transforms.Pad([1, 0]).apply(zeros([3, 5, 4])).shape; // [3, 5, 6]
 */
export class Pad extends PortableTransform implements Transform {
  readonly padding: ImagePadding;
  readonly options: ImagePadOptions;

  constructor(padding: ImagePadding, options: ImagePadOptions = {}) {
    super(padding, options);
    paddingOf('Pad', padding);
    checkPaddingMode('Pad', options.mode ?? 'constant');
    this.padding = padding;
    this.options = options;
  }

  apply(image: Image): Image {
    return pad(image, this.padding, this.options);
  }
}

/** Options of {@link RandomCrop}. */
export interface RandomCropOptions {
  /** Border that is added before. Default 0. */
  padding?: ImagePadding;
  /** Add as much border as an image smaller than the crop needs. Default false. */
  padIfNeeded?: boolean;
  /** Value of the border in mode 'constant', one for all channels or one for each. Default 0. */
  fill?: number | readonly number[];
  /** What the border is made of: 'constant' (default), 'edge', 'reflect' or 'symmetric'. */
  paddingMode?: PaddingMode;
}

/**
 * Cuts out a part of the given size at a random place.
 *
 * @throws ArgumentError for a size below 1, a padding below 0, another mode, and for an image that is too small
 * @example
 * new transforms.RandomCrop(32, { padding: 4 }).apply(zeros([3, 32, 32]), new Generator(1)).shape; // [3, 32, 32]
 */
export class RandomCrop extends PortableTransform implements Transform {
  readonly size: readonly [number, number];
  readonly #padding: readonly [number, number, number, number];
  readonly #options: Required<Omit<RandomCropOptions, 'padding'>>;

  constructor(size: Size, options: RandomCropOptions = {}) {
    super(size, options);
    const { padding = 0, padIfNeeded = false, fill = 0, paddingMode = 'constant' } = options;
    this.size = bothOf('RandomCrop', 'size', size);
    this.#padding = paddingOf('RandomCrop', padding);
    checkPaddingMode('RandomCrop', paddingMode);
    this.#options = { padIfNeeded, fill, paddingMode };
  }

  apply(image: Image, generator: Generator): Image {
    const planes = planesOf('RandomCrop', image);
    const { channels, h, w } = planes;
    const { padIfNeeded, fill, paddingMode } = this.#options;
    const [height, width] = this.size;
    let [left, top, right, bottom] = this.#padding;
    if (padIfNeeded) {
      const more = [Math.max(0, width - (left + w + right)), Math.max(0, height - (top + h + bottom))];
      [left, right, top, bottom] = [left + more[0], right + more[0], top + more[1], bottom + more[1]];
    }
    const [freeRows, freeColumns] = [top + h + bottom - height, left + w + right - width];
    check(
      freeRows >= 0 && freeColumns >= 0,
      'RandomCrop',
      () =>
        `${height}×${width} cannot be cut out of ${top + h + bottom}×${left + w + right}; give a padding or padIfNeeded`,
      ArgumentError,
    );
    const row = generator.integer(freeRows + 1);
    const column = generator.integer(freeColumns + 1);
    const hasBorder = left + top + right + bottom > 0;
    if (paddingMode === 'constant' || !hasBorder) {
      // the border need not exist: what lies outside of the image has its value
      const fills = channelValues('RandomCrop', 'fill', fill, channels);
      const part = cropped(planes, row - top, column - left, height, width, fills);
      return imageOf(part, channels, height, width);
    }
    const padded = planesOf('RandomCrop', pad(image, [left, top, right, bottom], { mode: paddingMode }));
    return imageOf(cropped(padded, row, column, height, width, null), channels, height, width);
  }
}

/** Options of {@link RandomResizedCrop}. */
export interface RandomResizedCropOptions extends Omit<ImageResizeOptions, 'maxSize'> {
  /** Least and greatest share of the image's area. Default [0.08, 1]. */
  scale?: readonly [number, number];
  /** Least and greatest width by height. Default [3/4, 4/3]. */
  ratio?: readonly [number, number];
}

/** Draws before the largest part in the middle is taken: proportions may not fit into a narrow image. */
const ATTEMPTS = 10;

/**
 * Cuts out a part of random area and proportions and resizes it, as networks for ImageNet are trained (Szegedy et al.,
 * "Going deeper with convolutions", 2015).
 *
 * @throws ArgumentError for a size below 1, ranges that are not in order, or another interpolation
 * @example
 * new transforms.RandomResizedCrop(8).apply(zeros([3, 20, 30]), new Generator(1)).shape; // [3, 8, 8]
 */
export class RandomResizedCrop extends PortableTransform implements Transform {
  readonly size: readonly [number, number];
  readonly scale: readonly [number, number];
  readonly ratio: readonly [number, number];
  readonly #options: Omit<ImageResizeOptions, 'maxSize'>;

  constructor(size: Size, options: RandomResizedCropOptions = {}) {
    super(size, options);
    const { scale = [0.08, 1], ratio = [3 / 4, 4 / 3], interpolation = 'bilinear', antialias = true } = options;
    this.size = bothOf('RandomResizedCrop', 'size', size);
    checkRange('RandomResizedCrop', 'scale', scale, 0);
    checkRange('RandomResizedCrop', 'ratio', ratio, Number.MIN_VALUE);
    checkInterpolation('RandomResizedCrop', interpolation);
    this.scale = scale;
    this.ratio = ratio;
    this.#options = { interpolation, antialias };
  }

  apply(image: Image, generator: Generator): Image {
    const { h, w } = planesOf('RandomResizedCrop', image);
    const [top, left, height, width] = this.#part(h, w, generator);
    return resizedCrop(image, top, left, height, width, this.size, this.#options);
  }

  #part(h: number, w: number, generator: Generator): readonly [number, number, number, number] {
    const [narrowest, widest] = this.ratio;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const area = h * w * generator.uniform(...this.scale);
      const ratio = Math.exp(generator.uniform(Math.log(narrowest), Math.log(widest)));
      const width = Math.round(Math.sqrt(area * ratio));
      const height = Math.round(Math.sqrt(area / ratio));
      if (width < 1 || height < 1 || width > w || height > h) continue;
      return [generator.integer(h - height + 1), generator.integer(w - width + 1), height, width];
    }
    const fitting = Math.min(widest, Math.max(narrowest, w / h));
    const width = Math.max(1, Math.min(w, Math.round(h * fitting)));
    const height = Math.max(1, Math.min(h, Math.round(w / fitting)));
    return [(h - height) >> 1, (w - width) >> 1, height, width];
  }
}
