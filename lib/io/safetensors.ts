import { readFile } from 'node:fs/promises';
import { DTYPES, type DType, type TypedArrays } from '../dtype.js';
import { ConvforgeError } from '../errors.js';
import { brainToNumber, halfToNumber } from '../float16.js';
import type { StateDict } from '../nn/module.js';
import { formatShape, type Shape, sizeOf } from '../shape.js';
import { Tensor } from '../tensor.js';
import { replaceFile } from './replacefile.js';

/** Tensors of a safetensors file, and the strings stored beside them. */
export interface SafetensorsFile {
  tensors: StateDict;
  metadata: Record<string, string>;
}

const NAMES: Record<DType, string> = {
  float32: 'F32',
  float64: 'F64',
  int32: 'I32',
  int64: 'I64',
  uint8: 'U8',
  bool: 'BOOL',
};
const DTYPE_OF = new Map(Object.entries(NAMES).map(([dtype, name]) => [name, dtype as DType]));
/** 16-bit floats are widened to float32 while reading. */
const WIDENED: Record<string, (bits: number) => number> = { F16: halfToNumber, BF16: brainToNumber };
/** The reference implementation refuses longer headers too. */
const LARGEST_HEADER = 100_000_000;

interface Entry {
  dtype: string;
  shape: Shape;
  data_offsets: [number, number];
}

/**
 * Packs tensors into the bytes of a safetensors file: an 8-byte header length, a JSON header, then the elements, little
 * endian (https://github.com/huggingface/safetensors describes the format).
 *
 * @throws ConvforgeError ERR_FILE_FORMAT for a tensor named `__metadata__`
 */
export function encodeSafetensors(tensors: Readonly<StateDict>, metadata: Record<string, string> = {}): Uint8Array {
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length) header.__metadata__ = metadata;
  let offset = 0;
  for (const [name, tensor] of Object.entries(tensors)) {
    if (name === '__metadata__')
      throw new ConvforgeError('ERR_FILE_FORMAT', 'encodeSafetensors: __metadata__ is not a tensor name');
    const end = offset + tensor.storage.values.byteLength;
    header[name] = { dtype: NAMES[tensor.dtype], shape: tensor.shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  // Padded with spaces so that the data starts on 8 bytes, and can be viewed without a copy.
  const headerLength = Math.ceil(json.length / 8) * 8;
  const bytes = Buffer.alloc(8 + headerLength + offset, ' ');
  bytes.writeBigUInt64LE(BigInt(headerLength), 0);
  json.copy(bytes, 8);
  let position = 8 + headerLength;
  for (const { storage } of Object.values(tensors)) {
    const { buffer, byteOffset, byteLength } = storage.values;
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), position);
    position += byteLength;
  }
  return bytes;
}

/**
 * Reads the bytes of a safetensors file. float16 and bfloat16 come back as float32.
 *
 * @throws ConvforgeError ERR_FILE_FORMAT for bytes that are cut off, inconsistent, or of an unknown element type
 */
