import { kernelsFor } from '../backend/backend.js';
import { checkFloat, type DType } from '../dtype.js';
import { COMPARE_OPERATIONS, type CompareOperation } from '../kernels/operations.js';
import { broadcastShapes, broadcastStrides, encodeStrides } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { type Operand, operand } from './binary.js';
import { applyOne, empty, floats, type Op, values } from './op.js';

/** Defines an op that compares element by element with broadcasting. It has no gradient: the result is bool. */
export function compareOp(operation: CompareOperation): Op<null> {
  const code = COMPARE_OPERATIONS.indexOf(operation);
  return {
    name: operation,
    forward(inputs) {
      const [a, b] = inputs as [Tensor, Tensor];
      const shape = broadcastShapes(operation, a.shape, b.shape);
      const y = empty('bool', shape);
      const g = encodeStrides(shape, [broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape)]);
      kernelsFor(a.dtype).compare(code, floats(a), floats(b), values(y), g);
      return y;
    },
  };
}

/** Runs an op of {@link compareOp}. */
export function applyCompare<D extends DType>(op: Op<null>, a: Tensor<D>, b: Operand<D>): Tensor<'bool'> {
  const other = operand(op.name, a, b);
  checkFloat(op.name, a, other);
  return applyOne(op, [a.detach(), other.detach()], null) as Tensor<'bool'>;
}
