import { type DType, dtypeOf, firstBeyond32Bits, type TypedArrays } from '../dtype.js';
import { ArgumentError, check, DTypeError } from '../errors.js';
import { cast } from '../ops/cast.js';
import { formatShape, type Shape } from '../shape.js';
import { LazyStorage } from '../storage.js';
import { Tensor } from '../tensor.js';
import type { ValueMetadata } from './source.js';

/** A tensor of convforge, or one of another package that has the same properties. */
export type Feed = Tensor | { readonly type: string; readonly dims: readonly number[]; readonly data: unknown };

/** Dtypes of tensors that an input of each declared type takes; integers of other types take int32. */
const ALSO_TAKES: Readonly<Record<string, readonly DType[]>> = {
  float16: ['float32'],
  float64: ['float64', 'float32'],
  float32: ['float32'],
  int64: ['int64', 'int32'],
  bool: ['bool', 'uint8'],
  uint8: ['uint8'],
};

/**
 * What a user feeds to an input, as a tensor of a type and shape that it takes.
 *
 * @throws ArgumentError, DTypeError or ShapeError when it is something else
 */
export function checkFeed(input: ValueMetadata, feed: unknown): Tensor {
  const tensor = asTensor(input, feed);
  const takes = ALSO_TAKES[input.type] ?? ['int32'];
  check(
    takes.includes(tensor.dtype),
    'run',
    () => `input '${input.name}' is ${input.type}, got a tensor of ${tensor.dtype}`,
    DTypeError,
  );
  checkShape(input, tensor.shape);
  return tensor;
}

/**
 * A checked feed in the dtype it is computed in.
 *
 * @throws ArgumentError when an integer of 64 bits does not fit into 32
 */
export function convertFeed(input: ValueMetadata, tensor: Tensor, dtype: DType): Tensor {
  if (tensor.dtype === 'int64' && dtype === 'int32') {
    const elements = tensor.storage.read() as BigInt64Array;
    const at = firstBeyond32Bits(elements);
    check(
      at < 0,
      'run',
      () => `input '${input.name}': element ${at} is ${elements[at]}; integers are computed in 32 bits`,
      ArgumentError,
    );
  }
  return cast(tensor.detach(), dtype);
}

function asTensor(input: ValueMetadata, feed: unknown): Tensor {
  if (feed instanceof Tensor) return feed;
  const { type, dims, data } = (feed ?? {}) as { type?: unknown; dims?: unknown; data?: unknown };
  const values = Array.isArray(dims) ? dtypeOf(data) : undefined;
  check(
    values !== undefined,
    'run',
    () => `input '${input.name}' must be a tensor, got ${describe(feed)}`,
    ArgumentError,
  );
  const dtype = type === 'bool' && values === 'uint8' ? 'bool' : values;
  return new Tensor(dtype as DType, data as TypedArrays[DType], dims as Shape);
}

function describe(feed: unknown): string {
  if (feed === undefined || feed === null) return String(feed);
  return typeof feed === 'object' ? (feed.constructor?.name ?? 'an object') : typeof feed;
}

function checkShape({ name, shape: declared }: ValueMetadata, shape: Shape): void {
  // An input whose rank is open has no sizes either.
  const fits =
    declared.length === 0 ||
    (declared.length === shape.length &&
      declared.every((extent, axis) => typeof extent === 'string' || extent === shape[axis]));
  check(
    fits,
    'run',
    () => `input '${name}' is [${declared.map((extent) => extent || '?').join(', ')}], got ${formatShape(shape)}`,
  );
}

/** A result in the type that the model declares. */
export function convertOutput(output: ValueMetadata | undefined, result: Tensor): Tensor {
  const declared = output?.type;
  if (declared === 'int64' && result.dtype === 'int32') return result.to('int64');
  if (declared === 'bool' && result.dtype === 'uint8')
    return new Tensor('bool', result.storage.values as Uint8Array, result.shape);
  return result;
}

/**
 * Memory of a user's tensor that a run can write an output to directly; null where it has to be copied.
 *
 * @throws ArgumentError when it is no tensor
 */
export function lend(name: string, given: unknown, dtype: DType, shape: Shape): Tensor | null {
  if (given === null || given === undefined) return null;
  check(given instanceof Tensor, 'run', () => `output '${name}' must be a tensor to write to or null`, ArgumentError);
  check(
    formatShape(given.shape) === formatShape(shape),
    'run',
    () => `output '${name}' is ${formatShape(shape)}, the tensor to write to is ${formatShape(given.shape)}`,
  );
  return given.dtype === dtype && !(given.storage instanceof LazyStorage) ? given : null;
}
