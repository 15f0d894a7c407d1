import { check, DTypeError } from './errors.js';

/** Array that holds the elements of each dtype. bool is stored as bytes 0 and 1. */
export interface TypedArrays {
  float32: Float32Array;
  float64: Float64Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

export type DType = keyof TypedArrays;
/** Dtypes that operations compute with. float64 always runs on the TypeScript kernels. */
export type FloatDType = 'float32' | 'float64';
export type TypedArray = TypedArrays[DType];

export const DTYPES: {
  readonly [D in DType]: { readonly array: new (length: number) => TypedArrays[D]; readonly bytes: number };
} = {
  float32: { array: Float32Array, bytes: 4 },
  float64: { array: Float64Array, bytes: 8 },
  int32: { array: Int32Array, bytes: 4 },
  int64: { array: BigInt64Array, bytes: 8 },
  uint8: { array: Uint8Array, bytes: 1 },
  bool: { array: Uint8Array, bytes: 1 },
};

export function isDType(value: unknown): value is DType {
  return typeof value === 'string' && Object.hasOwn(DTYPES, value);
}

export function isFloat(dtype: DType): dtype is FloatDType {
  return dtype === 'float32' || dtype === 'float64';
}

/**
 * An element as an array of `dtype` keeps it: towards integers the fraction is cut off and the value wraps around, NaN
 * becomes 0, bool is 0 or 1. The only conversion rule; without it a fraction for int64 would be a RangeError of the engine.
 */
export function convertElement(dtype: DType, element: number | bigint | boolean): number | bigint {
  if (dtype === 'int64') {
    if (typeof element !== 'number') return BigInt(element);
    return BigInt(Number.isFinite(element) ? Math.trunc(element) : 0);
  }
  if (dtype === 'bool') return Number(element) === 0 ? 0 : 1;
  // The low 32 bits decide what an integer array keeps, and Number() would round a large bigint before they are cut out.
  return Number(typeof element === 'bigint' && !isFloat(dtype) ? BigInt.asIntN(32, element) : element);
}

/** The dtype a bare typed array stands for; undefined when it is not one convforge keeps. */
export function dtypeOf(data: unknown): Exclude<DType, 'bool'> | undefined {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof BigInt64Array) return 'int64';
  if (data instanceof Uint8Array) return 'uint8';
  return undefined;
}

interface Typed {
  dtype: DType;
}

/** Throws unless all given dtypes are one and the same floating-point type. */
export function checkFloat(operation: string, ...operands: readonly Typed[]): void {
  const { dtype } = operands[0];
  check(
    isFloat(dtype),
    operation,
    () => `expects float32 or float64, got ${dtype}; convert with .to('float32')`,
    DTypeError,
  );
  checkSame(operation, ...operands);
}

/** Throws unless all given dtypes are one and the same type that has arithmetic: floating point or int32. */
export function checkNumeric(operation: string, ...operands: readonly Typed[]): void {
  const { dtype } = operands[0];
  check(
    isFloat(dtype) || dtype === 'int32',
    operation,
    () => `expects float32, float64 or int32, got ${dtype}; convert with .to('int32')`,
    DTypeError,
  );
  checkSame(operation, ...operands);
}

/** Throws unless all given dtypes are the same. */
export function checkSame(operation: string, ...operands: readonly Typed[]): void {
  const { dtype } = operands[0];
  for (const operand of operands) {
    check(
      operand.dtype === dtype,
      operation,
      () => `operands must share one dtype, got ${dtype} and ${operand.dtype}`,
      DTypeError,
    );
  }
}

/** Where the first integer is that a cast to int32 would wrap around; -1 if there is none. */
export function firstBeyond32Bits(elements: BigInt64Array): number {
  // As numbers: comparing bigints takes several times as long, and labels of segmentations are millions.
  return elements.findIndex((element) => (Number(element) | 0) !== Number(element));
}
