import { full } from '../../creation.js';
import {
  concat,
  expand,
  flip,
  pad,
  permute,
  reshape,
  type SliceRange,
  slice,
  tile,
  tril,
  triu,
} from '../../ops/index.js';
import { broadcastShapes, sizeOf } from '../../shape.js';
import type { Tensor } from '../../tensor.js';
import { FLAG, type OperatorCall } from '../operator.js';
import type { Family } from './families.js';

export const SHAPES: Family = {
  Reshape: {
    inputs: [2, 2],
    attributes: { allowzero: FLAG },
    evaluate: (call) => {
      const x = call.input(0);
      const target = call.numbers(1) as number[];
      const keepsZeros = call.flag('allowzero');
      return reshape(
        x,
        target.map((extent, axis) => (extent === 0 && !keepsZeros ? (x.shape[axis] ?? 0) : extent)),
      );
    },
  },
  Flatten: {
    inputs: [1, 1],
    attributes: { axis: 'int' },
    evaluate: (call) => {
      const x = call.input(0);
      const axis = call.int('axis', 1);
      const first = axis < 0 ? axis + x.rank : axis;
      return reshape(x, [sizeOf(x.shape.slice(0, first)), sizeOf(x.shape.slice(first))]);
    },
  },
  Squeeze: {
    inputs: [1, 2],
    attributes: { axes: 'ints' },
    evaluate: (call) => {
      const x = call.input(0);
      const axes = call.integers('axes', 1)?.map((axis) => axisOf(call, axis, x.rank));
      const isDropped = (extent: number, axis: number) => axes?.includes(axis) ?? extent === 1;
      const kept = x.shape.filter((extent, axis) => !isDropped(extent, axis));
      if (sizeOf(kept) !== x.size)
        throw call.malformed(`axes [${axes?.join(', ')}] of [${x.shape.join(', ')}] are not 1`);
      return reshape(x, kept);
    },
  },
  Unsqueeze: {
    inputs: [1, 2],
    attributes: { axes: 'ints' },
    evaluate: (call) => {
      const x = call.input(0);
      const given = call.integers('axes', 1);
      if (!given) throw call.malformed('axes are missing');
      const rank = x.rank + given.length;
      const axes = new Set(given.map((axis) => axisOf(call, axis, rank)));
      if (axes.size < given.length) throw call.malformed(`an axis stands twice in [${given.join(', ')}]`);
      const extents = [...x.shape];
      const shape = Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? 1 : (extents.shift() as number)));
      return reshape(x, shape);
    },
  },
  Transpose: {
    inputs: [1, 1],
    attributes: { perm: 'ints' },
    evaluate: (call) => {
      const x = call.input(0);
      return permute(x, call.ints('perm') ?? x.shape.map((_, axis) => x.rank - 1 - axis));
    },
  },
  Concat: {
    inputs: [1, Infinity],
    attributes: { axis: 'int' },
    evaluate: (call) => {
      const axis = call.int('axis');
      if (axis === undefined) throw call.malformed('axis is missing');
      return concat(call.inputs(), axis);
    },
  },
  Split: {
    inputs: [1, 2],
    outputs: Infinity,
    attributes: { axis: 'int', num_outputs: 'int', split: 'ints' },
    evaluate: split,
  },
  Slice: {
    inputs: [1, 5],
    attributes: { axes: 'ints', ends: 'ints', starts: 'ints' },
    evaluate: sliced,
  },
  Pad: {
    inputs: [1, 4],
    attributes: { mode: ['constant', 'reflect', 'edge', 'wrap'], pads: 'ints', value: 'float' },
    evaluate: padded,
  },
  Expand: {
    since: 8,
    inputs: [2, 2],
    evaluate: (call) => {
      const x = call.input(0);
      return expand(x, broadcastShapes('Expand', x.shape, call.numbers(1) as number[]));
    },
  },
  Tile: { inputs: [2, 2], evaluate: (call) => tile(call.input(0), call.numbers(1) as number[]) },
  Trilu: {
    since: 14,
    inputs: [1, 2],
    attributes: { upper: FLAG },
    evaluate: (call) => {
      const diagonal = call.number(1) ?? 0;
      return call.flag('upper', true) ? triu(call.input(0), diagonal) : tril(call.input(0), diagonal);
    },
  },
  DepthToSpace: {
    inputs: [1, 1],
    attributes: { blocksize: 'int', mode: ['DCR', 'CRD'] },
    evaluate: (call) => {
      const x = call.input(0);
      const block = blockSize(call, x);
      const [n, c, h, w] = x.shape;
      const depth = c / block ** 2;
      // DCR: a channel is [block row, block column, depth]; CRD: [depth, block row, block column].
      const isDcr = call.string('mode', 'DCR') === 'DCR';
      const parts = reshape(x, isDcr ? [n, block, block, depth, h, w] : [n, depth, block, block, h, w]);
      const order = isDcr ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3];
      return reshape(permute(parts, order), [n, depth, h * block, w * block]);
    },
  },
  SpaceToDepth: {
    inputs: [1, 1],
    attributes: { blocksize: 'int' },
    evaluate: (call) => {
      const x = call.input(0);
      const block = blockSize(call, x);
      const [n, c, h, w] = x.shape;
      const parts = reshape(x, [n, c, h / block, block, w / block, block]);
      return reshape(permute(parts, [0, 3, 5, 1, 2, 4]), [n, c * block ** 2, h / block, w / block]);
    },
  },
};

