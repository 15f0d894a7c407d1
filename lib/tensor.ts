import { type BackwardOptions, backward, type GradNode } from './autograd.js';
import {
  convertElement,
  DTYPES,
  type DType,
  dtypeOf,
  type FloatDType,
  isDType,
  isFloat,
  type TypedArrays,
} from './dtype.js';
import { ArgumentError, AutogradError, check, DTypeError } from './errors.js';
import { checkIndexable } from './geometry.js';
import * as ops from './ops/index.js';
import { checkShape, formatShape, type Shape, sizeOf } from './shape.js';
import { Storage } from './storage.js';

/** Nested arrays of numbers, all rows of one length; bigint and boolean elements serve int64 and bool. */
export type NestedArray = number | bigint | boolean | readonly NestedArray[];

/** What a tensor can be made of. */
export type TensorData = TypedArrays[DType] | NestedArray;

/**
 * A contiguous, typed, row-major n-dimensional array, on which operations are recorded for gradients.
 *
 * Made with {@link tensor}, or as users of onnxruntime write it: `new Tensor('float32', data, dims)`. Typed arrays are
 * taken over without a copy. Memory needs no disposal.
 *
 * @example
 * const x = new Tensor('float32', new Float32Array([1, 2, 3, 4]), [2, 2]);
 * x.matmul(x).toArray(); // [[7, 10], [15, 22]]
 */
