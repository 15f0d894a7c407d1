import { ConvforgeError } from '../errors.js';

/** A regular file of an archive. */
export interface TarEntry {
  /** Its path in the archive, with `/` between folders. */
  path: string;
  data: Uint8Array;
}

const BLOCK = 512;
const TYPES = { file: '0', oldFile: '\0', longPath: 'L', extended: 'x', globalExtended: 'g' };

/**
 * The regular files of an uncompressed tar archive (POSIX.1-1988 ustar, with GNU's long paths and those of POSIX.1-2001), in
 * their order. The data are parts of the given bytes.
 *
 * @throws ConvforgeError ERR_FILE_FORMAT for what is no archive, or ends too soon
 */
export function* readTar(bytes: Uint8Array): IterableIterator<TarEntry> {
  let longPath: string | undefined;
  for (let at = 0; at + BLOCK <= bytes.length; ) {
    const header = bytes.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) return; // two such blocks are the end
    checkSum(header, at);
    const size = octal(header, 124, 12);
    const type = text(header, 156, 1) || TYPES.oldFile;
    if (Number.isNaN(size)) throw damaged(`the header at byte ${at} has no valid size`);
    const data = bytes.subarray(at + BLOCK, at + BLOCK + size);
    if (data.length < size) throw damaged(`it ends in the middle of ${longPath ?? pathOf(header)}`);
    at += BLOCK + BLOCK * Math.ceil(size / BLOCK);
    if (type === TYPES.longPath) longPath = text(data, 0, size);
    else if (type === TYPES.extended) longPath = extendedPath(data) ?? longPath;
    else if (type !== TYPES.globalExtended) {
      if (type === TYPES.file || type === TYPES.oldFile) yield { path: longPath ?? pathOf(header), data };
      longPath = undefined;
    }
  }
}

function damaged(why: string): ConvforgeError {
  return new ConvforgeError('ERR_FILE_FORMAT', `readTar: ${why}`);
}

/** The sum of the header's bytes, the eight of the sum itself counted as spaces. */
function checkSum(header: Uint8Array, at: number): void {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : header[i];
  if (octal(header, 148, 8) !== sum) throw damaged(at === 0 ? 'not a tar archive' : `no valid header at byte ${at}`);
}

/** Text up to the first zero byte. */
function text(bytes: Uint8Array, start: number, length: number): string {
  const field = bytes.subarray(start, start + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

/** A number of octal digits, 0 for none; NaN for anything else, such as a sign. */
function octal(header: Uint8Array, start: number, length: number): number {
  const digits = text(header, start, length).trim();
  return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : Number.NaN;
}

function pathOf(header: Uint8Array): string {
  const prefix = text(header, 257, 5) === 'ustar' ? text(header, 345, 155) : '';
  return prefix === '' ? text(header, 0, 100) : `${prefix}/${text(header, 0, 100)}`;
}

/** The path in records `length key=value\n`. */
function extendedPath(data: Uint8Array): string | undefined {
  for (let at = 0; at < data.length; ) {
    const record = new TextDecoder().decode(data.subarray(at, at + 20));
    const length = Number.parseInt(record, 10);
    if (!(length > 0)) return undefined;
    const [, key, value] = /^\d+ ([^=]+)=(.*)\n$/s.exec(new TextDecoder().decode(data.subarray(at, at + length))) ?? [];
    if (key === 'path') return value;
    at += length;
  }
  return undefined;
}
