import { checkFloat, type DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { formatShape, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { add } from './add.js';
import { avgPool2d } from './avgpool2d.js';
import { div } from './div.js';
import { mul } from './mul.js';
import { pad } from './pad.js';
import { pow } from './pow.js';
import { reshape } from './reshape.js';
import { square } from './square.js';

/** Options of {@link localResponseNorm}. */
export interface LocalResponseNormOptions {
  /** Default 1e-4. */
  alpha?: number;
  /** Default 0.75. */
  beta?: number;
  /** Default 1. */
  k?: number;
  /** Channels of the window in front of its own. Default ⌊size / 2⌋ as in PyTorch; ONNX has ⌊(size − 1) / 2⌋. */
  before?: number;
}

/**
 * Normalisation across channels (Krizhevsky et al. 2012): x / (k + alpha · a)^beta, a being the mean square over a window of
 * `size` channels, those beyond the ends counting as 0. x [n, c, …].
 *
 * @throws ShapeError when x has no channel axis; ArgumentError for a size that is no integer of at least 1, or `before`
 *   outside the window; DTypeError unless x is float32 or float64
 * @example
 * localResponseNorm(tensor([[3, 4]]), 1, { alpha: 1, beta: 0.5, k: 0 }).toArray(); // [[1, 1]]
 */
export function localResponseNorm<D extends DType>(
  x: Tensor<D>,
  size: number,
  options: LocalResponseNormOptions = {},
): Tensor<D> {
  const { alpha = 1e-4, beta = 0.75, k = 1, before = Math.floor(size / 2) } = options;
  checkFloat('localResponseNorm', x);
  check(x.rank >= 2, 'localResponseNorm', () => `x must be [n, channels, …], got ${formatShape(x.shape)}`);
  check(
    Number.isInteger(size) && size >= 1,
    'localResponseNorm',
    () => `size must be an integer of at least 1, got ${size}`,
    ArgumentError,
  );
  check(
    Number.isInteger(before) && before >= 0 && before < size,
    'localResponseNorm',
    () => `before must be an integer from 0 to ${size - 1}, got ${before}`,
    ArgumentError,
  );
  const [n, c] = x.shape;
  const planes = reshape(square(x), [n, 1, c, sizeOf(x.shape.slice(2))]);
  const window = pad(planes, [before, 0, size - 1 - before, 0]);
  const means = reshape(avgPool2d(window, [size, 1], { stride: 1 }), x.shape);
  return div(x, pow(add(mul(means, alpha), k), beta));
}
