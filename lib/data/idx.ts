import { ConvforgeError } from '../errors.js';
import { type Shape, sizeOf } from '../shape.js';

/** Bytes of an IDX file and their shape. */
export interface IdxArray {
  shape: Shape;
  data: Uint8Array;
}

const UNSIGNED_BYTE = 0x08;

/**
 * Reads an IDX file of unsigned bytes, the format of MNIST (http://yann.lecun.com/exdb/mnist describes it): two zero
 * bytes, the element type, the number of axes, their sizes as big-endian 32-bit integers, then the elements.
 *
 * @throws ConvforgeError ERR_FILE_FORMAT when the bytes are something else or end too soon
 * @example
 * readIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1)).shape; // [3]
 */
export function readIdx(bytes: Uint8Array): IdxArray {
  const fail = (why: string) => new ConvforgeError('ERR_FILE_FORMAT', `readIdx: ${why}`);
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0) throw fail('not an IDX file');
  if (bytes[2] !== UNSIGNED_BYTE) throw fail(`element type 0x${bytes[2].toString(16)} is not unsigned byte`);
  const rank = bytes[3];
  const header = 4 + 4 * rank;
  if (bytes.length < header) throw fail('the header is cut off');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = sizeOf(shape);
  if (bytes.length !== header + size) {
    throw fail(`shape [${shape.join(', ')}] needs ${size} bytes of data, the file has ${bytes.length - header}`);
  }
  return { shape, data: bytes.subarray(header) };
}
