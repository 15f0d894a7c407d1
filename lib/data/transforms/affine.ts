import { ArgumentError, check } from '../../errors.js';
import type { Generator } from '../../random.js';
import type { Tensor } from '../../tensor.js';
import { affine, type RotateOptions, rotate, type WarpOptions } from './functional/affine.js';
import { planesOf } from './functional/image.js';
import { checkInterpolation } from './functional/resize.js';
import { checkRange, PortableTransform, type Transform } from './transform.js';

type Image = Tensor<'float32'>;
type Range = readonly [number, number];

/** A range, of which one number stands for −number … number. */
function symmetric(operation: string, name: string, given: number | Range): Range {
  check(
    typeof given !== 'number' || given >= 0,
    operation,
    () => `${name} of one number must be at least 0, got ${given}`,
    ArgumentError,
  );
  const range = typeof given === 'number' ? ([-given, given] as const) : given;
  checkRange(operation, name, range);
  return range;
}

/**
 * Rotates by a random angle in [−degrees, degrees], or in the range given; see {@link rotate}.
 *
 * @throws ArgumentError for degrees below 0, ranges that are not in order, or other options than these
 * @example
 * new transforms.RandomRotation(10).apply(zeros([3, 8, 8]), new Generator(1)).shape; // [3, 8, 8]
 */
export class RandomRotation extends PortableTransform implements Transform {
  readonly degrees: Range;
  readonly options: RotateOptions;

  constructor(degrees: number | Range, options: RotateOptions = {}) {
    super(degrees, options);
    this.degrees = symmetric('RandomRotation', 'degrees', degrees);
    checkInterpolation('RandomRotation', options.interpolation ?? 'nearest', ['nearest', 'bilinear']);
    this.options = { fill: 0, ...options };
  }

  apply(image: Image, generator: Generator): Image {
    return rotate(image, generator.uniform(...this.degrees), this.options);
  }
}

/** Options of {@link RandomAffine}. */
export interface RandomAffineOptions extends WarpOptions {
  /** Largest movement along x and y, as shares of width and height in 0 … 1. Default: none. */
  translate?: Range;
  /** Least and greatest factor. Default: none. */
  scale?: Range;
  /**
   * Degrees of shear along x: one number s for −s … s, or two for a range; four for ranges along x and along y. Default:
   * none.
   */
  shear?: number | Range | readonly [number, number, number, number];
}

/**
 * Rotates by a random angle in [−degrees, degrees] or in the range given, moves, scales and shears; see {@link affine}.
 *
 * @throws ArgumentError for degrees below 0, ranges that are not in order, translate outside [0, 1], a scale of 0, or other
 *   options than these
 * @example
 * const move = new transforms.RandomAffine(0, { translate: [0.25, 0] });
 * move.apply(zeros([1, 8, 8]), new Generator(1)).shape; // [1, 8, 8]
 */
export class RandomAffine extends PortableTransform implements Transform {
  readonly degrees: Range;
  readonly translate: Range;
  readonly scale: Range;
  readonly #shear: readonly [x: Range, y: Range];
  readonly #options: WarpOptions;

  constructor(degrees: number | Range, options: RandomAffineOptions = {}) {
    super(degrees, options);
    const { translate = [0, 0], scale = [1, 1], shear = 0, ...warp } = options;
    this.degrees = symmetric('RandomAffine', 'degrees', degrees);
    check(
      Array.isArray(translate) && translate.length === 2 && translate.every((share) => share >= 0 && share <= 1),
      'RandomAffine',
      () => `translate must be two numbers in [0, 1], got ${JSON.stringify(translate)}`,
      ArgumentError,
    );
    checkRange('RandomAffine', 'scale', scale, Number.MIN_VALUE);
    const isFour = Array.isArray(shear) && shear.length === 4;
    this.#shear = isFour
      ? [
          symmetric('RandomAffine', 'shear', [shear[0], shear[1]]),
          symmetric('RandomAffine', 'shear', [shear[2], shear[3]]),
        ]
      : [symmetric('RandomAffine', 'shear', shear as number | Range), [0, 0]];
    checkInterpolation('RandomAffine', warp.interpolation ?? 'nearest', ['nearest', 'bilinear']);
    this.translate = translate;
    this.scale = scale;
    this.#options = { fill: 0, ...warp };
  }

  apply(image: Image, generator: Generator): Image {
    const { h, w } = planesOf('RandomAffine', image);
    const [mostX, mostY] = [this.translate[0] * w, this.translate[1] * h];
    return affine(
      image,
      {
        angle: generator.uniform(...this.degrees),
        // whole pixels, as torchvision moves
        translate: [Math.round(generator.uniform(-mostX, mostX)), Math.round(generator.uniform(-mostY, mostY))],
        scale: generator.uniform(...this.scale),
        shear: [generator.uniform(...this.#shear[0]), generator.uniform(...this.#shear[1])],
      },
      this.#options,
    );
  }
}
