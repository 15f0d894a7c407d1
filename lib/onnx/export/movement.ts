import type { Pad2dGeometry } from '../../geometry.js';
import { PAD_MODES, type ScatterReduction } from '../../kernels/operations.js';
import type { ExportCall, Writers } from './call.js';
import { scalar } from './elementwise.js';
import { type Extent, sameExtent } from './extent.js';
import { ELEMENT_CODES } from './graphwriter.js';

/** The end of an axis, however long it is. */
const END = 2 ** 31 - 1;

/** What changes shapes and places only. */
export const MOVEMENT: Writers = {
  reshape: (call) => call.add('Reshape', [call.input(0), targetShape(call)], zeros(call) ? { allowzero: 1 } : {}),
  expand: (call) => call.add('Expand', [call.input(0), call.writer.shape(call.outputExtents())]),
  permute: (call) => call.add('Transpose', call.inputs, { perm: call.attributes<{ axes: readonly number[] }>().axes }),
  concat: (call) => call.add('Concat', call.inputs, { axis: call.attributes<{ axis: number }>().axis }),
  flip: (call) => {
    const { axes } = call.attributes<{ axes: readonly number[] }>();
    const [last, before] = [axes.map(() => -1), axes.map(() => -END)];
    return call.add('Slice', [call.input(0), ...[last, before, axes, last].map((list) => call.writer.integers(list))]);
  },
  slice: sliced,
  pad: padded,
  indexSelect: (call) => call.add('Gather', call.inputs, { axis: call.attributes<{ axis: number }>().axis }),
  gather: (call) => call.add('GatherElements', call.inputs, { axis: call.attributes<{ axis: number }>().axis }),
  gatherNd: (call) => {
    const { batchDims } = call.attributes<{ batchDims: number }>();
    return call.add('GatherND', [call.input(0), widened(call, 1)], { batch_dims: batchDims });
  },
  scatter: (call) => {
    const { axis, reduction } = call.attributes<{ axis: number; reduction: ScatterReduction }>();
    checkReduction(call, reduction);
    return call.add('ScatterElements', call.inputs, { axis, reduction });
  },
  scatterNd: (call) => {
    const { reduction } = call.attributes<{ reduction: ScatterReduction }>();
    checkReduction(call, reduction);
    return call.add('ScatterND', [call.input(0), widened(call, 1), call.input(2)], { reduction });
  },
};

function zeros(call: ExportCall): boolean {
  return call.outputExtents().includes(0);
}

/** Where sizes grow with the batch: 0 stands for the size at the same place of the input, one −1 for what is left. */
function targetShape(call: ExportCall): string {
  const from = call.extents();
  const to = call.outputExtents();
  const isKept = (extent: Extent, axis: number) => axis < from.length && sameExtent(extent, from[axis]);
  const growing = to.filter((extent, axis) => typeof extent !== 'number' && !isKept(extent, axis));
  if (growing.length > 1 || zeros(call)) return call.writer.shape(to);
  return call.writer.integers(
    to.map((extent, axis) => (typeof extent === 'number' ? extent : isKept(extent, axis) ? 0 : -1)),
  );
}

function sliced(call: ExportCall): string {
  const { starts, steps } = call.attributes<{ starts: readonly number[]; steps: readonly number[] }>();
  const twin = call.twin.attributes as { starts: readonly number[] };
  const from = call.extents();
  const to = call.outputExtents();
  const axes = from.flatMap((extent, axis) => (sameExtent(extent, to[axis]) && steps[axis] === 1 ? [] : [axis]));
  if (axes.length === 0) return call.add('Identity', call.inputs);
  if (axes.some((axis) => starts[axis] !== twin.starts[axis])) {
    throw call.writer.unsupported(
      'a slice starts at a place that depends on the batch; export with { dynamicBatch: false }',
    );
  }
  const ends = axes.map((axis) => {
    const extent = to[axis];
    if (typeof extent === 'number') return extent === 0 ? starts[axis] : starts[axis] + (extent - 1) * steps[axis] + 1;
    return END;
  });
  const lists = [axes.map((axis) => starts[axis]), ends, axes, axes.map((axis) => steps[axis])];
  return call.add('Slice', [call.input(0), ...lists.map((list) => call.writer.integers(list))]);
}

const MODES = { constant: 'constant', reflect: 'reflect', replicate: 'edge', circular: 'wrap' } as const;

function padded(call: ExportCall): string {
  const { geometry, value } = call.attributes<{ geometry: Pad2dGeometry; value: number }>();
  const { padTop, padLeft, padBottom, padRight } = geometry;
  const mode = PAD_MODES[geometry.mode];
  const others = call
    .shape()
    .slice(2)
    .map(() => 0);
  if (mode === 'circular' && call.writer.opset < 19) {
    const rank = call.shape().length;
    const rows = wrapped(call, call.input(0), rank - 2, geometry.h, padTop, padBottom);
    return wrapped(call, rows, rank - 1, geometry.w, padLeft, padRight);
  }
  const pads = call.writer.integers([...others, padTop, padLeft, ...others, padBottom, padRight]);
  const inputs = [call.input(0), pads, ...(mode === 'constant' ? [scalar(call, value)] : [])];
  return call.add('Pad', inputs, { mode: MODES[mode] });
}

/** An axis with its last elements in front of it and its first ones behind it. */
function wrapped(call: ExportCall, x: string, axis: number, extent: number, before: number, behind: number): string {
  const part = (start: number, end: number) =>
    call.add('Slice', [x, ...[start, end, axis].map((each) => call.writer.integers([each]))]);
  const parts = [...(before ? [part(extent - before, extent)] : []), x, ...(behind ? [part(0, behind)] : [])];
  return parts.length === 1 ? x : call.add('Concat', parts, { axis });
}

/** Some operators take positions of 64 bits only. */
function widened(call: ExportCall, position: number): string {
  return call.add('Cast', [call.input(position)], { to: ELEMENT_CODES.int64 });
}

function checkReduction(call: ExportCall, reduction: ScatterReduction): void {
  if (call.writer.opset >= 18 || (reduction !== 'max' && reduction !== 'min')) return;
  throw call.writer.unsupported(`${call.node.op.name} with reduction '${reduction}' needs opset 18`);
}
