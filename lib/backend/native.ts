import { createRequire } from 'node:module';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BlockedKernels } from './blocked.js';
import { type Libc, runningLibc } from './libc.js';
import { type Kernels, typescriptKernels } from './typescript.js';

/** What the native addon exports (native/addon/addon.cc). */
export interface NativeAddon {
  /** The kernels of native/kernels.inc, on the active instruction set. */
  readonly kernels: Kernels & BlockedKernels;
  /** Instruction sets this machine can run, best first. */
  readonly isas: readonly string[];
  /** Version of the compiler that built it, as the compiler says it. */
  readonly compiler: string;
  isa(): string;
  /** Switches every thread of the process. */
  setIsa(name: string): void;
  threads(): number;
  setThreads(threads: number): void;
  /** Physical cores this process may use: affinity mask and control-group quota taken into account. */
  readonly defaultThreads: number;
  /** Bytes of workspace memory, in use and kept for reuse. */
  memory(): { workspaceBytes: number };
  /** Bytes to add to the start of `buffer` to reach a 64-byte boundary. */
  alignmentOffset(buffer: ArrayBuffer): number;
  /** Starts watching an object weakly; returns an id, which is used again after `sweep` has returned it. */
  track(object: object): number;
  /** Ids of watched objects that have been garbage collected since the last call; needs no turn of the event loop. */
  sweep(): Int32Array;
}

const require = createRequire(import.meta.url);

/** Both lib/backend/native.ts and dist/backend/native.js lie two folders below package.json. */
const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Loads the native build: the file that CONVFORGE_NATIVE_PATH names, otherwise build/Release of a checkout, otherwise the
 * prebuilt binary of this platform. Never throws; where nothing can be loaded it says why.
 */
export function loadNative(): { addon: NativeAddon } | { reasons: string[] } {
  const explicit = process.env.CONVFORGE_NATIVE_PATH;
  if (explicit) return open(resolve(explicit));
  const libc = process.platform === 'linux' ? runningLibc() : undefined;
  const platform = [process.platform, process.arch, ...(libc === 'musl' ? ['musl'] : [])].join('-');
  let path: string;
  try {
    path = resolveBuild(libc);
  } catch (error) {
    const reason = firstLine(error);
    return { reasons: [reason.startsWith('No native build') ? `no native build for ${platform}` : reason] };
  }
  // The file's own tag has the last word: a glibc binary on musl fails with a message about a missing loader, or crashes.
  const tag = /\.(glibc|musl)\./.exec(basename(path))?.[1];
  if (tag && tag !== libc) return { reasons: [`no native build for ${platform}`] };
  return open(path);
}

function open(path: string): { addon: NativeAddon } | { reasons: string[] } {
  let addon: NativeAddon;
  try {
    addon = require(path) as NativeAddon;
  } catch (error) {
    const reason = firstLine(error);
    return { reasons: [reason.includes(path) ? reason : `${path}: ${reason}`] };
  }
  // A build left over from another version would fail much later, in the first call of a kernel it does not have.
  const missing = Object.keys(typescriptKernels).find(
    (name) => typeof addon?.kernels?.[name as keyof Kernels] !== 'function',
  );
  return missing ? { reasons: [`${path}: not a build of this version, it has no kernel ${missing}`] } : { addon };
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n')[0];
}

/**
 * node-gyp-build knows musl only by Alpine's release file, and reads LIBC once, while it is loaded; so the true answer is
 * in LIBC during that time.
 */
function resolveBuild(libc: Libc | undefined): string {
  const { LIBC } = process.env;
  if (libc && !LIBC) process.env.LIBC = libc;
  try {
    return (require('node-gyp-build') as { resolve(root: string): string }).resolve(packageRoot);
  } finally {
    if (libc && !LIBC) delete process.env.LIBC;
  }
}
