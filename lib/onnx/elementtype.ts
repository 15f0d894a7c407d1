import type { DType, TypedArrays } from '../dtype.js';
import { brainToNumber, halfToNumber } from '../float16.js';

interface Element {
  /** Number in TensorProto.DataType. */
  readonly code: number;
  /** dtype it is computed in; null for what convforge does not compute with. */
  readonly dtype: DType | null;
  /** Array that views raw_data; undefined where elements are no whole bytes, or nothing is done with them. */
  readonly array?: {
    new (buffer: ArrayBufferLike, offset: number, length: number): Stored;
    readonly BYTES_PER_ELEMENT: number;
  };
  /** Field of a TensorProto for elements that are not in raw_data. */
  readonly field?: 'floatData' | 'int32Data' | 'int64Data' | 'doubleData' | 'uint64Data';
}

/** Elements as a file keeps them. 16-bit floats are their bits. */
export type Stored =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/**
 * Element types by the names onnxruntime gives them. Inside, integers of 64 bits are int32, into which constants are
 * saturated (their large values mean "to the end"), and every floating type is float32.
 */
const ELEMENTS = {
  float32: { code: 1, dtype: 'float32', array: Float32Array, field: 'floatData' },
  uint8: { code: 2, dtype: 'uint8', array: Uint8Array, field: 'int32Data' },
  int8: { code: 3, dtype: 'int32', array: Int8Array, field: 'int32Data' },
  uint16: { code: 4, dtype: 'int32', array: Uint16Array, field: 'int32Data' },
  int16: { code: 5, dtype: 'int32', array: Int16Array, field: 'int32Data' },
  int32: { code: 6, dtype: 'int32', array: Int32Array, field: 'int32Data' },
  int64: { code: 7, dtype: 'int32', array: BigInt64Array, field: 'int64Data' },
  string: { code: 8, dtype: null },
  bool: { code: 9, dtype: 'bool', array: Uint8Array, field: 'int32Data' },
  float16: { code: 10, dtype: 'float32', array: Uint16Array, field: 'int32Data' },
  float64: { code: 11, dtype: 'float32', array: Float64Array, field: 'doubleData' },
  uint32: { code: 12, dtype: 'int32', array: Uint32Array, field: 'uint64Data' },
  uint64: { code: 13, dtype: 'int32', array: BigUint64Array, field: 'uint64Data' },
  complex64: { code: 14, dtype: null },
  complex128: { code: 15, dtype: null },
  bfloat16: { code: 16, dtype: 'float32', array: Uint16Array, field: 'int32Data' },
  float8e4m3fn: { code: 17, dtype: null },
  float8e4m3fnuz: { code: 18, dtype: null },
  float8e5m2: { code: 19, dtype: null },
  float8e5m2fnuz: { code: 20, dtype: null },
  uint4: { code: 21, dtype: null },
  int4: { code: 22, dtype: null },
  float4e2m1: { code: 23, dtype: null },
  float8e8m0: { code: 24, dtype: null },
  uint2: { code: 25, dtype: null },
  int2: { code: 26, dtype: null },
} as const satisfies Record<string, Element>;

/** Name of an element type of ONNX. */
export type ElementType = keyof typeof ELEMENTS;

const BY_CODE = new Map(Object.entries(ELEMENTS).map(([name, { code }]) => [code as number, name as ElementType]));

/** The type with a number of TensorProto.DataType; undefined for a number that is none. */
export function elementTypeOf(code: number): ElementType | undefined {
  return BY_CODE.get(code);
}

export function elementOf(type: ElementType): Element {
  return ELEMENTS[type];
}

/** Converts elements of a file to those of a tensor. float32, int32 and uint8 are given back as they are. */
export function widen(type: ElementType, stored: Stored): TypedArrays[DType] {
  switch (type) {
    case 'float16':
      return Float32Array.from(stored as Uint16Array, (bits) => halfToNumber(bits & 0xffff));
    case 'bfloat16':
      return Float32Array.from(stored as Uint16Array, brainToNumber);
    case 'float64':
      return Float32Array.from(stored as Float64Array);
    case 'bool':
      return Uint8Array.from(stored as Uint8Array, (value) => Number(value !== 0));
    case 'uint8':
      return stored instanceof Uint8Array ? stored : Uint8Array.from(stored as Int32Array);
    case 'float32':
      return stored as Float32Array;
    default:
      return stored instanceof Int32Array ? stored : saturated(stored);
  }
}

/** Integers of any width as int32, the nearest where they do not fit. */
function saturated(stored: ArrayLike<number | bigint>): Int32Array {
  const values = new Int32Array(stored.length);
  for (let i = 0; i < values.length; i++) values[i] = Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Number(stored[i])));
  return values;
}
