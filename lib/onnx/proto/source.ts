import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { ModelFormatError } from '../../errors.js';
import { fail } from '../../io/files.js';

/** Random access to the bytes of a model, wherever they are. */
export interface ByteSource {
  readonly size: number;
  /** Descriptor of the open file, or all bytes. */
  readonly from: number | Uint8Array;
  /** Bytes that lie within the source; a view where that is possible. */
  read(offset: number, length: number): Uint8Array;
  close(): void;
}

/** A piece of a {@link ByteSource}. */
export interface Location {
  readonly source: ByteSource;
  readonly offset: number;
  readonly length: number;
}

/** Bytes in memory. Pieces are views: the memory must not change while the model is in use. */
export class BytesSource implements ByteSource {
  readonly size: number;
  readonly from: Uint8Array;

  constructor(bytes: Uint8Array) {
    // A Buffer's slice() shares memory where a Uint8Array's copies.
    this.from = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.size = bytes.byteLength;
  }

  read(offset: number, length: number): Uint8Array {
    return this.from.subarray(offset, offset + length);
  }

  close(): void {}
}

/** Descriptors of sources that nobody can reach any more. */
const forgotten = new FinalizationRegistry<number>((descriptor) => closeSync(descriptor));

/** A file that is read in pieces and stays open, so that replacing it does not mix two models. */
export class FileSource implements ByteSource {
  readonly path: string;
  readonly size: number;
  #descriptor: number | null;

  /** @throws ConvforgeError ERR_FILE_FORMAT that says in words why the file cannot be read */
  constructor(operation: string, path: string) {
    this.path = path;
    this.#descriptor = null;
    try {
      this.#descriptor = openSync(path, 'r');
      const stats = fstatSync(this.#descriptor);
      if (!stats.isFile())
        throw Object.assign(new Error('it is no file'), { code: stats.isDirectory() ? 'EISDIR' : '' });
      this.size = stats.size;
    } catch (error) {
      this.close();
      fail(operation, path, 'read', error as NodeJS.ErrnoException);
    }
    forgotten.register(this, this.#descriptor, this);
  }

  get from(): number {
    if (this.#descriptor === null) throw new ModelFormatError(`${this.path}: the file was closed`);
    return this.#descriptor;
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const count = readSync(this.from, bytes, done, length - done, offset + done);
      if (count === 0) throw new ModelFormatError(`${this.path}: the file was cut off at byte ${offset + done}`);
      done += count;
    }
    return bytes;
  }

  close(): void {
    if (this.#descriptor === null) return;
    forgotten.unregister(this);
    closeSync(this.#descriptor);
    this.#descriptor = null;
  }
}
