import { ArgumentError, check } from '../../errors.js';
import type { Generator } from '../../random.js';
import { Tensor } from '../../tensor.js';
import { erase } from './functional/erase.js';
import { planesOf } from './functional/image.js';
import { checkProbability, checkRange, PortableTransform, type Transform } from './transform.js';

/** Options of {@link RandomErasing}. */
export interface RandomErasingOptions {
  /** Probability that anything is erased. Default 0.5. */
  p?: number;
  /** Least and greatest share of the image's area, in 0 … 1. Default [0.02, 0.33]. */
  scale?: readonly [number, number];
  /** Least and greatest height by width. Default [0.3, 3.3]. */
  ratio?: readonly [number, number];
  /** What is written: a number (default 0), one for each channel, or 'random' for normally distributed pixels. */
  value?: number | readonly number[] | 'random';
}

/** Draws before the image is left as it is: a rectangle may not fit. */
const ATTEMPTS = 10;

/**
 * Overwrites a random rectangle (Zhong et al., "Random erasing data augmentation", 2017); it belongs after Normalize.
 *
 * @throws ArgumentError for p or scale outside [0, 1] and ranges that are not in order
 * @example
 * const erased = new transforms.RandomErasing({ p: 1, value: 9 }).apply(zeros([1, 8, 8]), new Generator(1));
 * erased.max().item(); // 9
 */
export class RandomErasing extends PortableTransform implements Transform {
  readonly p: number;
  readonly scale: readonly [number, number];
  readonly ratio: readonly [number, number];
  readonly value: number | readonly number[] | 'random';

  constructor(options: RandomErasingOptions = {}) {
    super(options);
    const { p = 0.5, scale = [0.02, 0.33], ratio = [0.3, 3.3], value = 0 } = options;
    checkProbability('RandomErasing', p);
    checkRange('RandomErasing', 'scale', scale, 0);
    checkRange('RandomErasing', 'ratio', ratio, Number.MIN_VALUE);
    check(scale[1] <= 1, 'RandomErasing', () => `scale must lie in [0, 1], got [${scale.join(', ')}]`, ArgumentError);
    check(
      value === 'random' || [value].flat().every((each) => Number.isFinite(each)),
      'RandomErasing',
      () => `value must be a number, one for each channel, or 'random', got ${JSON.stringify(value)}`,
      ArgumentError,
    );
    this.p = p;
    this.scale = scale;
    this.ratio = ratio;
    this.value = value;
  }

  apply(image: Tensor<'float32'>, generator: Generator): Tensor<'float32'> {
    if (generator.uniform() >= this.p) return image;
    const { channels, h, w } = planesOf('RandomErasing', image);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const area = h * w * generator.uniform(...this.scale);
      const ratio = Math.exp(generator.uniform(Math.log(this.ratio[0]), Math.log(this.ratio[1])));
      const height = Math.round(Math.sqrt(area * ratio));
      const width = Math.round(Math.sqrt(area / ratio));
      if (height < 1 || width < 1 || height >= h || width >= w) continue;
      const [top, left] = [generator.integer(h - height + 1), generator.integer(w - width + 1)];
      const value = this.value === 'random' ? noise(generator, [channels, height, width]) : this.value;
      return erase(image, top, left, height, width, value);
    }
    return image;
  }
}

function noise(generator: Generator, shape: readonly [number, number, number]): Tensor<'float32'> {
  const values = new Float32Array(shape[0] * shape[1] * shape[2]);
  for (let i = 0; i < values.length; i++) values[i] = generator.normal();
  return new Tensor('float32', values, shape);
}