export function decodeSafetensors(file: Uint8Array): SafetensorsFile {
  // A Buffer's slice() shares memory where a Uint8Array's copies.
  const bytes = new Uint8Array(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.byteLength < 8) throw damaged(`${bytes.byteLength} bytes are too few for a header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  if (headerLength > LARGEST_HEADER || 8 + headerLength > bytes.byteLength) {
    throw damaged(`a header of ${headerLength} bytes does not fit into a file of ${bytes.byteLength}`);
  }
  const { __metadata__: metadata = {}, ...entries } = parseHeader(bytes.subarray(8, 8 + headerLength));
  const data = bytes.subarray(8 + headerLength);
  const tensors = new Map<string, Tensor>();
  let covered = 0;
  for (const [name, entry] of Object.entries(entries).sort(byOffset)) {
    const { dtype, shape, data_offsets } = checkEntry(name, entry);
    const [begin, end] = data_offsets;
    if (begin !== covered) throw damaged(`${name} starts at byte ${begin} of the data, ${covered} expected`);
    covered = end;
    if (end > data.byteLength) throw damaged(`${name} ends at byte ${end} of ${data.byteLength} bytes of data`);
    tensors.set(name, readTensor(name, dtype, shape, data.slice(begin, end)));
  }
  if (covered !== data.byteLength) throw damaged(`${data.byteLength - covered} bytes follow the last tensor`);
  // The order of the header is the order the tensors were saved in.
  return {
    tensors: Object.fromEntries(Object.keys(entries).map((name) => [name, tensors.get(name) as Tensor])),
    metadata: checkMetadata(metadata),
  };
}

/** Writes tensors to a safetensors file: to a new file first, which then takes the old one's place in one step. */
export async function saveSafetensors(
  path: string,
  tensors: Readonly<StateDict>,
  metadata: Record<string, string> = {},
): Promise<void> {
  await replaceFile(path, encodeSafetensors(tensors, metadata));
}

/**
 * Reads a safetensors file; see {@link decodeSafetensors}.
 *
 * @throws ConvforgeError ERR_FILE_FORMAT naming the file; the system's error when it cannot be read
 */
export async function loadSafetensors(path: string): Promise<SafetensorsFile> {
  const bytes = await readFile(path);
  try {
    return decodeSafetensors(bytes);
  } catch (error) {
    if (!(error instanceof ConvforgeError)) throw error;
    throw new ConvforgeError('ERR_FILE_FORMAT', `${path}: ${error.message}`, { cause: error });
  }
}

function damaged(why: string): ConvforgeError {
  return new ConvforgeError('ERR_FILE_FORMAT', `decodeSafetensors: ${why}`);
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw damaged(`the header is not JSON: ${(error as Error).message}`);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    throw damaged('the header is not an object');
  return header as Record<string, unknown>;
}

function byOffset([, a]: [string, unknown], [, b]: [string, unknown]): number {
  const begin = (entry: unknown) => Number((entry as Partial<Entry> | null)?.data_offsets?.[0] ?? 0);
  const end = (entry: unknown) => Number((entry as Partial<Entry> | null)?.data_offsets?.[1] ?? 0);
  return begin(a) - begin(b) || end(a) - end(b);
}

function checkEntry(name: string, entry: unknown): Entry {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Partial<Entry>;
  const isCount = (v: unknown) => Number.isSafeInteger(v) && (v as number) >= 0;
  if (typeof dtype !== 'string' || !Array.isArray(shape) || !shape.every(isCount))
    throw damaged(`${name} has no dtype and shape`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount) || offsets[0] > offsets[1]) {
    throw damaged(`${name} has no valid data_offsets`);
  }
  return { dtype, shape, data_offsets: offsets };
}

function checkMetadata(metadata: unknown): Record<string, string> {
  const isStrings =
    typeof metadata === 'object' && metadata !== null && Object.values(metadata).every((v) => typeof v === 'string');
  if (!isStrings) throw damaged('__metadata__ must map strings to strings');
  return metadata as Record<string, string>;
}

function readTensor(name: string, type: string, shape: Shape, bytes: Uint8Array): Tensor {
  const dtype = DTYPE_OF.get(type);
  const widen = WIDENED[type];
  if (!dtype && !widen) throw damaged(`${name} has element type ${type}, which convforge does not keep`);
  const elementBytes = dtype ? DTYPES[dtype].bytes : 2;
  if (sizeOf(shape) * elementBytes !== bytes.byteLength) {
    throw damaged(`${name} ${formatShape(shape)} of ${type} does not fill its ${bytes.byteLength} bytes`);
  }
  if (!dtype) {
    const bits = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
    return new Tensor('float32', Float32Array.from(bits, widen), shape);
  }
  const ArrayOver = DTYPES[dtype].array as unknown as new (buffer: ArrayBufferLike) => TypedArrays[DType];
  return new Tensor(dtype, new ArrayOver(bytes.buffer), shape);
}
