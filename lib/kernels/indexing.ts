import { MAX_RANK } from '../geometry.js';
import { SCATTER_REDUCTIONS } from './operations.js';
import { forEachRow, stridedWalk } from './strides.js';
import type { Elements } from './types.js';

// Positions come from a tensor. A negative one counts from the end of its axis; one that is outside of it reads as 0 and
// is not written to, so whatever a tensor holds, no kernel leaves its arrays.

/** Arrays of numbers: what the kernels below compute with. BigInt arrays are only moved. */
type Numbers = { [index: number]: number };

/** `index` as a position on an axis of `size`; −1 when it is outside. */
function resolve(index: number, size: number): number {
  const position = index < 0 ? index + size : index;
  return position >= 0 && position < size ? position : -1;
}

/** Reads [sizes of the indexed axes, …, batch, count, inner, depth, shared]. */
function slices(g: Int32Array) {
  const [batch, count, inner, depth, shared] = g.subarray(MAX_RANK);
  const sizes = g.subarray(MAX_RANK - depth, MAX_RANK);
  const perBatch = sizes.reduce((product, size) => product * size, 1);
  /** Row of x, counted in runs of `inner`, that entry `i` of a batch names; −1 for none. */
  const rowOf = (indices: Int32Array, b: number, i: number): number => {
    const entry = ((shared ? 0 : b * count) + i) * depth;
    let row = 0;
    for (let d = 0; d < depth; d++) {
      const position = resolve(indices[entry + d], sizes[d]);
      if (position < 0) return -1;
      row = row * sizes[d] + position;
    }
    return b * perBatch + row;
  };
  return { batch, count, inner, rowOf };
}

/**
 * y[b, i, :] = x[b, indices[b, i, 0], …, indices[b, i, depth − 1], :] for x [batch, sizes…, inner], indices
 * [batch, count, depth], y [batch, count, inner]. With `shared` all batches use the indices [count, depth].
 */
export function gatherSlices(x: Elements, indices: Int32Array, y: Elements, g: Int32Array): void {
  const { batch, count, inner, rowOf } = slices(g);
  if (y.length === 0) return;
  const [from, to] = [x, y as unknown as Numbers] as [Elements & Numbers, Numbers];
  const nothing = (y instanceof BigInt64Array ? 0n : 0) as number;
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < count; i++) {
      const row = rowOf(indices, b, i) * inner;
      const start = (b * count + i) * inner;
      for (let k = 0; k < inner; k++) to[start + k] = row < 0 ? nothing : from[row + k];
    }
  }
}

/**
 * The reverse of {@link gatherSlices}: combines updates [batch, count, inner] into y [batch, sizes…, inner], in the order
 * of their positions. Other elements of y are left alone.
 */
export function scatterSlices(
  reduction: number,
  indices: Int32Array,
  updates: Elements,
  y: Elements,
  g: Int32Array,
): void {
  const { batch, count, inner, rowOf } = slices(g);
  if (updates.length === 0) return;
  const combine = combinerOf(reduction, y);
  const [from, to] = [updates as unknown as Numbers, y as unknown as Numbers];
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < count; i++) {
      const row = rowOf(indices, b, i) * inner;
      const start = (b * count + i) * inner;
      if (row >= 0) for (let k = 0; k < inner; k++) to[row + k] = combine(to[row + k], from[start + k]);
    }
  }
}

function combinerOf(reduction: number, y: Elements): (old: number, update: number) => number {
  switch (SCATTER_REDUCTIONS[reduction]) {
    case 'add':
      return (old, update) => old + update;
    case 'mul':
      return y instanceof Int32Array ? Math.imul : (old, update) => old * update;
    case 'max':
      return Math.max;
    case 'min':
      return Math.min;
    default:
      return (_, update) => update;
  }
}

/** Calls `visit` with each position of the indices and where it points to in x; −1 for nowhere. */
function forEachElement(indices: Int32Array, g: Int32Array, visit: (at: number, position: number) => void): void {
  const walk = stridedWalk(g, 1);
  const [stride, size] = g.subarray(2 * MAX_RANK);
  const last = walk.shape.length - 1;
  const length = walk.shape[last];
  const step = walk.strides[0][last];
  let at = 0;
  forEachRow(walk, ([offset]) => {
    for (let i = 0; i < length; i++, at++) {
      const position = resolve(indices[at], size);
      visit(at, position < 0 ? -1 : offset + i * step + position * stride);
    }
  });
}

/**
 * y[i] = x[Σ i_d·stride_d + indices[i]·stride] for every i in the shape of indices and y: the strides are those of x, 0
 * along the axis that is indexed, which has `size` elements `stride` apart.
 */
export function gatherElements(x: Elements, indices: Int32Array, y: Elements, g: Int32Array): void {
  const [from, to] = [x as unknown as Numbers, y as unknown as Numbers];
  const nothing = (y instanceof BigInt64Array ? 0n : 0) as number;
  forEachElement(indices, g, (at, position) => {
    to[at] = position < 0 ? nothing : from[position];
  });
}

/** The reverse of {@link gatherElements}: combines updates into y in the order of their positions. */
export function scatterElements(
  reduction: number,
  indices: Int32Array,
  updates: Elements,
  y: Elements,
  g: Int32Array,
): void {
  const combine = combinerOf(reduction, y);
  const [from, to] = [updates as unknown as Numbers, y as unknown as Numbers];
  forEachElement(indices, g, (at, position) => {
    if (position >= 0) to[position] = combine(to[position], from[at]);
  });
}
