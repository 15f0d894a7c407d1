import { full, tensor } from '../../creation.js';
import type { DType } from '../../dtype.js';
import { cast, dropout } from '../../ops/index.js';
import { sizeOf } from '../../shape.js';
import type { Tensor } from '../../tensor.js';
import { elementOf, elementTypeOf } from '../elementtype.js';
import { FLAG, type NodeFacts, type OperatorCall } from '../operator.js';
import type { Family } from './families.js';

/** Constants, sizes, types, and what is nothing at inference. */
export const CONSTANTS: Family = {
  Constant: {
    inputs: [0, 0],
    attributes: {
      value: 'tensor',
      value_float: 'float',
      value_floats: 'floats',
      value_int: 'int',
      value_ints: 'ints',
    },
    evaluate: constant,
  },
  ConstantOfShape: {
    since: 9,
    inputs: [1, 1],
    attributes: { value: 'tensor' },
    evaluate: (call) => {
      const value = call.tensor('value');
      if (value && value.size !== 1) throw call.malformed(`value has ${value.size} elements, not one`);
      return full(call.numbers(0) as number[], value?.item() ?? 0, { dtype: value?.dtype ?? 'float32' });
    },
  },
  Identity: { inputs: [1, 1], evaluate: (call) => call.input(0) },
  Dropout: {
    inputs: [1, 3],
    outputs: 2,
    attributes: { ratio: 'float', seed: 'int' },
    evaluate: (call) => {
      const x = call.input(0);
      const p = call.float('ratio') ?? call.number(1) ?? 0.5;
      const y = call.training ? dropout(x, p) : x;
      // Before opset 12 the mask of a dropout that drops nothing is empty, as onnxruntime has it.
      return call.gives(1) ? [y, full(x.shape, Number(call.opset >= 12), { dtype: 'bool' })] : y;
    },
  },
  Shape: {
    inputs: [1, 1],
    attributes: { end: 'int', start: 'int' },
    evaluate: (call) => {
      const { shape } = call.input(0);
      return tensor(Int32Array.from(shape.slice(call.int('start', 0), call.int('end'))));
    },
  },
  Size: {
    inputs: [1, 1],
    evaluate: (call) => tensor(Int32Array.of(sizeOf(call.input(0).shape)), []),
  },
  Range: {
    since: 11,
    inputs: [3, 3],
    evaluate: (call) => {
      const [start, limit, delta] = [0, 1, 2].map((position) => call.number(position) as number);
      if (delta === 0) throw call.malformed('the step is 0');
      const length = Math.max(0, Math.ceil((limit - start) / delta));
      const { dtype } = call.input<Tensor>(0);
      const values = Float64Array.from({ length }, (_, i) => start + i * delta);
      return cast(tensor(values), dtype);
    },
  },
  Cast: {
    inputs: [1, 1],
    attributes: { round_mode: ['up'], saturate: FLAG, to: 'int' },
    unsupported: (facts) => {
      const target = targetOf(facts);
      return target.type ? undefined : target.problem;
    },
    evaluate: (call) => {
      const { type } = targetOf(call);
      return cast(call.input(0), type as DType);
    },
  },
  CastLike: {
    since: 15,
    inputs: [2, 2],
    attributes: { round_mode: ['up'], saturate: FLAG },
    evaluate: (call) => cast(call.input(0), call.input<Tensor>(1).dtype),
  },
};

function constant(call: OperatorCall): Tensor {
  const value = call.tensor('value');
  if (value) return value;
  const [float, int] = [call.float('value_float'), call.int('value_int')];
  if (float !== undefined) return tensor(Float32Array.of(float), []);
  if (int !== undefined) return tensor(toInt32([int]), []);
  const [floats, ints] = [call.floats('value_floats'), call.ints('value_ints')];
  if (floats) return tensor(Float32Array.from(floats));
  if (ints) return tensor(toInt32(ints));
  throw call.malformed('it has no value');
}

function toInt32(values: readonly number[]): Int32Array {
  return Int32Array.from(values, (value) => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, value)));
}

/** Types whose conversion is exactly that of the type they are computed in. */
const CAST_TARGETS = ['float32', 'float16', 'bfloat16', 'float64', 'int32', 'int64', 'uint8', 'bool'];

function targetOf(facts: NodeFacts): { type: DType | null; problem: string } {
  const code = facts.int('to', 0);
  const type = elementTypeOf(code);
  if (type && CAST_TARGETS.includes(type)) return { type: elementOf(type).dtype, problem: '' };
  return { type: null, problem: `conversion to ${type ?? `element type ${code}`}` };
}
