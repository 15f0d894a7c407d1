import { kernelsFor } from '../backend/backend.js';
import { checkFloat, type DType } from '../dtype.js';
import { AXIS_FIELDS, encode } from '../geometry.js';
import { resolveAxis } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { mul } from './mul.js';
import { applyOne, empty, floats, type Op } from './op.js';
import { axisGeometry } from './reduction.js';
import { sub } from './sub.js';
import { sum } from './sum.js';

const op: Op<{ axis: number }> = {
  name: 'softmax',
  forward([input], { axis }) {
    const x = input as Tensor;
    const y = empty(x.dtype, x.shape);
    kernelsFor(x.dtype).softmaxForward(floats(x), floats(y), encode(AXIS_FIELDS, axisGeometry(x.shape, axis)));
    return y;
  },
  gradient: ({ output, attributes }, dy) => [applyOne(backward, [dy, output(0)], attributes)],
  saves: { inputs: [], outputs: [0] },
};

/** y·(dy − Σ dy·y) */
const backward: Op<{ axis: number }> = {
  name: 'softmaxBackward',
  forward([gradient, result], { axis }) {
    const [dy, y] = [gradient as Tensor, result as Tensor];
    const dx = empty(y.dtype, y.shape);
    const g = encode(AXIS_FIELDS, axisGeometry(y.shape, axis));
    kernelsFor(y.dtype).softmaxBackward(floats(dy), floats(y), floats(dx), g);
    return dx;
  },
  // Symmetric in dy, so that its adjoint there is itself.
  gradient({ input, needs, attributes: { axis } }, ddx) {
    const [dy, y] = [input(0), input(1)];
    const total = (v: Tensor) => sum(mul(v, y), axis, { keepDims: true });
    return [
      needs[0] ? applyOne(backward, [ddx, y], { axis }) : null,
      needs[1] ? sub(mul(ddx, sub(dy, total(dy))), mul(dy, total(ddx))) : null,
    ];
  },
};

/**
 * e^x / Σ e^x along `axis` (default the last), with the maximum subtracted first so that nothing overflows.
 *
 * @throws ArgumentError for an axis outside the tensor; DTypeError unless x is float32 or float64
 * @example
 * softmax(tensor([[0, 0]])).toArray(); // [[0.5, 0.5]]
 */
export function softmax<D extends DType>(x: Tensor<D>, axis = -1): Tensor<D> {
  checkFloat('softmax', x);
  return applyOne(op, [x], { axis: resolveAxis('softmax', axis, x.rank) }) as Tensor<D>;
}
