import { checkFloat, type DType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { defaultGenerator, type Generator } from '../random.js';
import type { Tensor } from '../tensor.js';
import { mul } from './mul.js';
import { empty, floats } from './op.js';

/** Options of {@link dropout}. */
export interface DropoutOptions {
  /** Drop at all; outside training x is returned as it is. Default true. */
  training?: boolean;
  /** Where the choice comes from. Default: the generator that `manualSeed` restarts. */
  generator?: Generator;
}

/**
 * Sets each element to 0 with probability `p` and scales the rest by 1 / (1 − p), so that the mean stays (Srivastava et
 * al. 2014). `p` in [0, 1], default 0.5.
 *
 * @throws ArgumentError for p outside [0, 1]; DTypeError unless x is float32 or float64
 * @example
 * dropout(tensor([1, 2]), 0.5, { training: false }).toArray(); // [1, 2]
 */
export function dropout<D extends DType>(x: Tensor<D>, p = 0.5, options: DropoutOptions = {}): Tensor<D> {
  const { training = true, generator = defaultGenerator } = options;
  checkFloat('dropout', x);
  check(p >= 0 && p <= 1, 'dropout', () => `p must be in [0, 1], got ${p}`, ArgumentError);
  if (!training || p === 0) return x;
  const mask = empty(x.dtype, x.shape);
  const scale = p < 1 ? 1 / (1 - p) : 0;
  const kept = floats(mask);
  // 32 random bits an element decide against the threshold; the error in p is below 2^-32.
  const threshold = p * 2 ** 32;
  for (let i = 0; i < kept.length; i++) kept[i] = generator.bits() < threshold ? 0 : scale;
  return mul(x, mask);
}
