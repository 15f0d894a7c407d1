import { createRequire } from 'node:module';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TypedArray } from '../dtype.js';
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
  /** Bytes of workspace memory, in use and kept for reuse, and of weights and activations of sessions. */
  memory(): { workspaceBytes: number; sessionBytes: number };
  /** Bytes to add to the start of `buffer` to reach a 64-byte boundary. */
  alignmentOffset(buffer: ArrayBuffer): number;
  /** Starts watching an object weakly; returns an id, which is used again after `sweep` has returned it. */
  track(object: object): number;
  /** Ids of watched objects that have been garbage collected since the last call; needs no turn of the event loop. */
  sweep(): Int32Array;

  // The executor of compiled models (native/executor). Handles give back what they hold when they are released or
  // collected, as soon as no run uses it.

  /** Types of the fields of every kernel, in calling order; kernels are numbered in the order of the keys. */
  readonly signatures: Readonly<Record<string, readonly string[]>>;
  createConstants(): ConstantsHandle;
  /** A new region of memory for weights; returns its index. */
  addConstants(constants: ConstantsHandle, bytes: number): number;
  /** Makes a program of a stream of instructions (lib/graph/program.ts); an Error ERR_NATIVE says what it refuses. */
  createProgram(
    stream: Float64Array,
    arenaBytes: number,
    inputBytes: readonly number[],
    outputBytes: readonly number[],
    tables: Uint8Array,
    constants: ConstantsHandle,
  ): ProgramHandle;
  /** Runs off this thread; the listener hears of the end. The caller keeps the arrays alive until then. */
  startProgram(
    program: ProgramHandle,
    inputs: readonly TypedArray[],
    outputs: readonly TypedArray[],
    threads: number,
    profile: boolean,
    id: number,
  ): void;
  /** Runs on this thread. */
  runProgram(
    program: ProgramHandle,
    inputs: readonly TypedArray[],
    outputs: readonly TypedArray[],
    threads: number,
  ): void;
  /** Lets a run end before its next instruction. */
  abortRun(id: number): void;
  /** Calls `listener` on the event loop with the runs that have ended. */
  onRunsEnded(listener: (ended: EndedRun[]) => void): void;
  /** The runs that have ended since the listener was last called; it does not hear of these. */
  collectRuns(): EndedRun[];
  release(handle: ConstantsHandle | ProgramHandle): void;
}

declare const constantsHandle: unique symbol;
declare const programHandle: unique symbol;
export type ConstantsHandle = { [constantsHandle]: true };
export type ProgramHandle = { [programHandle]: true };

/** `error` is null, 'aborted' or a message; `times` are µs before each instruction and at the end, of a profiled run. */
export type EndedRun = [id: number, error: string | null, times: number[] | null];

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
