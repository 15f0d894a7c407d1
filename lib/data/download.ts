import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ArgumentError, ConvforgeError, check, DataError } from '../errors.js';

/** How far a download is, in bytes; `total` is null where the server does not say. */
export interface DownloadProgress {
  received: number;
  total: number | null;
}

/** Options of {@link download}. */
export interface DownloadOptions {
  /** MD5 checksum of the file, 32 hexadecimal digits. */
  md5?: string;
  /** SHA-256 checksum of the file, 64 hexadecimal digits. */
  sha256?: string;
  /** Called as bytes arrive. */
  onProgress?: (progress: DownloadProgress) => void;
  /** Stops the download; what has arrived stays for the next time. */
  signal?: AbortSignal;
}

/** Connections in a row that may bring nothing before the download fails. */
const ATTEMPTS = 3;
/** Milliseconds before the second of them; before the third twice as many. */
const PAUSE = 200;
/** Bytes that may wait to be written. */
const MOST_BACKLOG = 16 * 2 ** 20;
const [OK, PARTIAL, UNSATISFIABLE] = [200, 206, 416];

/** Downloads under way, by file: whoever wants the same file waits for the same download. */
const underWay = new Map<string, Promise<void>>();

/**
 * Downloads a file, of several addresses from the first that works. What has arrived lies in `<path>.part`, from where an
 * interrupted download goes on; only a complete file with the right checksum gets the name `path`. Nothing happens when it is
 * there already.
 *
 * @throws DataError when it cannot be had, saying from where and how to place it by hand, or when its checksum is wrong;
 *   ConvforgeError ERR_ABORTED when the signal stops it
 */
export async function download(
  addresses: string | readonly string[],
  path: string,
  options: DownloadOptions = {},
): Promise<void> {
  const urls = [addresses].flat();
  check(urls.length > 0, 'download', () => 'at least one address must be given', ArgumentError);
  for (const [name, length] of [
    ['md5', 32],
    ['sha256', 64],
  ] as const) {
    const checksum = options[name];
    check(
      checksum === undefined || (/^[0-9a-f]+$/i.test(checksum) && checksum.length === length),
      'download',
      () => `${name} must be ${length} hexadecimal digits, got ${JSON.stringify(checksum)}`,
      ArgumentError,
    );
  }
  if ((await sizeOfFile(path)) !== null) return;
  const file = resolve(path);
  const before = underWay.get(file);
  if (before) {
    return before.catch((error) => {
      // stopped for whoever asked first, but not for this one
      if (error.code !== 'ERR_ABORTED' || options.signal?.aborted) throw error;
      return download(addresses, path, options);
    });
  }
  const made = fromAny(urls, path, options).finally(() => underWay.delete(file));
  underWay.set(file, made);
  return made;
}

async function fromAny(urls: readonly string[], path: string, options: DownloadOptions): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const failures: string[] = [];
  let cause: unknown;
  for (const url of urls) {
    try {
      await fetchWhole(url, path, options);
      return;
    } catch (error) {
      if (options.signal?.aborted) {
        throw new ConvforgeError('ERR_ABORTED', `download: ${url} was stopped; ${path}.part keeps what has arrived`, {
          cause: error,
        });
      }
      cause = error;
      failures.push(`  ${url}: ${reasonOf(error)}`);
    }
  }
  throw new DataError(
    `download: ${basename(path)} cannot be had:\n${failures.join('\n')}\n` +
      `Without a network, get the file elsewhere and save it as ${path}`,
    { cause },
  );
}

