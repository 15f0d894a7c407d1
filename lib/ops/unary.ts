import type { Call } from '../autograd.js';
import { kernelsFor } from '../backend/backend.js';
import { checkFloat, type DType } from '../dtype.js';
import { UNARY_OPERATIONS, type UnaryOperation } from '../kernels/operations.js';
import type { Tensor } from '../tensor.js';
import { applyOne, empty, floats, type Op } from './op.js';

/** Constants of an elementwise function, such as the slope of a leaky ReLU. */
export interface UnaryAttributes {
  alpha: number;
  beta: number;
}

/** Defines an op y = f(x) element by element over the kernel of that name. */
export function unaryOp(
  operation: UnaryOperation,
  saves: 'input' | 'output' | 'nothing',
  gradient: (call: Call<UnaryAttributes>, dy: Tensor) => Tensor,
): Op<UnaryAttributes> {
  const code = UNARY_OPERATIONS.indexOf(operation);
  return {
    name: operation,
    forward([x], { alpha, beta }) {
      const input = x as Tensor;
      const y = empty(input.dtype, input.shape);
      kernelsFor(input.dtype).unary(code, floats(input), floats(y), alpha, beta);
      return y;
    },
    gradient: (call, dy) => [gradient(call, dy)],
    saves: { inputs: saves === 'input' ? [0] : [], outputs: saves === 'output' ? [0] : [] },
  };
}

/** Checks that x is floating point and runs an op of {@link unaryOp}. */
export function applyUnary<D extends DType>(op: Op<UnaryAttributes>, x: Tensor<D>, alpha = 0, beta = 0): Tensor<D> {
  checkFloat(op.name, x);
  return applyOne(op, [x], { alpha, beta }) as Tensor<D>;
}