function axisOf(call: OperatorCall, axis: number, rank: number): number {
  if (axis < -rank || axis >= rank) throw call.malformed(`axis ${axis} is outside a tensor of ${rank} axes`);
  return axis < 0 ? axis + rank : axis;
}

function blockSize(call: OperatorCall, x: Tensor): number {
  const block = call.int('blocksize', 0);
  if (block < 1) throw call.malformed(`blocksize is ${block}`);
  if (x.rank !== 4) throw call.malformed(`x must be [n, channels, height, width], got [${x.shape.join(', ')}]`);
  return block;
}

/** Sizes are an attribute before opset 13, then an input; without them parts are equal, the last one smaller. */
function split(call: OperatorCall): readonly Tensor[] {
  const x = call.input(0);
  const axis = axisOf(call, call.int('axis', 0), x.rank);
  const extent = x.shape[axis];
  const parts = call.int('num_outputs') ?? call.node.declaredOutputs;
  const size = Math.ceil(extent / parts);
  const sizes =
    call.integers('split', 1) ??
    Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(size, extent - i * size)));
  if (sizes.reduce((sum, each) => sum + each, 0) !== extent) {
    throw call.malformed(`parts of [${sizes.join(', ')}] do not make up the ${extent} of axis ${axis}`);
  }
  const before = new Array<null>(axis).fill(null);
  let start = 0;
  return sizes.map((each) => {
    const part = slice(x, [...before, [start, start + each]]);
    start += each;
    return part;
  });
}

/** A slice with positive steps; axes that are walked backwards are flipped first. */
function sliced(call: OperatorCall): Tensor {
  const x = call.input(0);
  const starts = call.integers('starts', 1);
  const ends = call.integers('ends', 2);
  if (!starts || !ends) throw call.malformed('starts or ends are missing');
  const axes = (call.integers('axes', 3) ?? starts.map((_, i) => i)).map((axis) => axisOf(call, axis, x.rank));
  const steps = call.numbers(4) ?? starts.map(() => 1);
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length) {
    throw call.malformed('starts, ends, axes and steps differ in length');
  }
  const backwards = axes.filter((_, i) => steps[i] < 0);
  const ranges: SliceRange[] = x.shape.map(() => null);
  axes.forEach((axis, i) => {
    if (steps[i] === 0) throw call.malformed('a step is 0');
    const extent = x.shape[axis];
    const place = (position: number, least: number, most: number) =>
      Math.max(least, Math.min(most, position < 0 ? position + extent : position));
    if (steps[i] > 0) ranges[axis] = [place(starts[i], 0, extent), place(ends[i], 0, extent), steps[i]];
    else {
      const [first, stop] = [place(starts[i], -1, extent - 1), place(ends[i], -1, extent - 1)];
      ranges[axis] = [extent - 1 - first, Math.max(extent - 1 - first, extent - 1 - stop), -steps[i]];
    }
  });
  return slice(backwards.length ? flip(x, backwards) : x, ranges);
}

