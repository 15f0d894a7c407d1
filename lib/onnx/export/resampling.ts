import { tensor } from '../../creation.js';
import type { ResampleTable } from '../../ops/resample.js';
import {
  type AxisResize,
  type CoordinateTransform,
  coordinateOf,
  NEAREST_MODES,
  resizeTable,
} from '../../ops/resizetable.js';
import type { ExportCall, Writers } from './call.js';

interface Resample {
  axis: number;
  table: ResampleTable;
}

/** Coordinates that a table without further parameters may come from, the usual ones first. */
const TRANSFORMS: readonly CoordinateTransform[] = ['asymmetric', 'half_pixel', 'align_corners', 'pytorch_half_pixel'];

export const RESAMPLING: Writers = {
  resample: (call) => {
    const { axis, table } = call.attributes<Resample>();
    return recognised(call, axis, table) ?? summed(call, axis, table);
  },
};

/** Weights that PyTorch and ONNX round differently are this close. */
const CLOSE = 4e-6;

/** Resize, if its rules give the same table. */
function recognised(call: ExportCall, axis: number, table: ResampleTable): string | null {
  const input = call.shape()[axis];
  const output = table.count;
  const scale = output / input;
  for (const method of methods(call.writer.opset)) {
    const coordinate = coordinateOf(method.transform, input, output, scale, [0, 1]);
    if (sameTable(resizeTable({ ...method, input, output, scale, coordinate }), table)) return resized(call, method);
  }
  return null;
}

type Method = Omit<AxisResize, 'input' | 'output' | 'scale' | 'coordinate'> & { transform: CoordinateTransform };

/** All that an exported Resize can say, the usual first. */
function* methods(opset: number): Generator<Method> {
  for (const transform of TRANSFORMS) {
    const simple = { transform, cubicCoeff: -0.75, excludeOutside: false, antialias: false };
    for (const nearestMode of NEAREST_MODES) yield { ...simple, mode: 'nearest', nearestMode };
    for (const mode of ['linear', 'cubic'] as const) {
      yield { ...simple, mode, nearestMode: 'floor' };
      if (opset < 18) continue;
      yield { ...simple, mode, nearestMode: 'floor', antialias: true };
      yield { ...simple, mode, nearestMode: 'floor', antialias: true, excludeOutside: true, cubicCoeff: -0.5 };
    }
  }
}

/** Whether two tables weigh the same elements alike, in whatever order and with whatever zeros between them. */
function sameTable(a: ResampleTable, b: ResampleTable): boolean {
  for (let j = 0; j < a.count; j++) {
    const differences = new Map<number, number>();
    const add = ({ count, taps, index, weights }: ResampleTable, sign: number) => {
      for (let at = j; at < count * taps; at += count) {
        if (index[at] >= 0) differences.set(index[at], (differences.get(index[at]) ?? 0) + sign * weights[at]);
      }
    };
    add(a, 1);
    add(b, -1);
    for (const difference of differences.values()) if (Math.abs(difference) > CLOSE) return false;
  }
  return true;
}

function resized(call: ExportCall, method: Method): string {
  const { mode, transform, nearestMode, antialias, excludeOutside, cubicCoeff } = method;
  const sizes = call.writer.shape(call.outputExtents());
  return call.add('Resize', [call.input(0), '', '', sizes], {
    mode,
    coordinate_transformation_mode: transform,
    ...(mode === 'nearest' ? { nearest_mode: nearestMode } : {}),
    ...(mode === 'cubic' ? { cubic_coeff_a: { float: cubicCoeff } } : {}),
    ...(antialias ? { antialias: 1, exclude_outside: Number(excludeOutside) } : {}),
  });
}

/** Any table: the sum over its taps of what is gathered, weighted. */
function summed(call: ExportCall, axis: number, { count, taps, index, weights }: ResampleTable): string {
  const behind = call.shape().slice(axis + 1);
  let sum = '';
  for (let tap = 0; tap < taps; tap++) {
    const positions = Int32Array.from({ length: count }, (_, j) => Math.max(0, index[tap * count + j]));
    const factors = Float32Array.from({ length: count }, (_, j) =>
      index[tap * count + j] < 0 ? 0 : weights[tap * count + j],
    );
    const part = call.add('Gather', [call.input(0), call.writer.constant(tensor(positions), 'positions')], { axis });
    const factor = call.writer.constant(tensor(factors, [count, ...behind.map(() => 1)]), 'factors');
    const weighted = factors.every((value) => value === 1) ? part : call.add('Mul', [part, factor]);
    sum = sum ? call.add('Add', [sum, weighted]) : weighted;
  }
  return sum;
}
