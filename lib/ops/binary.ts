import type { Call } from '../autograd.js';
import { kernelsFor } from '../backend/backend.js';
import { checkNumeric, DTYPES, type DType, isFloat } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import {
  BINARY_INT_OPERATIONS,
  BINARY_OPERATIONS,
  type BinaryIntOperation,
  type BinaryOperation,
} from '../kernels/operations.js';
import { broadcastGeometry, type Shape, sameShape } from '../shape.js';
import { Tensor } from '../tensor.js';
import { applyOne, empty, floats, integers, type Op } from './op.js';
import { reshape } from './reshape.js';
import { sum } from './sum.js';

/** Second operand of an elementwise op: a tensor that broadcasts, or a number. */
export type Operand<D extends DType = DType> = Tensor<D> | number;

/**
 * Defines an op y = f(a, b) with broadcasting over a kernel operation, whose name it has unless given another. int32 goes to
 * the operation of that name on integers.
 */
export function binaryOp(
  operation: BinaryOperation,
  saves: { inputs?: readonly number[]; outputs?: readonly number[] },
  gradient: (call: Call<null>, dy: Tensor) => readonly [Tensor | null, Tensor | null],
  name: string = operation,
): Op<null> {
  const code = BINARY_OPERATIONS.indexOf(operation);
  const intCode = BINARY_INT_OPERATIONS.indexOf(operation as BinaryIntOperation);
  return {
    name,
    forward(inputs) {
      const [a, b] = inputs as [Tensor, Tensor];
      const { shape, g } = broadcastGeometry(name, a.shape, b.shape);
      const y = empty(a.dtype, shape);
      const kernels = kernelsFor(a.dtype);
      if (a.dtype === 'int32') kernels.binaryInt(intCode, integers(a), integers(b), integers(y), g);
      else kernels.binary(code, floats(a), floats(b), floats(y), g);
      return y;
    },
    // A rule may work on the broadcast shape; what was stretched is summed back here, once for all rules.
    gradient(call, dy) {
      return gradient(call, dy).map((g, i) => (g && call.needs[i] ? sumTo(g, call.inputShapes[i]) : null));
    },
    saves,
  };
}

/** Turns a number into a scalar tensor, checks dtypes, and runs an op of {@link binaryOp}. */
export function applyBinary<D extends DType>(op: Op<null>, a: Tensor<D>, b: Operand<D>): Tensor<D> {
  const other = operand(op.name, a, b);
  checkNumeric(op.name, a, other);
  return applyOne(op, [a, other], null) as Tensor<D>;
}

/** The second operand as a tensor of the first one's dtype. */
export function operand<D extends DType>(operation: string, a: Tensor<D>, b: Operand<D>): Tensor<D> {
  if (b instanceof Tensor) return b;
  check(
    typeof b === 'number',
    operation,
    () => `the second operand must be a tensor or a number, got ${b === null ? 'null' : typeof b}`,
    ArgumentError,
  );
  checkNumeric(operation, a);
  check(
    isFloat(a.dtype) || (b | 0) === b,
    operation,
    () => `the second operand of an int32 tensor must be an integer of 32 bits, got ${b}`,
    ArgumentError,
  );
  const values = new DTYPES[a.dtype].array(1) as Float32Array;
  values[0] = b;
  return new Tensor<D>(a.dtype, values as never, []);
}

/** The adjoint of broadcasting: sums over the axes along which `shape` was stretched to `x`. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const missing = x.rank - shape.length;
  const axes = x.shape.flatMap((extent, axis) =>
    axis < missing || (shape[axis - missing] === 1 && extent !== 1) ? [axis] : [],
  );
  return reshape(sum(x, axes), shape);
}