export class Tensor<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: Shape;
  /** Number of elements. */
  readonly size: number;
  /** Gradient that `backward()` adds to; null before, and after `zeroGrad()`. Only leaves have one. */
  grad: Tensor<D> | null = null;
  /** Memory of this tensor, for ops and kernels. @internal */
  readonly storage: Storage<D>;
  #requiresGrad = false;
  #node: GradNode | null = null;
  #outputIndex = 0;

  /**
   * @throws ShapeError when `data` does not have as many elements as `shape`; DTypeError when it is of another type
   */
  constructor(dtype: D, data: TypedArrays[D] | NestedArray | Storage<D>, shape?: Shape);
  constructor(data: TypedArrays[D] | NestedArray, shape?: Shape);
  constructor(first: D | TensorData, second?: TensorData | Shape | Storage<D>, third?: Shape) {
    if (second instanceof Storage) {
      // Only ops take this way, with a shape they computed and memory of its size: nothing is left to check.
      this.dtype = first as D;
      this.shape = Object.freeze(third as Shape);
      this.storage = second;
      this.size = second.size;
      return;
    }
    const named = isDType(first);
    check(
      named || typeof first !== 'string',
      'Tensor',
      () => `dtype must be one of ${Object.keys(DTYPES).join(', ')}, got ${JSON.stringify(first)}`,
      ArgumentError,
    );
    const made = materialise((named ? second : first) as TensorData, named ? first : undefined);
    const shape = ((named ? third : second) as Shape | undefined) ?? made.shape;
    checkShape('Tensor', shape);
    this.dtype = made.dtype as D;
    this.shape = Object.freeze([...shape]);
    this.size = sizeOf(shape);
    checkIndexable('Tensor', this.size);
    check(
      made.values.length === this.size,
      'Tensor',
      () => `shape ${formatShape(shape)} has ${this.size} elements, data has ${made.values.length}`,
    );
    this.storage = new Storage(made.values as TypedArrays[D]);
  }

  /** The elements in row order. The array is the tensor's own memory: writing to it changes the tensor. */
  get data(): TypedArrays[D] {
    return this.storage.expose();
  }

  /** The shape, by the name onnxruntime uses. */
  get dims(): Shape {
    return this.shape;
  }

  /** The dtype, by the name onnxruntime uses. */
  get type(): D {
    return this.dtype;
  }

  /** Where the elements are, by the name onnxruntime uses: always in this process's memory. */
  get location(): 'cpu' {
    return 'cpu';
  }

  /** {@link data}, the way code for onnxruntime asks for it. */
  async getData(): Promise<TypedArrays[D]> {
    return this.data;
  }

  /** Does nothing: memory needs no disposal. Code for onnxruntime may call it. */
  dispose(): void {}

  /** Number of axes. */
  get rank(): number {
    return this.shape.length;
  }

  isFloat(): this is Tensor<FloatDType> {
    return isFloat(this.dtype);
  }

  /** Whether operations on this tensor are recorded. Set it on a leaf to train it; floating point only. */
  get requiresGrad(): boolean {
    return this.#requiresGrad;
  }

  set requiresGrad(value: boolean) {
    check(
      !value || isFloat(this.dtype),
      'requiresGrad',
      () => `only float32 and float64 tensors have gradients, this one is ${this.dtype}`,
      DTypeError,
    );
    check(
      value || !this.#node,
      'requiresGrad',
      () => 'a computed tensor cannot stop requiring grad; use detach()',
      AutogradError,
    );
    this.#requiresGrad = value;
  }

  /** The op call this tensor came from; null for a leaf. @internal */
  get node(): GradNode | null {
    return this.#node;
  }

  /** Which output of {@link node} this is. @internal */
  get outputIndex(): number {
    return this.#outputIndex;
  }

  /** Marks this tensor as output `index` of a recorded call. @internal */
  recordedBy(node: GradNode, index: number): void {
    this.#requiresGrad = true;
    this.#node = node;
    this.#outputIndex = index;
  }

  /** Adds d(this)/d(leaf) to `grad` of every leaf that requires it. `gradient` may be left out for one element. */
  backward(gradient?: Tensor<D>, options?: BackwardOptions): void {
    backward(this, gradient, options);
  }

  /** The same elements, in the same memory, cut off from the graph. */
  detach(): Tensor<D> {
    return new Tensor<D>(this.dtype, this.storage, this.shape);
  }

  /** A copy in memory of its own, cut off from the graph. */
  clone(): Tensor<D> {
    return new Tensor<D>(this.dtype, this.storage.read().slice() as TypedArrays[D], this.shape);
  }

  /** The single element as a number (int64 too, if it is a safe integer). Throws a ShapeError for any other size. */
  item(): number {
    check(this.size === 1, 'item', () => `needs exactly one element, the tensor has shape ${formatShape(this.shape)}`);
    return toNumber(this.storage.read()[0]);
  }

  /** The elements as nested arrays of numbers; a scalar gives a number. int64 gives numbers, bool gives 0 and 1. */
  toArray(): NestedArray {
    const values = this.storage.read();
    let position = 0;
    const build = (axis: number): NestedArray => {
      if (axis === this.shape.length) return toNumber(values[position++]);
      return Array.from({ length: this.shape[axis] }, () => build(axis + 1));
    };
    return build(0);
  }

  toString(): string {
    if (!this.storage.isKnown) return `Tensor(${this.dtype} ${formatShape(this.shape)}, being traced)`;
    const shown = Array.from(this.storage.values.subarray(0, 6), String).join(', ');
    return `Tensor(${this.dtype} ${formatShape(this.shape)}: ${shown}${this.size > 6 ? ', …' : ''})`;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  // Each method below is the op of the same name with this tensor as first argument; the ops are documented in lib/ops.

  add(other: ops.Operand<D>): Tensor<D> {
    return ops.add(this, other);
  }
  sub(other: ops.Operand<D>): Tensor<D> {
    return ops.sub(this, other);
  }
  mul(other: ops.Operand<D>): Tensor<D> {
    return ops.mul(this, other);
  }
  div(other: ops.Operand<D>): Tensor<D> {
    return ops.div(this, other);
  }
  pow(exponent: ops.Operand<D>): Tensor<D> {
    return ops.pow(this, exponent);
  }
  maximum(other: ops.Operand<D>): Tensor<D> {
    return ops.maximum(this, other);
  }
  minimum(other: ops.Operand<D>): Tensor<D> {
    return ops.minimum(this, other);
  }
  neg(): Tensor<D> {
    return ops.neg(this);
  }
  abs(): Tensor<D> {
    return ops.abs(this);
  }
  exp(): Tensor<D> {
    return ops.exp(this);
  }
  log(): Tensor<D> {
    return ops.log(this);
  }
  sqrt(): Tensor<D> {
    return ops.sqrt(this);
  }
  square(): Tensor<D> {
    return ops.square(this);
  }
  clip(low: number, high: number): Tensor<D> {
    return ops.clip(this, low, high);
  }
  relu(): Tensor<D> {
    return ops.relu(this);
  }
  sigmoid(): Tensor<D> {
    return ops.sigmoid(this);
  }
  tanh(): Tensor<D> {
    return ops.tanh(this);
  }
  softmax(axis?: number): Tensor<D> {
    return ops.softmax(this, axis);
  }
  logSoftmax(axis?: number): Tensor<D> {
    return ops.logSoftmax(this, axis);
  }
  eq(other: ops.Operand<D>): Tensor<'bool'> {
    return ops.eq(this, other);
  }
  ne(other: ops.Operand<D>): Tensor<'bool'> {
    return ops.ne(this, other);
  }
  lt(other: ops.Operand<D>): Tensor<'bool'> {
    return ops.lt(this, other);
  }
  le(other: ops.Operand<D>): Tensor<'bool'> {
    return ops.le(this, other);
  }
  gt(other: ops.Operand<D>): Tensor<'bool'> {
    return ops.gt(this, other);
  }
  ge(other: ops.Operand<D>): Tensor<'bool'> {
    return ops.ge(this, other);
  }
  matmul(other: Tensor<D>): Tensor<D> {
    return ops.matmul(this, other);
  }
  sum(axes?: number | readonly number[], options?: ops.ReduceOptions): Tensor<D> {
    return ops.sum(this, axes, options);
  }
  mean(axes?: number | readonly number[], options?: ops.ReduceOptions): Tensor<D> {
    return ops.mean(this, axes, options);
  }
  max(axes?: number | readonly number[], options?: ops.ReduceOptions): Tensor<D> {
    return ops.max(this, axes, options);
  }
  min(axes?: number | readonly number[], options?: ops.ReduceOptions): Tensor<D> {
    return ops.min(this, axes, options);
  }
  argmax(axis?: number, options?: ops.ReduceOptions): Tensor<'int32'> {
    return ops.argmax(this, axis, options);
  }
  argmin(axis?: number, options?: ops.ReduceOptions): Tensor<'int32'> {
    return ops.argmin(this, axis, options);
  }
  reshape(shape: Shape): Tensor<D> {
    return ops.reshape(this, shape);
  }
  flatten(startAxis?: number, endAxis?: number): Tensor<D> {
    return ops.flatten(this, startAxis, endAxis);
  }
  squeeze(axis?: number): Tensor<D> {
    return ops.squeeze(this, axis);
  }
  unsqueeze(axis: number): Tensor<D> {
    return ops.unsqueeze(this, axis);
  }
  permute(axes: readonly number[]): Tensor<D> {
    return ops.permute(this, axes);
  }
  transpose(a: number, b: number): Tensor<D> {
    return ops.transpose(this, a, b);
  }
  expand(shape: Shape): Tensor<D> {
    return ops.expand(this, shape);
  }
  slice(ranges: readonly ops.SliceRange[]): Tensor<D> {
    return ops.slice(this, ranges);
  }
  pad(padding: ops.PadWidths, options?: ops.PadOptions): Tensor<D> {
    return ops.pad(this, padding, options);
  }
  to<E extends DType>(dtype: E): Tensor<E> {
    return ops.cast(this, dtype);
  }
}

