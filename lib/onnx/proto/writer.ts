import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/**
 * Writes protobuf messages as a list of pieces, so that weights are copied once, when the pieces are joined. Fields with
 * their default value are left out, as the format asks for.
 */
export class WireWriter {
  #parts: Uint8Array[] = [];
  #scalars = new BinaryWriter();
  #length = 0;

  string(field: number, value: string): void {
    if (value !== '') this.#scalars.tag(field, WireType.LengthDelimited).string(value);
  }

  strings(field: number, values: readonly string[]): void {
    for (const value of values) this.#scalars.tag(field, WireType.LengthDelimited).string(value);
  }

  /** Bytes, which are not copied now: they must not change before the message is joined. */
  bytes(field: number, value: Uint8Array): void {
    this.#scalars.tag(field, WireType.LengthDelimited).uint32(value.length);
    this.#append([value]);
  }

  int(field: number, value: number | bigint): void {
    if (Number(value) !== 0) this.#scalars.tag(field, WireType.Varint).int64(value);
  }

  /** A size that is written even when it is 0. */
  size(field: number, value: number): void {
    this.#scalars.tag(field, WireType.Varint).int64(value);
  }

  float(field: number, value: number): void {
    this.#scalars.tag(field, WireType.Bit32).float(value);
  }

  floats(field: number, values: ArrayLike<number>): void {
    this.#packed(field, values, (writer, value) => writer.float(value));
  }

  doubles(field: number, values: ArrayLike<number>): void {
    this.#packed(field, values, (writer, value) => writer.double(value));
  }

  ints(field: number, values: ArrayLike<number> | ArrayLike<bigint>): void {
    this.#packed(field, values as ArrayLike<bigint>, (writer, value) => writer.int64(value));
  }

  uints(field: number, values: ArrayLike<bigint>): void {
    this.#packed(field, values, (writer, value) => writer.uint64(value));
  }

  message(field: number, write: (writer: WireWriter) => void): void {
    const inner = new WireWriter();
    write(inner);
    const { parts, length } = inner.#finish();
    this.#scalars.tag(field, WireType.LengthDelimited).uint32(length);
    this.#append(parts);
  }

  /** The message as one piece. */
  join(): Uint8Array {
    const { parts, length } = this.#finish();
    const bytes = new Uint8Array(length);
    let position = 0;
    for (const part of parts) {
      bytes.set(part, position);
      position += part.length;
    }
    return bytes;
  }

  #packed<T>(field: number, values: ArrayLike<T>, write: (writer: BinaryWriter, value: T) => void): void {
    if (values.length === 0) return;
    const packed = new BinaryWriter();
    for (let i = 0; i < values.length; i++) write(packed, values[i]);
    this.bytes(field, packed.finish());
  }

  #append(parts: readonly Uint8Array[]): void {
    for (const part of [this.#scalars.finish(), ...parts]) {
      if (part.length > 0) this.#parts.push(part);
      this.#length += part.length;
    }
  }

  #finish(): { parts: Uint8Array[]; length: number } {
    this.#append([]);
    return { parts: this.#parts, length: this.#length };
  }
}
