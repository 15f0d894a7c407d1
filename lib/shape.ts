import { ArgumentError, check, ShapeError } from './errors.js';
import { MAX_RANK } from './geometry.js';

/** Sizes of a tensor's axes, outermost first. [] is a scalar. */
export type Shape = readonly number[];

export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** Element strides of a contiguous row-major tensor. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/** Throws unless `shape` is an array of at most {@link MAX_RANK} non-negative integers. */
export function checkShape(operation: string, shape: unknown): asserts shape is Shape {
  check(
    Array.isArray(shape) && shape.every((extent) => Number.isInteger(extent) && extent >= 0),
    operation,
    () => `a shape is an array of integers of at least 0, got ${JSON.stringify(shape)}`,
  );
  check(
    (shape as Shape).length <= MAX_RANK,
    operation,
    () => `a tensor has at most ${MAX_RANK} axes, got ${formatShape(shape as Shape)}`,
  );
}

/** Shape two operands broadcast to: axes are aligned at the end, and an axis of size 1 stretches (NumPy's rule). */
export function broadcastShapes(operation: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const shape = new Array<number>(rank);
  for (let fromEnd = 1; fromEnd <= rank; fromEnd++) {
    const x = a[a.length - fromEnd] ?? 1;
    const y = b[b.length - fromEnd] ?? 1;
    check(
      x === y || x === 1 || y === 1,
      operation,
      () => `shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast: ${x} against ${y}`,
      ShapeError,
    );
    shape[rank - fromEnd] = x === 1 ? y : x;
  }
  return shape;
}

/** Strides with which an operand of shape `from` is read over the broadcast shape `to`: 0 where it stretches. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const own = stridesOf(from);
  const missing = to.length - from.length;
  return to.map((_, axis) => (axis < missing || from[axis - missing] === 1 ? 0 : own[axis - missing]));
}

/** Packs a shape and stride rows (plus trailing offsets) for the strided kernels, each row padded in front to MAX_RANK. */
export function encodeStrides(
  shape: Shape,
  rows: readonly (readonly number[])[],
  offsets: readonly number[] = [],
): Int32Array {
  const flat = new Int32Array(MAX_RANK * (rows.length + 1) + offsets.length);
  const missing = MAX_RANK - shape.length;
  flat.fill(1, 0, missing);
  flat.set(shape, missing);
  rows.forEach((row, i) => {
    flat.set(row, MAX_RANK * (i + 1) + missing);
  });
  flat.set(offsets, MAX_RANK * (rows.length + 1));
  return flat;
}

/** The shape that two operands broadcast to, and the geometry of the strided kernels that walk both over it. */
export function broadcastGeometry(operation: string, a: Shape, b: Shape): { shape: Shape; g: Int32Array } {
  const shape = broadcastShapes(operation, a, b);
  return { shape, g: encodeStrides(shape, [broadcastStrides(a, shape), broadcastStrides(b, shape)]) };
}

/** Resolves a possibly negative axis; throws when it is outside the tensor. */
export function resolveAxis(operation: string, axis: number, rank: number): number {
  check(
    Number.isInteger(axis) && axis >= -rank && axis < rank,
    operation,
    () => `axis ${axis} is outside a tensor of ${rank} axes`,
    ArgumentError,
  );
  return axis < 0 ? axis + rank : axis;
}

/** Resolves a list of axes (all when undefined), sorted ascending; throws on repeats. */
export function resolveAxes(operation: string, axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  const list = (typeof axes === 'number' ? [axes] : [...axes]).map((axis) => resolveAxis(operation, axis, rank));
  check(
    new Set(list).size === list.length,
    operation,
    () => `an axis is named twice in [${list.join(', ')}]`,
    ArgumentError,
  );
  return list.sort((a, b) => a - b);
}
