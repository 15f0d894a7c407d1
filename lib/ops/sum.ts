import { checkNumeric, type DType } from '../dtype.js';
import type { Tensor } from '../tensor.js';
import { applyOne, type Op } from './op.js';
import { type ReduceOptions, type Reduction, reduceAxes, reduction, spread } from './reduction.js';

const op: Op<Reduction> = {
  name: 'sum',
  forward: ([x], attributes) => reduceAxes('sum', x as Tensor, attributes),
  gradient: ({ attributes: { kept }, inputShapes }, dy) => [spread(dy, kept, inputShapes[0])],
  saves: { inputs: [] },
};

/**
 * Sum over `axes` (default all). The sum of nothing is 0.
 *
 * @throws ArgumentError for an axis outside the tensor; DTypeError unless x is float32, float64 or int32
 * @example
 * sum(tensor([[1, 2], [3, 4]]), 0).toArray(); // [4, 6]
 */
export function sum<D extends DType>(
  x: Tensor<D>,
  axes?: number | readonly number[],
  options?: ReduceOptions,
): Tensor<D> {
  checkNumeric('sum', x);
  return applyOne(op, [x], reduction('sum', x.shape, axes, options)) as Tensor<D>;
}
