import type { Call } from '../autograd.js';
import { kernelsFor } from '../backend/backend.js';
import { checkFloat, checkNumeric, type DType } from '../dtype.js';
import {
  UNARY_INT_OPERATIONS,
  UNARY_OPERATIONS,
  type UnaryIntOperation,
  type UnaryOperation,
} from '../kernels/operations.js';
import type { Tensor } from '../tensor.js';
import { applyOne, empty, floats, integers, type Op } from './op.js';

/** Constants of an elementwise function, such as the slope of a leaky ReLU. */
export interface UnaryAttributes {
  alpha: number;
  beta: number;
}

/** Defines an op y = f(x) element by element over the kernel operation of that name; int32 goes to the one on integers. */
export function unaryOp(
  operation: UnaryOperation,
  saves: 'input' | 'output' | 'nothing',
  gradient: (call: Call<UnaryAttributes>, dy: Tensor) => Tensor,
): Op<UnaryAttributes> {
  const code = UNARY_OPERATIONS.indexOf(operation);
  const intCode = UNARY_INT_OPERATIONS.indexOf(operation as UnaryIntOperation);
  return {
    name: operation,
    forward([x], { alpha, beta }) {
      const input = x as Tensor;
      const y = empty(input.dtype, input.shape);
      const kernels = kernelsFor(input.dtype);
      if (input.dtype === 'int32') kernels.unaryInt(intCode, integers(input), integers(y), alpha, beta);
      else kernels.unary(code, floats(input), floats(y), alpha, beta);
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

/** {@link applyUnary} for operations that int32 has too. */
export function applyNumericUnary<D extends DType>(
  op: Op<UnaryAttributes>,
  x: Tensor<D>,
  alpha = 0,
  beta = 0,
): Tensor<D> {
  checkNumeric(op.name, x);
  return applyOne(op, [x], { alpha, beta }) as Tensor<D>;
}
