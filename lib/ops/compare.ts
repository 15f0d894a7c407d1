import { kernelsFor } from '../backend/backend.js';
import { checkNumeric, type DType } from '../dtype.js';
import { COMPARE_OPERATIONS, type CompareOperation } from '../kernels/operations.js';
import { broadcastGeometry } from '../shape.js';
import { Tensor } from '../tensor.js';
import { type Operand, operand } from './binary.js';
import { cast } from './cast.js';
import { applyOne, empty, floats, integers, type Op, values } from './op.js';

/** Defines an op that compares element by element with broadcasting. It has no gradient: the result is bool. */
export function compareOp(operation: CompareOperation): Op<null> {
  const code = COMPARE_OPERATIONS.indexOf(operation);
  return {
    name: operation,
    forward(inputs) {
      const [a, b] = inputs as [Tensor, Tensor];
      const { shape, g } = broadcastGeometry(operation, a.shape, b.shape);
      const y = empty('bool', shape);
      const kernels = kernelsFor(a.dtype);
      if (a.dtype === 'int32') kernels.compareInt(code, integers(a), integers(b), values(y), g);
      else kernels.compare(code, floats(a), floats(b), values(y), g);
      return y;
    },
  };
}

/** Runs an op of {@link compareOp}. Bytes are compared as int32. */
export function applyCompare<D extends DType>(op: Op<null>, a: Tensor<D>, b: Operand<D>): Tensor<'bool'> {
  const [first, second] = [widened(a), b instanceof Tensor ? widened(b) : b];
  const other = operand(op.name, first, second);
  checkNumeric(op.name, first, other);
  return applyOne(op, [first.detach(), other.detach()], null) as Tensor<'bool'>;
}

function widened(x: Tensor): Tensor {
  return x.dtype === 'uint8' || x.dtype === 'bool' ? cast(x, 'int32') : x;
}
