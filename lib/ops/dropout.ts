import { kernelsFor } from '../backend/backend.js';
import { checkFloat, type DType, type FloatDType } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { defaultGenerator, type Generator } from '../random.js';
import { formatShape, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { mul } from './mul.js';
import { applyOne, empty, floats, integers, type Op, supply } from './op.js';

/** Options of {@link dropout} and {@link dropout2d}. */
export interface DropoutOptions {
  /** Drop at all; outside training x is returned as it is. Default true. */
  training?: boolean;
  /** Where the seed of the choice comes from, 64 bits a call. Default: the generator that `manualSeed` restarts. */
  generator?: Generator;
}

/** 0 with probability p, else 1 / (1 − p), as a seed of two int32 has it. */
const randomMask: Op<{ dtype: FloatDType; shape: Shape; p: number }> = {
  name: 'randomMask',
  forward([seed], { dtype, shape, p }) {
    const mask = empty(dtype, shape);
    kernelsFor(dtype).randomMask(integers(seed as Tensor), floats(mask), p);
    return mask;
  },
};

/**
 * Sets each element to 0 with probability `p` and scales the rest by 1 / (1 − p), so that the mean stays (Srivastava et
 * al. 2014). `p` in [0, 1], default 0.5.
 *
 * The generator gives a seed, from which Threefry2x32-20 (Salmon et al. 2011) makes the choice for each element: same seed, same
 * elements, on every backend.
 *
 * @throws ArgumentError for p outside [0, 1]; DTypeError unless x is float32 or float64
 * @example
 * dropout(tensor([1, 2]), 0.5, { training: false }).toArray(); // [1, 2]
 */
export function dropout<D extends DType>(x: Tensor<D>, p = 0.5, options: DropoutOptions = {}): Tensor<D> {
  return masked('dropout', x, x.shape, p, options);
}

/**
 * {@link dropout} of whole channels: x [n, c, …], each channel of each example stays or goes as one (Tompson et al. 2015).
 *
 * @throws ShapeError unless x has at least three axes; ArgumentError for p outside [0, 1]; DTypeError unless x is float32 or
 *   float64
 * @example
 * dropout2d(ones([1, 2, 2, 2]), 0.5, { training: false }).shape; // [1, 2, 2, 2]
 */
export function dropout2d<D extends DType>(x: Tensor<D>, p = 0.5, options: DropoutOptions = {}): Tensor<D> {
  check(x.rank >= 3, 'dropout2d', () => `x must be [n, channels, size, …], got ${formatShape(x.shape)}`);
  return masked(
    'dropout2d',
    x,
    x.shape.map((extent, axis) => (axis < 2 ? extent : 1)),
    p,
    options,
  );
}

function masked<D extends DType>(
  operation: string,
  x: Tensor<D>,
  shape: Shape,
  p: number,
  { training = true, generator }: DropoutOptions,
): Tensor<D> {
  checkFloat(operation, x);
  check(p >= 0 && p <= 1, operation, () => `p must be in [0, 1], got ${p}`, ArgumentError);
  if (!training || p === 0) return x;
  const seed = supply('int32', [2], (values) => {
    const from = generator ?? defaultGenerator;
    values[0] = from.bits();
    values[1] = from.bits();
  });
  return mul(x, applyOne(randomMask, [seed], { dtype: x.dtype as FloatDType, shape, p }) as Tensor<D>);
}
