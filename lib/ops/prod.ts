import { full } from '../creation.js';
import { checkNumeric, type DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { cast } from './cast.js';
import { div } from './div.js';
import { eq } from './eq.js';
import { mul } from './mul.js';
import { applyOne, type Op } from './op.js';
import { type ReduceOptions, type Reduction, reduceAxes, reduction, spread } from './reduction.js';
import { sum } from './sum.js';
import { where } from './where.js';

const op: Op<Reduction> = {
  name: 'prod',
  forward: ([x], attributes) => reduceAxes('prod', x as Tensor, attributes),
  // The product of all others: y / x, but for zeros. A single zero has the product of what is not zero, next to which
  // everything else has none; two zeros leave nothing.
  gradient({ attributes: { axes, kept }, inputShapes, input }, dy) {
    const x = input(0);
    const isZero = eq(x, 0);
    const safe = where(isZero, full([], 1, { dtype: x.dtype }), x);
    const zeros = sum(cast(isZero, x.dtype), axes, { keepDims: true });
    const product = spread(prod(safe, axes), kept, inputShapes[0]);
    const ofZero = mul(product, cast(eq(zeros, 1), x.dtype));
    const ofOthers = mul(div(product, safe), cast(eq(zeros, 0), x.dtype));
    return [mul(spread(dy, kept, inputShapes[0]), where(isZero, ofZero, ofOthers))];
  },
};

/**
 * Product over `axes` (default all). The product of nothing is 1; of int32 it wraps around.
 *
 * @throws ArgumentError for an axis outside the tensor; DTypeError unless x is float32, float64 or int32
 * @example
 * prod(tensor([[1, 2], [3, 4]]), 0).toArray(); // [3, 8]
 */
export function prod<D extends DType>(
  x: Tensor<D>,
  axes?: number | readonly number[],
  options?: ReduceOptions,
): Tensor<D> {
  checkNumeric('prod', x);
  return applyOne(op, [x], reduction('prod', x.shape, axes, options)) as Tensor<D>;
}
