import type { Generator } from '../../random.js';
import type { Tensor } from '../../tensor.js';
import { hflip, vflip } from './functional/flip.js';
import { checkProbability, PortableTransform, type Transform } from './transform.js';

/**
 * Mirrors left to right with probability p (default 0.5).
 *
 * @throws ArgumentError for p outside [0, 1]
 * @example
 * new transforms.RandomHorizontalFlip(1).apply(tensor([[[1, 2]]]), new Generator(1)).toArray(); // [[[2, 1]]]
 */
export class RandomHorizontalFlip extends PortableTransform implements Transform {
  readonly p: number;

  constructor(p = 0.5) {
    super(p);
    checkProbability('RandomHorizontalFlip', p);
    this.p = p;
  }

  apply(image: Tensor<'float32'>, generator: Generator): Tensor<'float32'> {
    return generator.uniform() < this.p ? hflip(image) : image;
  }
}

/**
 * Mirrors top to bottom with probability p (default 0.5).
 *
 * @throws ArgumentError for p outside [0, 1]
 * @example
 * new transforms.RandomVerticalFlip(1).apply(tensor([[[1], [2]]]), new Generator(1)).toArray(); // [[[2], [1]]]
 */
export class RandomVerticalFlip extends PortableTransform implements Transform {
  readonly p: number;

  constructor(p = 0.5) {
    super(p);
    checkProbability('RandomVerticalFlip', p);
    this.p = p;
  }

  apply(image: Tensor<'float32'>, generator: Generator): Tensor<'float32'> {
    return generator.uniform() < this.p ? vflip(image) : image;
  }
}
