import type { DType } from '../dtype.js';
import { ArgumentError, check, DTypeError } from '../errors.js';
import { SCATTER_REDUCTIONS, type ScatterReduction } from '../kernels/operations.js';
import { formatShape, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { cast } from './cast.js';
import { integers } from './op.js';

/**
 * Positions as kernels take them, int32. Where their values are known each is checked against its axis: along the last axis
 * of the indices, entry d points into `sizes[d]` elements (all of them into one axis if there is one size). Kernels read 0
 * for what is outside.
 */
export function resolveIndices(operation: string, indices: Tensor, sizes: readonly number[]): Tensor<'int32'> {
  check(
    indices.dtype === 'int32' || indices.dtype === 'int64' || indices.dtype === 'uint8',
    operation,
    () => `indices must be int32, int64 or uint8, got ${indices.dtype}`,
    DTypeError,
  );
  const resolved = cast(indices, 'int32').detach();
  if (!resolved.storage.isKnown) return resolved;
  const positions = integers(resolved);
  for (let at = 0; at < positions.length; at++) {
    const size = sizes[at % sizes.length];
    check(
      positions[at] >= -size && positions[at] < size,
      operation,
      () => `index ${positions[at]} at position ${at} of ${formatShape(indices.shape)} is outside an axis of ${size}`,
      ArgumentError,
    );
  }
  return resolved;
}

/** Throws unless indices have as many axes as x, and apart from `axis` none is longer. */
export function checkIndexShape(operation: string, x: Shape, indices: Shape, axis: number): void {
  check(
    indices.length === x.length && indices.every((extent, d) => d === axis || extent <= x[d]),
    operation,
    () => `indices ${formatShape(indices)} must fit into x ${formatShape(x)} but for axis ${axis}`,
  );
}

/** The reduction that was asked for; bool and int64 can only be replaced. */
export function checkReduction(
  operation: string,
  dtype: DType,
  { reduction = 'none' }: { reduction?: ScatterReduction },
): ScatterReduction {
  check(
    SCATTER_REDUCTIONS.includes(reduction),
    operation,
    () => `reduction must be one of ${SCATTER_REDUCTIONS.join(', ')}, got ${JSON.stringify(reduction)}`,
    ArgumentError,
  );
  check(
    reduction === 'none' || (dtype !== 'bool' && dtype !== 'int64'),
    operation,
    () => `reduction '${reduction}' does not work on ${dtype}`,
    DTypeError,
  );
  return reduction;
}
