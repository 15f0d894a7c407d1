import { kernelsFor } from '../backend/backend.js';
import { checkFloat, type DType } from '../dtype.js';
import { AXIS_FIELDS, encode } from '../geometry.js';
import { resolveAxis } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { exp } from './exp.js';
import { mul } from './mul.js';
import { neg } from './neg.js';
import { applyOne, empty, floats, type Op } from './op.js';
import { axisGeometry } from './reduction.js';
import { sub } from './sub.js';
import { sum } from './sum.js';

const op: Op<{ axis: number }> = {
  name: 'logSoftmax',
  forward([input], { axis }) {
    const x = input as Tensor;
    const y = empty(x.dtype, x.shape);
    kernelsFor(x.dtype).logSoftmaxForward(floats(x), floats(y), encode(AXIS_FIELDS, axisGeometry(x.shape, axis)));
    return y;
  },
  gradient: ({ output, attributes }, dy) => [applyOne(logSoftmaxBackward, [dy, output(0)], attributes)],
  saves: { inputs: [], outputs: [0] },
};

/** dy − e^y · Σ dy */
export const logSoftmaxBackward: Op<{ axis: number }> = {
  name: 'logSoftmaxBackward',
  forward([gradient, result], { axis }) {
    const [dy, y] = [gradient as Tensor, result as Tensor];
    const dx = empty(y.dtype, y.shape);
    const g = encode(AXIS_FIELDS, axisGeometry(y.shape, axis));
    kernelsFor(y.dtype).logSoftmaxBackward(floats(dy), floats(y), floats(dx), g);
    return dx;
  },
  gradient({ input, needs, attributes: { axis } }, ddx) {
    const [dy, y] = [input(0), input(1)];
    const weighted = mul(ddx, exp(y));
    return [
      needs[0] ? sub(ddx, sum(weighted, axis, { keepDims: true })) : null,
      needs[1] ? neg(mul(weighted, sum(dy, axis, { keepDims: true }))) : null,
    ];
  },
};

/**
 * x − log Σ e^x along `axis` (default the last): the logarithm of softmax, without its rounding.
 *
 * @throws ArgumentError for an axis outside the tensor; DTypeError unless x is float32 or float64
 * @example
 * logSoftmax(tensor([[7]])).toArray(); // [[0]]
 */
export function logSoftmax<D extends DType>(x: Tensor<D>, axis = -1): Tensor<D> {
  checkFloat('logSoftmax', x);
  return applyOne(op, [x], { axis: resolveAxis('logSoftmax', axis, x.rank) }) as Tensor<D>;
}
