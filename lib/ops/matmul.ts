import { kernelsFor } from '../backend/backend.js';
import { checkFloat, type DType } from '../dtype.js';
import { check } from '../errors.js';
import { encode, GEMM_FIELDS } from '../geometry.js';
import { broadcastShapes, formatShape, type Shape, sameShape, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { sumTo } from './binary.js';
import { expand } from './expand.js';
import { applyOne, empty, floats, type Op } from './op.js';
import { reshape } from './reshape.js';

/** Which operands are stored transposed; transposing is free inside the kernel. */
export interface MatmulOptions {
  /** a is [..., k, m] instead of [..., m, k]. Default false. */
  transposeA?: boolean;
  /** b is [..., n, k] instead of [..., k, n]. Default false. */
  transposeB?: boolean;
}

interface MatmulAttributes {
  transA: boolean;
  transB: boolean;
}

const op: Op<MatmulAttributes> = {
  name: 'matmul',
  forward(inputs, { transA, transB }) {
    const [m, k] = extents(inputs[0] as Tensor, transA);
    const n = extents(inputs[1] as Tensor, transB)[1];
    const [batchA, batchB] = inputs.map((x) => (x as Tensor).shape.slice(0, -2));
    const batchShape = broadcastShapes('matmul', batchA, batchB);
    const a = writtenOut(inputs[0] as Tensor, batchShape);
    const b = writtenOut(inputs[1] as Tensor, batchShape);
    const y = empty(a.dtype, [...batchShape, m, n]);
    const geometry = {
      batch: sizeOf(batchShape),
      m,
      n,
      k,
      transA: Number(transA),
      transB: Number(transB),
      strideA: sizeOf(a.shape.slice(0, -2)) > 1 ? m * k : 0,
      strideB: sizeOf(b.shape.slice(0, -2)) > 1 ? k * n : 0,
    };
    kernelsFor(a.dtype).gemm(floats(a), floats(b), floats(y), encode(GEMM_FIELDS, geometry), 1, 0);
    return y;
  },
  gradient({ input, inputShapes, needs, attributes: { transA, transB } }, dy) {
    const [a, b] = [input(0), input(1)];
    const da = () => (transA ? product(b, dy, transB, true) : product(dy, b, false, !transB));
    const db = () => (transB ? product(dy, a, true, transA) : product(a, dy, !transA, false));
    return [needs[0] ? sumTo(da(), inputShapes[0]) : null, needs[1] ? sumTo(db(), inputShapes[1]) : null];
  },
};

function product(a: Tensor, b: Tensor, transA: boolean, transB: boolean): Tensor {
  return applyOne(op, [a, b], { transA, transB });
}

/** A matrix without batch axes is shared by all products; one that stretches along only some of them is written out. */
function writtenOut(x: Tensor, batchShape: Shape): Tensor {
  const own = x.shape.slice(0, -2);
  return sizeOf(own) === 1 || sameShape(own, batchShape)
    ? x
    : expand(x.detach(), [...batchShape, ...x.shape.slice(-2)]);
}

/** Rows and columns of the last two axes as the product sees them. */
function extents({ shape }: Tensor, transposed: boolean): [number, number] {
  const [rows, columns] = shape.slice(-2);
  return transposed ? [columns, rows] : [rows, columns];
}

/**
 * Matrix product of the last two axes: a [..., m, k], b [..., k, n] → [..., m, n]; leading axes broadcast. A vector a is
 * taken as one row, a vector b as one column, and that axis is dropped from the result.
 *
 * @throws ShapeError when the inner sizes differ or an operand is a scalar; DTypeError unless both share a floating type
 * @example
 * matmul(tensor([[1, 2], [3, 4]]), tensor([1, 1])).toArray(); // [3, 7]
 */
export function matmul<D extends DType>(a: Tensor<D>, b: Tensor<D>, options: MatmulOptions = {}): Tensor<D> {
  checkFloat('matmul', a, b);
  check(
    a.rank > 0 && b.rank > 0,
    'matmul',
    () => `operands need at least one axis, got ${formatShape(a.shape)} and ${formatShape(b.shape)}`,
  );
  const transA = (options.transposeA ?? false) && a.rank > 1;
  const transB = (options.transposeB ?? false) && b.rank > 1;
  const rows = a.rank === 1 ? reshape(a, [1, a.size]) : a;
  const columns = b.rank === 1 ? reshape(b, [b.size, 1]) : b;
  const [, k] = extents(rows, transA);
  const [inner] = extents(columns, transB);
  check(
    k === inner,
    'matmul',
    () =>
      `inner sizes differ: ${formatShape(a.shape)}${transA ? ' transposed' : ''} has ${k} columns, ${formatShape(b.shape)}${transB ? ' transposed' : ''} has ${inner} rows`,
  );
  const y = product(rows, columns, transA, transB) as Tensor<D>;
  return a.rank > 1 && b.rank > 1 ? y : reshape(y, dropVectorAxes(y.shape, a.rank === 1, b.rank === 1));
}

function dropVectorAxes(shape: Shape, dropRow: boolean, dropColumn: boolean): Shape {
  const matrix = shape.slice(-2);
  return [...shape.slice(0, -2), ...(dropRow ? [] : [matrix[0]]), ...(dropColumn ? [] : [matrix[1]])];
}
