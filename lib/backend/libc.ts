import { closeSync, openSync, readSync } from 'node:fs';

/** C libraries of Linux; a binary built for one does not load on the other. */
export type Libc = 'glibc' | 'musl';

/**
 * The C library this process runs on, from the loader that its executable names: it stands in the first kilobytes of the
 * file. An executable without one there (statically linked, or patched) is asked for a report instead, which takes some
 * milliseconds. Undefined where neither tells.
 */
export function runningLibc(): Libc | undefined {
  try {
    return libcOfExecutable() ?? libcOfReport();
  } catch {
    return undefined;
  }
}

function libcOfExecutable(): Libc | undefined {
  const head = Buffer.alloc(4096);
  const file = openSync(process.execPath, 'r');
  try {
    readSync(file, head);
  } finally {
    closeSync(file);
  }
  if (head.includes('/ld-musl-')) return 'musl';
  return head.includes('/ld-linux') ? 'glibc' : undefined;
}

function libcOfReport(): Libc {
  return glibcVersion() === undefined ? 'musl' : 'glibc';
}

/** Version of glibc this process runs on, such as '2.36'; undefined on another C library. Takes some milliseconds. */
export function glibcVersion(): string | undefined {
  const report = process.report as typeof process.report & { excludeNetwork?: boolean };
  const { excludeNetwork } = report;
  report.excludeNetwork = true; // resolving the names of open connections can take seconds
  try {
    const { header } = report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
    return header.glibcVersionRuntime;
  } finally {
    report.excludeNetwork = excludeNetwork;
  }
}
