import type { DType, TypedArrays } from '../dtype.js';
import { ModelFormatError, UnsupportedOpError } from '../errors.js';
import { MAX_RANK } from '../geometry.js';
import { formatShape, type Shape, sizeOf } from '../shape.js';
import { LazyStorage, Storage } from '../storage.js';
import { Tensor } from '../tensor.js';
import { type ElementType, elementOf, elementTypeOf, type Stored, widen } from './elementtype.js';
import { type ByteSource, BytesSource, type Location } from './proto/source.js';
import type { TensorProto } from './proto/types.js';

/** A constant tensor of a model, whose elements are read when they are needed. */
export interface Initializer {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: Shape;
  /** Where the elements lie as little-endian bytes, or the elements. */
  readonly data: Location | Stored;
}

/** Opens the file that external data is in; its name comes from the model. */
export type OpenExternal = (what: string, location: string) => ByteSource;

/** Checks a tensor of a model: its type, its sizes, and that it has as many bytes as they say. */
export function initializerOf(what: string, tensor: TensorProto, open: OpenExternal): Initializer {
  const { dataType, dims } = tensor;
  const type = elementTypeOf(dataType);
  if (!type) throw malformed(what, `element type ${dataType} does not exist`);
  const { array, dtype, field } = elementOf(type);
  if (!dtype || !array || !field) throw new UnsupportedOpError(`readModel: ${what}: its elements are of type ${type}`);
  checkDims(what, dims);
  if (tensor.isSegment) throw malformed(what, 'it is a segment of a tensor');
  const shape = Object.freeze([...dims]);
  const bytes = sizeOf(dims) * array.BYTES_PER_ELEMENT;
  const text = `${formatShape(dims)} of ${type}`;
  if (tensor.isExternal) {
    const data = externalLocation(what, tensor, bytes, text, open);
    return { name: tensor.name, type, shape, data };
  }
  const stored = tensor[field];
  if (tensor.raw) {
    if (stored.length) throw malformed(what, 'it has both raw data and typed data');
    if (tensor.raw.length !== bytes) {
      throw malformed(what, `${text} takes ${bytes} bytes, its raw data has ${tensor.raw.length}`);
    }
    return { name: tensor.name, type, shape, data: tensor.raw };
  }
  if (stored.length !== sizeOf(dims)) {
    throw malformed(what, `${text} takes ${sizeOf(dims)} elements, it has ${stored.length}`);
  }
  return { name: tensor.name, type, shape, data: stored };
}

/** The same tensor, its elements read now: for those that are looked up again and again, and after the file is closed. */
export function readNow(initializer: Initializer): Initializer {
  const { data } = initializer;
  if (!('source' in data)) return initializer;
  const source = new BytesSource(data.source.read(data.offset, data.length));
  return { ...initializer, data: { source, offset: 0, length: data.length } };
}

function checkDims(what: string, dims: readonly number[]): void {
  if (dims.some((extent) => extent < 0 || extent >= 2 ** 31) || sizeOf(dims) >= 2 ** 31) {
    throw malformed(what, `its shape ${formatShape(dims)} is impossible`);
  }
  if (dims.length > MAX_RANK) {
    throw new UnsupportedOpError(`readModel: ${what}: it has ${dims.length} axes, a tensor has at most ${MAX_RANK}`);
  }
}

function externalLocation(
  what: string,
  tensor: TensorProto,
  bytes: number,
  text: string,
  open: OpenExternal,
): Location {
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location');
  if (!location) throw malformed(what, 'its external data has no location');
  const source = open(what, location);
  const offset = externalNumber(what, 'offset', entries.get('offset')) ?? 0;
  const length = externalNumber(what, 'length', entries.get('length')) ?? source.size - offset;
  if (length !== bytes) throw malformed(what, `${text} takes ${bytes} bytes, its external data has ${length}`);
  if (offset + length > source.size) {
    throw malformed(what, `its data ends at byte ${offset + length} of ${location}, which has ${source.size}`);
  }
  return { source, offset, length };
}

function externalNumber(what: string, key: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw malformed(what, `the ${key} of its external data is ${JSON.stringify(text)}`);
  return Number(text);
}

function malformed(what: string, why: string): ModelFormatError {
  return new ModelFormatError(`readModel: ${what}: ${why}`);
}

/** Element types whose bytes in the file are those in memory. */
const VERBATIM: readonly ElementType[] = ['float32', 'int32', 'uint8'];

/** The initializer as a tensor. Its elements are read, and converted where need be, on first use. */
export function constantTensor({ type, shape, data }: Initializer): Tensor {
  const dtype = elementOf(type).dtype as DType;
  if (!('source' in data)) return new Tensor(dtype, new Storage<DType>(widen(type, data)), shape);
  const { source, offset, length } = data;
  const load = (): TypedArrays[DType] => widen(type, view(type, source.read(offset, length)));
  const place =
    typeof source.from === 'number' ? { fd: source.from, offset, byteLength: length } : source.read(offset, length);
  const storage = new LazyStorage<DType>(dtype, sizeOf(shape), load, VERBATIM.includes(type) ? place : null);
  return new Tensor(dtype, storage, shape);
}

/** Little-endian bytes as elements: a view of the same memory if they lie on a multiple of the element's size. */
function view(type: ElementType, bytes: Uint8Array): Stored {
  const { array } = elementOf(type);
  const ArrayOver = array as NonNullable<typeof array>;
  const size = ArrayOver.BYTES_PER_ELEMENT;
  const { buffer, byteOffset } = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return new ArrayOver(buffer, byteOffset, bytes.byteLength / size);
}
