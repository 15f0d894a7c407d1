import type { ExportCall, Write, Writers } from './call.js';

interface Reduced {
  axes: readonly number[];
  kept: readonly number[];
  result: readonly number[];
}

/** Reductions, searches and running sums. */
export const REDUCTIONS: Writers = {
  sum: reduction('ReduceSum'),
  max: reduction('ReduceMax'),
  min: reduction('ReduceMin'),
  prod: reduction('ReduceProd'),
  argReduce: (call) => {
    const { operation, axis, keepDims } = call.attributes<{
      operation: 'argmax' | 'argmin';
      axis: number;
      keepDims: boolean;
    }>();
    const opType = operation === 'argmax' ? 'ArgMax' : 'ArgMin';
    return call.writer.narrow(call.add(opType, call.inputs, { axis, keepdims: Number(keepDims) }));
  },
  topK: (call) => {
    const { k, axis, largest } = call.attributes<{ k: number; axis: number; largest: boolean }>();
    const inputs = [call.input(0), call.writer.integers([k])];
    const [values, positions] = call.writer.addAll('TopK', inputs, { axis, largest: Number(largest) }, 2);
    return [values, call.isUsed(1) ? call.writer.narrow(positions) : positions];
  },
  cumSum: (call) => {
    const { axis, exclusive, reverse } = call.attributes<{ axis: number; exclusive: boolean; reverse: boolean }>();
    const attributes = { exclusive: Number(exclusive), reverse: Number(reverse) };
    return call.add('CumSum', [call.input(0), call.writer.integers(axis)], attributes);
  },
};

function reduction(opType: string): Write {
  return (call) => {
    const { axes, kept, result } = call.attributes<Reduced>();
    return reduced(call, opType, call.input(0), axes, kept.length === result.length);
  };
}

/** Axes are an input of ReduceSum since opset 13, of the others since 18. */
export function reduced(
  call: ExportCall,
  opType: string,
  x: string,
  axes: readonly number[],
  keepDims: boolean,
): string {
  const keepdims = Number(keepDims);
  if (axes.length === 0) return call.add('Identity', [x]);
  if (opType !== 'ReduceSum' && call.writer.opset < 18) return call.add(opType, [x], { axes, keepdims });
  return call.add(opType, [x, call.writer.integers(axes)], { keepdims });
}