const PAD_MODES = { constant: 'constant', reflect: 'reflect', edge: 'replicate', wrap: 'circular' } as const;

/**
 * Widths below 0 cut off: after padding with a constant, of which more may be cut off than there was before; before padding
 * with copies, which are then of what is left.
 */
function padded(call: OperatorCall): Tensor {
  const x = call.input(0);
  const pads = call.integers('pads', 1);
  const axes = call.numbers(3)?.map((axis) => axisOf(call, axis, x.rank)) ?? x.shape.map((_, axis) => axis);
  if (pads?.length !== 2 * axes.length) {
    throw call.malformed(`pads has ${pads?.length ?? 0} elements, ${axes.length} axes take ${2 * axes.length}`);
  }
  const widths = x.shape.map((): [before: number, after: number] => [0, 0]);
  axes.forEach((axis, i) => {
    widths[axis] = [pads[i], pads[i + axes.length]];
  });
  return call.string('mode', 'constant') === 'constant'
    ? cut(enlarged(call, x, widths), widths)
    : enlarged(call, cut(x, widths), widths);
}

function cut(x: Tensor, widths: readonly (readonly [number, number])[]): Tensor {
  if (widths.every(([before, after]) => before >= 0 && after >= 0)) return x;
  return slice(
    x,
    x.shape.map((extent, axis) => {
      const [before, after] = widths[axis];
      return [Math.max(0, -before), Math.max(0, extent + Math.min(0, after))];
    }),
  );
}

/** The last two axes are padded at once, others one by one as rows of a matrix. */
function enlarged(call: OperatorCall, x: Tensor, widths: readonly (readonly [number, number])[]): Tensor {
  const mode = PAD_MODES[call.string('mode', 'constant') as keyof typeof PAD_MODES];
  const value = call.float('value') ?? call.number(2) ?? 0;
  const width = (axis: number) => widths[axis].map((each) => Math.max(0, each)) as [number, number];
  const isImage = x.isFloat() && x.rank >= 2;
  const [row, column] = [x.rank - 2, x.rank - 1];
  let y = x;
  for (let axis = 0; axis < (isImage ? row : x.rank); axis++) y = padAxis(call, y, axis, width(axis), mode, value);
  if (!isImage || [...width(row), ...width(column)].every((each) => each === 0)) return y;
  const [[top, bottom], [left, right]] = [width(row), width(column)];
  return pad(y, [top, left, bottom, right], { mode, value });
}

function padAxis(
  call: OperatorCall,
  x: Tensor,
  axis: number,
  [before, after]: readonly [number, number],
  mode: (typeof PAD_MODES)[keyof typeof PAD_MODES],
  value: number,
): Tensor {
  if (before === 0 && after === 0) return x;
  const shape = x.shape.with(axis, x.shape[axis] + before + after);
  if (x.isFloat()) {
    const rows = reshape(x, [sizeOf(x.shape.slice(0, axis)), x.shape[axis], sizeOf(x.shape.slice(axis + 1))]);
    return reshape(pad(rows, [before, 0, after, 0], { mode, value }), shape);
  }
  if (mode !== 'constant') throw call.unsupported(`mode ${call.string('mode')} for elements of type ${x.dtype}`);
  const filled = (extent: number) => full(x.shape.with(axis, extent), value, { dtype: x.dtype });
  return concat([filled(before), x, filled(after)], axis);
}
