import { readFile, writeFile } from 'node:fs/promises';
import { ConvforgeError } from '../errors.js';

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file or folder',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder',
  EACCES: 'permission denied',
  ENOSPC: 'the disk is full',
};

/** The bytes of a file. @throws ConvforgeError ERR_FILE_FORMAT that says in words why it cannot be read */
export async function readBytes(operation: string, path: string): Promise<Buffer> {
  return readFile(path).catch((error) => fail(operation, path, 'read', error));
}

/** Writes a file. @throws ConvforgeError ERR_FILE_FORMAT that says in words why it cannot be written */
export async function writeBytes(operation: string, path: string, bytes: Uint8Array | string): Promise<void> {
  return writeFile(path, bytes).catch((error) => fail(operation, path, 'written', error));
}

/** Throws the error of the file system in words. */
export function fail(operation: string, path: string, verb: string, cause: NodeJS.ErrnoException): never {
  const reason = REASONS[cause.code ?? ''] ?? cause.message;
  throw new ConvforgeError('ERR_FILE_FORMAT', `${operation}: ${path} cannot be ${verb}: ${reason}`, { cause });
}
