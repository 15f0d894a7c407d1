import { convertElement, DTYPES, type DType, type FloatDType, isDType, type TypedArrays } from './dtype.js';
import { ArgumentError, check } from './errors.js';
import { checkIndexable } from './geometry.js';
import { defaultGenerator, type Generator } from './random.js';
import { checkShape, type Shape, sizeOf } from './shape.js';
import { type NestedArray, Tensor } from './tensor.js';

/** Options of tensor creation. */
export interface TensorOptions<D extends DType = DType> {
  /** Element type. Default float32, or what the given data stands for. */
  dtype?: D;
  /** Whether `backward()` stores a gradient for this tensor; floating point only. Default false. */
  requiresGrad?: boolean;
}

/** Options of tensors filled with random numbers. */
export interface RandomOptions<D extends FloatDType = FloatDType> extends TensorOptions<D> {
  /** Where the numbers come from. Default: the generator that `manualSeed` restarts. */
  generator?: Generator;
}

/**
 * A tensor of the given elements: a typed array (taken over without a copy) or nested arrays of numbers.
 *
 * The dtype follows the data: Float32Array float32, Float64Array float64, Int32Array int32, BigInt64Array int64,
 * Uint8Array uint8; nested arrays float32, of booleans bool, of bigints int64. `shape` defaults to the data's own.
 *
 * @throws ShapeError when the number of elements does not match `shape` or rows differ in length
 * @example
 * tensor([[1, 2], [3, 4]]).shape; // [2, 2]
 */
export function tensor(data: Float32Array, shape?: Shape, options?: TensorOptions<'float32'>): Tensor<'float32'>;
export function tensor(data: Float64Array, shape?: Shape, options?: TensorOptions<'float64'>): Tensor<'float64'>;
export function tensor(data: Int32Array, shape?: Shape, options?: TensorOptions<'int32'>): Tensor<'int32'>;
export function tensor(data: BigInt64Array, shape?: Shape, options?: TensorOptions<'int64'>): Tensor<'int64'>;
export function tensor(data: Uint8Array, shape?: Shape, options?: TensorOptions<'uint8'>): Tensor<'uint8'>;
export function tensor<D extends DType = 'float32'>(data: NestedArray, options?: TensorOptions<D>): Tensor<D>;
export function tensor<D extends DType = 'float32'>(
  data: TypedArrays[D] | NestedArray,
  shape?: Shape,
  options?: TensorOptions<D>,
): Tensor<D>;
export function tensor(
  data: TypedArrays[DType] | NestedArray,
  second?: Shape | TensorOptions,
  third?: TensorOptions,
): Tensor {
  check(
    second === undefined || (typeof second === 'object' && second !== null),
    'tensor',
    () => `the second argument must be a shape or options, got ${JSON.stringify(second)}`,
    ArgumentError,
  );
  const shape = Array.isArray(second) ? (second as Shape) : undefined;
  const { dtype, requiresGrad = false } = third ?? (shape ? {} : ((second ?? {}) as TensorOptions));
  checkDType('tensor', dtype);
  const result = dtype ? new Tensor(dtype, data, shape) : new Tensor(data, shape);
  if (requiresGrad) result.requiresGrad = true;
  return result;
}

/** A tensor of `shape` with every element `value`, converted to the dtype as `cast` does. */
export function full<D extends DType = 'float32'>(
  shape: Shape,
  value: number,
  options: TensorOptions<D> = {},
): Tensor<D> {
  const result = make('full', shape, options);
  (result.storage.values as Float32Array).fill(convertElement(result.dtype, value) as number);
  return result;
}

/** A tensor of `shape` filled with zeros. */
export function zeros<D extends DType = 'float32'>(shape: Shape, options: TensorOptions<D> = {}): Tensor<D> {
  return make('zeros', shape, options);
}

/** A tensor of `shape` filled with ones. */
export function ones<D extends DType = 'float32'>(shape: Shape, options: TensorOptions<D> = {}): Tensor<D> {
  return full(shape, 1, options);
}

/**
 * The numbers start, start + step, … below `end`, as a vector. `arange(end)` starts at 0.
 *
 * @example
 * arange(2, 10, 3).toArray(); // [2, 5, 8]
 */
export function arange(end: number): Tensor<'float32'>;
export function arange(start: number, end: number, step?: number): Tensor<'float32'>;
export function arange(first: number, second?: number, step = 1): Tensor<'float32'> {
  const [start, end] = second === undefined ? [0, first] : [first, second];
  check(
    [start, end, step].every(Number.isFinite) && step !== 0,
    'arange',
    () => `start, end and step must be finite and step not 0, got ${start}, ${end}, ${step}`,
    ArgumentError,
  );
  const length = Math.max(0, Math.ceil((end - start) / step));
  checkIndexable('arange', length);
  return tensor(Float32Array.from({ length }, (_, i) => start + i * step));
}

/** A tensor of `shape` with elements uniform in [0, 1). */
export function rand<D extends FloatDType = 'float32'>(shape: Shape, options: RandomOptions<D> = {}): Tensor<D> {
  const { generator = defaultGenerator } = options;
  return fill(make('rand', shape, options), () => generator.uniform());
}

/** A tensor of `shape` with elements normally distributed, mean 0, standard deviation 1. */
export function randn<D extends FloatDType = 'float32'>(shape: Shape, options: RandomOptions<D> = {}): Tensor<D> {
  const { generator = defaultGenerator } = options;
  return fill(make('randn', shape, options), () => generator.normal());
}

function fill<D extends FloatDType>(result: Tensor<D>, next: () => number): Tensor<D> {
  const values = result.storage.values as Float32Array;
  for (let i = 0; i < values.length; i++) values[i] = next();
  return result;
}

function make<D extends DType>(operation: string, shape: Shape, { dtype, requiresGrad }: TensorOptions<D>): Tensor<D> {
  checkShape(operation, shape);
  checkDType(operation, dtype);
  checkIndexable(operation, sizeOf(shape));
  const kind = dtype ?? ('float32' as D);
  const result = new Tensor<D>(kind, new DTYPES[kind].array(sizeOf(shape)) as TypedArrays[D], shape);
  if (requiresGrad) result.requiresGrad = true;
  return result;
}

function checkDType(operation: string, dtype: unknown): void {
  check(
    dtype === undefined || isDType(dtype),
    operation,
    () => `dtype must be one of ${Object.keys(DTYPES).join(', ')}, got ${JSON.stringify(dtype)}`,
    ArgumentError,
  );
}
