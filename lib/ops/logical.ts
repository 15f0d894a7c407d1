import { kernelsFor } from '../backend/backend.js';
import { check, DTypeError } from '../errors.js';
import { LOGICAL_OPERATIONS, type LogicalOperation } from '../kernels/operations.js';
import { broadcastGeometry } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { applyOne, empty, type Op, values } from './op.js';

type Bool = Tensor<'bool'>;

/** Defines an op on two truth values with broadcasting. */
export function logicalOp(operation: LogicalOperation): Op<null> {
  const code = LOGICAL_OPERATIONS.indexOf(operation);
  return {
    name: operation,
    forward(inputs) {
      const [a, b] = inputs as [Bool, Bool];
      const { shape, g } = broadcastGeometry(operation, a.shape, b.shape);
      const y = empty('bool', shape);
      kernelsFor('bool').logical(code, values(a), values(b), values(y), g);
      return y;
    },
  };
}

/** Checks that both are bool and runs an op of {@link logicalOp}. */
export function applyLogical(op: Op<null>, a: Bool, b: Bool): Bool {
  checkBool(op.name, a, b);
  return applyOne(op, [a, b], null) as Bool;
}

export function checkBool(operation: string, ...operands: readonly Tensor[]): void {
  for (const { dtype } of operands)
    check(dtype === 'bool', operation, () => `expects bool, got ${dtype}; convert with .to('bool')`, DTypeError);
}
