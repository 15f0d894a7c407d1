import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { ModelFormatError } from '../../errors.js';
import type { ByteSource, Location } from './source.js';

/** How much of a file is in memory while its messages are walked: a page, as what lies behind a weight is often another. */
const WINDOW = 1 << 12;
/** A varint of 64 bits; no scalar is longer. */
const LONGEST_SCALAR = 10;
/** Graphs in attributes of nodes of graphs …: more than any real model, less than the stack. */
const DEEPEST = 64;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Walks protobuf messages in a {@link ByteSource}, of which only a window is in memory. Whoever reads a message is called
 * with each field's number and takes its value with the method of the field's type, or not at all. Lengths are checked
 * against the enclosing message before anything is read, so nothing larger than the source is ever allocated.
 */
export class WireReader {
  readonly #source: ByteSource;
  #window = new BinaryReader(new Uint8Array());
  #windowBytes = new Uint8Array();
  #windowStart = 0;
  /** End of the message that is being read. */
  #limit: number;
  #depth = 0;
  #type = WireType.Varint;

  constructor(source: ByteSource) {
    this.#source = source;
    this.#limit = source.size;
  }

  /** Reads the fields of the whole source. */
  root(field: (number: number) => void): void {
    this.#fields(field);
  }

  /** Reads a field that is a message. */
  message(field: (number: number) => void): void {
    const length = this.#length();
    const outer = this.#limit;
    if (++this.#depth > DEEPEST) throw this.malformed(`messages are nested more than ${DEEPEST} deep`);
    this.#limit = this.#position + length;
    this.#fields(field);
    this.#depth--;
    this.#limit = outer;
  }

  string(): string {
    const length = this.#length();
    const bytes = this.#bytes(length);
    try {
      return strictUtf8.decode(bytes);
    } catch {
      throw this.malformed('a string is not UTF-8');
    }
  }

  bytes(): Uint8Array {
    return this.#bytes(this.#length()).slice();
  }

  /** Where the bytes of a field are, without reading them. */
  location(): Location {
    const length = this.#length();
    const offset = this.#position;
    this.#seek(offset + length);
    return { source: this.#source, offset, length };
  }

  int64(): bigint {
    this.#expect(WireType.Varint);
    return this.#scalar((window) => window.int64() as bigint);
  }

  /** An int64 or int32 that must be exact as a number: a size, a version, an enumeration. */
  integer(): number {
    const value = this.int64();
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw this.malformed(`${value} is no plausible number here`);
    return number;
  }

  float(): number {
    this.#expect(WireType.Bit32);
    return this.#scalar((window) => window.float());
  }

  /** Elements of a repeated integer field, packed or one by one. */
  int64s(into: { push(value: bigint): unknown }): void {
    this.#repeated(WireType.Varint, () => into.push(this.#scalar((window) => window.int64() as bigint)));
  }

  /** Elements of a repeated uint64 field. */
  uint64s(into: { push(value: bigint): unknown }): void {
    this.#repeated(WireType.Varint, () => into.push(this.#scalar((window) => window.uint64() as bigint)));
  }

  /** Elements of a repeated int32 field. */
  int32s(into: { push(value: number): unknown }): void {
    this.#repeated(WireType.Varint, () => into.push(this.#scalar((window) => window.int32())));
  }

  /** Elements of a repeated int64 field that are sizes. */
  integers(into: { push(value: number): unknown }): void {
    this.int64s({
      push: (value) => {
        if (!Number.isSafeInteger(Number(value))) throw this.malformed(`${value} is no plausible number here`);
        into.push(Number(value));
      },
    });
  }

  floats(into: { push(value: number): unknown }): void {
    this.#repeated(WireType.Bit32, () => into.push(this.#scalar((window) => window.float())));
  }

  doubles(into: { push(value: number): unknown }): void {
    this.#repeated(WireType.Bit64, () => into.push(this.#scalar((window) => window.double())));
  }

  malformed(why: string): ModelFormatError {
    return new ModelFormatError(`readModel: ${why}, near byte ${this.#position}`);
  }

  get #position(): number {
    return this.#windowStart + this.#window.pos;
  }

  #fields(field: (number: number) => void): void {
    while (this.#position < this.#limit) {
      const [number, type] = this.#scalar((window) => window.tag());
      if (type === WireType.StartGroup || type === WireType.EndGroup)
        throw this.malformed('a group, which ONNX has not');
      this.#type = type;
      const before = this.#position;
      field(number);
      // Every value has at least one byte: nothing read means the field was of no interest.
      if (this.#position === before) this.#skip(type);
    }
  }

  #skip(type: WireType): void {
    if (type === WireType.LengthDelimited) this.location();
    else if (type === WireType.Varint) this.int64();
    else this.#advance(type === WireType.Bit32 ? 4 : 8);
  }

  #advance(bytes: number): void {
    if (this.#position + bytes > this.#limit) throw this.malformed('a field is cut off');
    this.#seek(this.#position + bytes);
  }

  #repeated(type: WireType, element: () => void): void {
    if (this.#type === type) {
      element();
      return;
    }
    const length = this.#length();
    const outer = this.#limit;
    this.#limit = this.#position + length;
    while (this.#position < this.#limit) element();
    this.#limit = outer;
  }

  #expect(type: WireType): void {
    if (this.#type !== type) throw this.malformed(`a field has wire type ${this.#type} where ${type} belongs`);
  }

  /** The length of a field, known to lie within its message. */
  #length(): number {
    this.#expect(WireType.LengthDelimited);
    const length = this.#scalar((window) => window.uint64() as bigint);
    const room = this.#limit - this.#position;
    if (length > BigInt(room)) throw this.malformed(`a field of ${length} bytes has room for ${room}`);
    return Number(length);
  }

  /** The next bytes, as a view that is good until the next read. */
  #bytes(length: number): Uint8Array {
    this.#load(length);
    const { pos } = this.#window;
    this.#window.pos += length;
    return this.#windowBytes.subarray(pos, pos + length);
  }

  #scalar<T>(read: (window: BinaryReader) => T): T {
    this.#load(LONGEST_SCALAR);
    let value: T;
    try {
      value = read(this.#window);
    } catch (error) {
      throw this.malformed(`a field cannot be read (${(error as Error).message})`);
    }
    if (this.#position > this.#limit) throw this.malformed('a field is cut off');
    return value;
  }

  /** Makes the window cover the next bytes, as far as there are so many. */
  #load(bytes: number): void {
    const { size } = this.#source;
    const position = this.#position;
    const windowEnd = this.#windowStart + this.#window.len;
    if (position >= this.#windowStart && (position + bytes <= windowEnd || windowEnd === size)) return;
    const isInMemory = typeof this.#source.from !== 'number';
    const start = isInMemory ? 0 : position;
    const length = isInMemory ? size : Math.min(Math.max(WINDOW, bytes), size - start);
    this.#windowBytes = this.#source.read(start, length) as Uint8Array<ArrayBuffer>;
    this.#window = new BinaryReader(this.#windowBytes);
    this.#windowStart = start;
    this.#window.pos = position - start;
  }

  #seek(position: number): void {
    this.#window.pos = position - this.#windowStart;
  }
}
