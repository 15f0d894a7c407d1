import { kernelsFor } from '../backend/backend.js';
import { AXIS_FIELDS, type AxisGeometry, encode } from '../geometry.js';
import {
  REDUCE_INT_OPERATIONS,
  REDUCE_OPERATIONS,
  type ReduceIntOperation,
  type ReduceOperation,
} from '../kernels/operations.js';
import { resolveAxes, type Shape, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { copy } from './copy.js';
import { expand } from './expand.js';
import { empty, floats, integers } from './op.js';
import { reshape } from './reshape.js';

/** Options of reductions. */
export interface ReduceOptions {
  /** Keep reduced axes with size 1. Default false. */
  keepDims?: boolean;
}

/** Which axes a reduction removes, and the shape it leaves. */
export interface Reduction {
  axes: readonly number[];
  /** With reduced axes kept at size 1. */
  kept: Shape;
  result: Shape;
}

export function reduction(
  operation: string,
  shape: Shape,
  axes: number | readonly number[] | undefined,
  { keepDims = false }: ReduceOptions = {},
): Reduction {
  const resolved = resolveAxes(operation, axes, shape.length);
  const kept = shape.map((extent, axis) => (resolved.includes(axis) ? 1 : extent));
  return { axes: resolved, kept, result: keepDims ? kept : shape.filter((_, axis) => !resolved.includes(axis)) };
}

/** Reduces one run of adjacent axes after another, innermost first, each as the middle axis of [outer, size, inner]. */
export function reduceAxes(operation: ReduceOperation, x: Tensor, { axes, result }: Reduction): Tensor {
  const code = REDUCE_OPERATIONS.indexOf(operation);
  const intCode = REDUCE_INT_OPERATIONS.indexOf(operation as ReduceIntOperation);
  if (axes.length === 0) return copy(x); // not x itself, whose memory a later change in place would change too
  let current = x;
  let shape = x.shape;
  for (const run of adjacentRuns(axes).reverse()) {
    const geometry = axisGeometry(shape, run[0], run.at(-1) as number);
    shape = shape.map((extent, axis) => (run.includes(axis) ? 1 : extent));
    const y = empty(x.dtype, shape);
    const g = encode(AXIS_FIELDS, geometry);
    const kernels = kernelsFor(x.dtype);
    if (x.dtype === 'int32') kernels.reduceInt(intCode, integers(current), integers(y), g);
    else kernels.reduce(code, floats(current), floats(y), g);
    current = y;
  }
  return reshape(current, result);
}

/** A shape seen as [outer, size, inner], the axes `first` to `last` being the middle one. */
export function axisGeometry(shape: Shape, first: number, last = first): AxisGeometry {
  return {
    outer: sizeOf(shape.slice(0, first)),
    size: sizeOf(shape.slice(first, last + 1)),
    inner: sizeOf(shape.slice(last + 1)),
  };
}

/** The adjoint of a sum over axes: repeats y along them. */
export function spread(y: Tensor, kept: Shape, shape: Shape): Tensor {
  return expand(reshape(y, kept), shape);
}

function adjacentRuns(axes: readonly number[]): number[][] {
  const runs: number[][] = [];
  for (const axis of axes) {
    const last = runs.at(-1);
    if (last?.at(-1) === axis - 1) last.push(axis);
    else runs.push([axis]);
  }
  return runs;
}
