import { isGradEnabled } from '../autograd.js';
import { kernelsFor } from '../backend/backend.js';
import { checkFloat, type DType } from '../dtype.js';
import { AXIS_FIELDS, encode } from '../geometry.js';
import { resolveAxis } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { exp } from './exp.js';
import { mul } from './mul.js';
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
  gradient: ({ output, attributes }, dy) => [logSoftmaxGradient(dy, output(0), attributes.axis)],
  saves: { inputs: [], outputs: [0] },
};

/** dy − e^y · Σ dy: one kernel, or spelled out in ops when it is to be differentiated itself. */
export function logSoftmaxGradient(dy: Tensor, y: Tensor, axis: number): Tensor {
  if (isGradEnabled()) return sub(dy, mul(exp(y), sum(dy, axis, { keepDims: true })));
  const dx = empty(y.dtype, y.shape);
  const g = encode(AXIS_FIELDS, axisGeometry(y.shape, axis));
  kernelsFor(y.dtype).logSoftmaxBackward(floats(dy), floats(y), floats(dx), g);
  return dx;
}

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
