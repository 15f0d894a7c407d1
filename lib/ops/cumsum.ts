import { kernelsFor } from '../backend/backend.js';
import { checkNumeric, type DType } from '../dtype.js';
import { encode, RUNNING_FIELDS } from '../geometry.js';
import { resolveAxis } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { applyOne, empty, floats, type Op } from './op.js';
import { axisGeometry } from './reduction.js';

/** Options of {@link cumSum}. */
export interface CumSumOptions {
  /** Leave the element itself out of its sum. Default false. */
  exclusive?: boolean;
  /** Start from the end. Default false. */
  reverse?: boolean;
}

interface CumSumAttributes {
  axis: number;
  exclusive: boolean;
  reverse: boolean;
}

const op: Op<CumSumAttributes> = {
  name: 'cumSum',
  forward([input], { axis, exclusive, reverse }) {
    const x = input as Tensor;
    const y = empty(x.dtype, x.shape);
    const flags = { exclusive: Number(exclusive), reverse: Number(reverse) };
    const g = encode(RUNNING_FIELDS, { ...axisGeometry(x.shape, axis), ...flags });
    kernelsFor(x.dtype).cumSum(floats(x), floats(y), g);
    return y;
  },
  gradient: ({ attributes }, dy) => [applyOne(op, [dy], { ...attributes, reverse: !attributes.reverse })],
  saves: { inputs: [] },
};

/**
 * Running sums along an axis: y[i] = x[0] + … + x[i]; of int32 they wrap around.
 *
 * @throws ArgumentError for an axis outside; DTypeError unless x is float32, float64 or int32
 * @example
 * cumSum(tensor([1, 2, 3]), 0).toArray(); // [1, 3, 6]
 */
export function cumSum<D extends DType>(x: Tensor<D>, axis: number, options: CumSumOptions = {}): Tensor<D> {
  const { exclusive = false, reverse = false } = options;
  checkNumeric('cumSum', x);
  return applyOne(op, [x], { axis: resolveAxis('cumSum', axis, x.rank), exclusive, reverse }) as Tensor<D>;
}