function toNumber(element: number | bigint): number {
  return Number(element);
}

interface Materialised {
  dtype: DType;
  values: TypedArrays[DType];
  shape: Shape;
}

/** Typed arrays are taken over as they are, nested arrays are copied into one. */
function materialise(data: TensorData, dtype: DType | undefined): Materialised {
  const stands = dtypeOf(data);
  if (stands) {
    const values = data as TypedArrays[DType];
    const fits = dtype === undefined || DTYPES[dtype].array === DTYPES[stands].array;
    check(
      fits,
      'Tensor',
      () => `${dtype} data must be a ${DTYPES[dtype as DType].array.name}, got ${values.constructor.name}`,
      DTypeError,
    );
    return { dtype: dtype ?? stands, values, shape: [values.length] };
  }
  check(
    typeof data === 'number' || typeof data === 'bigint' || typeof data === 'boolean' || Array.isArray(data),
    'Tensor',
    () => `data must be a typed array of a supported kind or nested arrays of numbers, got ${describe(data)}`,
    ArgumentError,
  );
  const flat: (number | bigint | boolean)[] = [];
  const shape = flatten(data as NestedArray, flat);
  const kind = dtype ?? (typeof flat[0] === 'boolean' ? 'bool' : typeof flat[0] === 'bigint' ? 'int64' : 'float32');
  const values = new DTYPES[kind].array(flat.length);
  for (let i = 0; i < flat.length; i++) values[i] = convertElement(kind, flat[i]);
  return { dtype: kind, values, shape };
}

function flatten(data: NestedArray, into: (number | bigint | boolean)[]): Shape {
  if (!Array.isArray(data)) {
    check(
      typeof data === 'number' || typeof data === 'bigint' || typeof data === 'boolean',
      'Tensor',
      () => `nested arrays must hold numbers, got ${describe(data)}`,
      ArgumentError,
    );
    into.push(data);
    return [];
  }
  const rows = data as readonly NestedArray[];
  if (rows.length === 0) return [0];
  const first = flatten(rows[0], into);
  for (let i = 1; i < rows.length; i++) {
    const shape = flatten(rows[i], into);
    check(
      formatShape(shape) === formatShape(first),
      'Tensor',
      () => `rows of nested arrays differ in shape: ${formatShape(first)} and ${formatShape(shape)}`,
    );
  }
  return [rows.length, ...first];
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'object' ? (value.constructor?.name ?? 'an object') : typeof value;
}
