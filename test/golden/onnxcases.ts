import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DType, Tensor } from '../../lib/index.js';
import { root } from '../compiled.js';

const folder = join(root, 'test', 'golden', 'onnx');

export type StoredType = 'float32' | 'float64' | 'float16' | 'int64' | 'int32' | 'uint8' | 'bool';

/** A tensor as the case files have it. What JSON has no number for is a string. */
export interface StoredTensor {
  type: StoredType;
  dims: number[];
  data: (number | string)[];
}

/** A model with inputs and the answers of another implementation (test/golden/onnx/make_onnx.py). */
export interface OnnxCase {
  name: string;
  /** Why it exists, where the name does not say it. */
  why?: string;
  operators: string[];
  opset: number;
  /** Who computed the answers; `script` is make_onnx.py, in float64. */
  reference: 'torch' | 'onnxruntime' | 'script';
  /** How far an answer may be off, of the largest number in it. */
  tolerance?: number;
  inputs: Record<string, StoredTensor>;
  outputs: Record<string, StoredTensor>;
}

/** Cases by the name of their group. */
export const onnxCases: ReadonlyMap<string, OnnxCase[]> = new Map(
  readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => [file.slice(0, -'.json'.length), JSON.parse(readFileSync(join(folder, file), 'utf8')).cases]),
);

export const modelPath = (group: string, { name }: OnnxCase) => join(folder, group, `${name}.onnx`);

/** Types as they are inside: int64 in 32 bits, all floating point in float32. */
const INSIDE = {
  float32: 'float32',
  float64: 'float32',
  float16: 'float32',
  int64: 'int32',
  int32: 'int32',
  uint8: 'uint8',
  bool: 'bool',
} as const;

const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array, bool: Uint8Array };

/** A stored tensor in the dtype it is computed in. */
export const inside = ({ type, dims, data }: StoredTensor) =>
  new Tensor(INSIDE[type], new ARRAYS[INSIDE[type]](data.map(Number)), dims);

/** A tensor as the case files would have it. */
export const stored = ({ dtype, shape, data }: Tensor, type: string = dtype): StoredTensor => ({
  type: type as StoredTensor['type'],
  dims: [...shape],
  data: Array.from(data, Number),
});

/** What the case declares, if a tensor of that dtype is how convforge gives it. */
export const declaredType = (declared: StoredTensor | undefined, dtype: DType) =>
  declared && INSIDE[declared.type] === dtype ? declared.type : dtype;

/** What differs between two sets of outputs, in words. `tolerance` is what a case allows that says nothing itself. */
export function differences(expected: OnnxCase, actual: Record<string, StoredTensor>, tolerance: number): string[] {
  return Object.entries(expected.outputs).flatMap(([name, stored]) => {
    const found = actual[name];
    if (!found) return [`there is no ${name}`];
    const kind = ({ type, dims }: StoredTensor) => `${type} [${dims}]`;
    if (kind(stored) !== kind(found)) return [`${name} is ${kind(found)} instead of ${kind(stored)}`];
    // the files have the shortest decimals that give a float32 back
    const numbers = stored.data.map((value) =>
      stored.type === 'float32' ? Math.fround(Number(value)) : Number(value),
    );
    const problem = firstDifference(numbers, found.data.map(Number), expected.tolerance ?? tolerance);
    return problem ? [`${name}${problem}`] : [];
  });
}

function firstDifference(expected: number[], actual: number[], tolerance: number): string | undefined {
  const largest = expected.reduce(
    (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
    0,
  );
  for (const [i, value] of expected.entries()) {
    // NaN is equal to NaN, and 0 to −0, whose sign implementations do not agree on
    if (Object.is(value, actual[i]) || value === actual[i]) continue;
    if (!(Math.abs(value - actual[i]) <= tolerance * largest)) {
      return `[${i}] is ${actual[i]} instead of ${value} ± ${tolerance * largest}`;
    }
  }
  return undefined;
}

/**
 * What convforge refuses, and with which words: cases that are there so that the refusal is one, and not a wrong answer.
 */
export const REFUSED: ReadonlyMap<string, RegExp> = new Map([
  ['conv/three_dimensions', /3 spatial axes; supported are 1 and 2/],
]);

/** What sessions refuse besides: they take no feed for what has a value in the file, which onnxruntime-node ignores. */
export const SESSIONS_REFUSE: ReadonlyMap<string, RegExp> = new Map([
  ['file/initializer_fed', /there is no input 'b'; the inputs are x/],
]);