/** What fetch wraps in 'fetch failed', in words. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  const inner = cause as NodeJS.ErrnoException | undefined;
  if (inner?.code === 'ENOTFOUND' || inner?.code === 'EAI_AGAIN')
    return 'the address is not found: is there a network?';
  if (inner?.code === 'ECONNREFUSED') return 'the connection is refused';
  return inner?.message ? `${message}: ${inner.message}` : message;
}

async function fetchWhole(url: string, path: string, options: DownloadOptions): Promise<void> {
  const part = `${path}.part`;
  // Without a checksum nothing would tell that the beginning is of another version of the file.
  if (options.md5 === undefined && options.sha256 === undefined) await rm(part, { force: true });
  const kept = (await sizeOfFile(part)) ?? 0;
  await fetchRest(url, part, options);
  const wrong = await wrongChecksum(part, options);
  if (wrong) {
    await rm(part);
    // The beginning may have been of another version of the file, or of another address.
    if (kept > 0) return fetchWhole(url, path, options);
    throw new DataError(`${wrong}; what arrived is deleted`);
  }
  await rename(part, path);
}

/** Appends to `part` what it lacks, over as many connections as that takes. */
async function fetchRest(url: string, part: string, options: DownloadOptions): Promise<void> {
  let failures = 0;
  for (;;) {
    const before = (await sizeOfFile(part)) ?? 0;
    try {
      await fetchOnce(url, part, before, options);
      return;
    } catch (error) {
      if (error instanceof DataError || options.signal?.aborted) throw error;
      failures = ((await sizeOfFile(part)) ?? 0) > before ? 0 : failures + 1;
      if (failures >= ATTEMPTS) throw error;
      await sleep(PAUSE * failures, undefined, { signal: options.signal });
    }
  }
}

async function fetchOnce(url: string, part: string, before: number, options: DownloadOptions): Promise<void> {
  const { signal, onProgress } = options;
  const headers: Record<string, string> = before > 0 ? { range: `bytes=${before}-` } : {};
  // encodings would be undone, and offsets would then be of other bytes than ours
  const response = await fetch(url, { headers: { ...headers, 'accept-encoding': 'identity' }, signal });
  const isRest = response.status === PARTIAL && startOf(response) === before;
  if (response.status === UNSATISFIABLE && before > 0) {
    await response.body?.cancel();
    // there is nothing behind what we have: the checksum tells whether that is all
    return;
  }
  if ((response.status !== OK && !isRest) || !response.body) {
    await response.body?.cancel();
    throw new DataError(`the server answers ${response.status} ${response.statusText}`.trimEnd());
  }
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  let received = isRest ? before : 0;
  const total = Number.isInteger(length) ? received + length : null;
  // A connection that breaks takes along what nobody has read yet, so reading waits neither for the file nor for the disk.
  const file = open(part, isRest ? 'a' : 'w');
  file.catch(() => {});
  let written: Promise<unknown> = file;
  let backlog = 0;
  try {
    for await (const chunk of response.body) {
      received += chunk.length;
      backlog += chunk.length;
      written = written.then(async () => {
        await (await file).write(chunk);
        backlog -= chunk.length;
      });
      written.catch(() => {}); // a failure comes up when the file is closed
      if (backlog > MOST_BACKLOG) await written;
      onProgress?.({ received, total });
    }
  } finally {
    await closed(await file, written);
  }
  if (total !== null && received < total) throw new Error(`the connection ended after ${received} of ${total} bytes`);
}

/** Closes a file when everything is written and on the disk. */
async function closed(file: FileHandle, written: Promise<unknown>): Promise<void> {
  try {
    await written;
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Where the bytes of a partial answer begin. */
function startOf(response: Response): number {
  return Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1] ?? Number.NaN);
}

/** What is wrong with a file's checksum, or null. */
async function wrongChecksum(file: string, { md5, sha256 }: DownloadOptions): Promise<string | null> {
  for (const [algorithm, expected] of Object.entries({ md5, sha256 })) {
    if (expected === undefined) continue;
    const hash = createHash(algorithm);
    for await (const chunk of createReadStream(file)) hash.update(chunk);
    const found = hash.digest('hex');
    if (found !== expected.toLowerCase()) return `the ${algorithm} checksum is ${found}, expected ${expected}`;
  }
  return null;
}

/** Bytes of a file, or null when there is none. */
async function sizeOfFile(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch {
    return null;
  }
}
