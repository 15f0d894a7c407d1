import { isMainThread } from 'node:worker_threads';
import { DTYPES, type DType } from '../dtype.js';
import { ArgumentError, check, NativeError } from '../errors.js';
import { version } from '../version.js';
import { loadNative, type NativeAddon } from './native.js';
import { SlabPool } from './slabs.js';
import { type Kernels, typescriptKernels } from './typescript.js';

export type BackendName = 'native' | 'typescript';
export type Isa = 'baseline' | 'avx2' | 'avx512' | 'neon';
export type Precision = 'fast' | 'exact';

/** What {@link backendInfo} reports. */
export interface BackendInfo {
  backend: BackendName;
  /** Instruction set the native kernels use; null on TypeScript. */
  isa: Isa | null;
  /** Threads that kernels may use; 1 on TypeScript. */
  threads: number;
  /** What {@link setPrecision} chose. */
  precision: Precision;
  /** Version of convforge. */
  version: string;
  /** Why native kernels are not in use; empty when they are. */
  reasons: string[];
}

interface Selection {
  name: BackendName;
  kernels: Kernels;
  addon: NativeAddon | null;
  slabs: SlabPool | null;
  reasons: string[];
}

let selection: Selection | undefined;
let precision: Precision = 'fast';
/** Kept once it is loaded, so that switching backends costs nothing. */
let native: Selection | undefined;

/** Chosen at first use, so that importing convforge stays quick and never throws. */
function selected(): Selection {
  if (!selection) {
    const wanted = process.env.CONVFORGE_BACKEND;
    check(
      wanted === undefined || wanted === '' || wanted === 'native' || wanted === 'typescript',
      'CONVFORGE_BACKEND',
      () => `must be native or typescript, got ${wanted}`,
      ArgumentError,
    );
    selection = select((wanted || undefined) as BackendName | undefined);
  }
  return selection;
}

function select(wanted: BackendName | undefined): Selection {
  if (wanted === 'typescript') return typescriptSelection(['the TypeScript backend was asked for']);
  if (native) return native;
  const loaded = loadNative();
  if ('addon' in loaded) return nativeSelection(loaded.addon);
  if (wanted === 'native') {
    throw new NativeError(
      `native kernels were asked for and cannot be loaded: ${loaded.reasons.join('; ')}. ` +
        "Build them with 'npm run build:native' in a checkout, or leave CONVFORGE_BACKEND unset to run on TypeScript.",
    );
  }
  if (isMainThread) {
    process.emitWarning(
      `running on TypeScript kernels, many times slower than native ones: ${loaded.reasons.join('; ')}`,
      {
        type: 'ConvforgeWarning',
        code: 'CONVFORGE_TYPESCRIPT',
      },
    );
  }
  return typescriptSelection(loaded.reasons);
}

/** The first time, the addon also gets what the environment says. If that is refused, it is refused again at the next use. */
function nativeSelection(addon: NativeAddon): Selection {
  const { CONVFORGE_ISA: isa, CONVFORGE_THREADS: threads } = process.env;
  if (isa) applyIsa('CONVFORGE_ISA', addon, isa);
  if (threads) applyThreads('CONVFORGE_THREADS', addon, Number(threads), threads);
  native = { name: 'native', kernels: addon.kernels, addon, slabs: new SlabPool(addon), reasons: [] };
  return native;
}

function typescriptSelection(reasons: string[]): Selection {
  return { name: 'typescript', kernels: typescriptKernels, addon: null, slabs: null, reasons };
}

function applyIsa(operation: string, addon: NativeAddon, isa: string): void {
  check(
    addon.isas.includes(isa),
    operation,
    () => `this machine runs ${addon.isas.join(', ')}, got ${JSON.stringify(isa)}`,
    ArgumentError,
  );
  addon.setIsa(isa);
}

function applyThreads(operation: string, addon: NativeAddon | null, threads: number, given: unknown = threads): void {
  check(
    Number.isInteger(threads) && threads >= 1 && threads <= 1024,
    operation,
    () => `threads must be an integer from 1 to 1024, got ${given}`,
    ArgumentError,
  );
  addon?.setThreads(threads);
}

/** What takes the place of all kernels while a graph is traced or lowered; see {@link withKernels}. */
let substitute: Kernels | null = null;

/** Kernels that compute on a dtype: the active backend's, but TypeScript's for elements of eight bytes. */
export function kernelsFor(dtype: DType): Kernels {
  if (substitute) return substitute;
  return DTYPES[dtype].bytes === 8 ? typescriptKernels : selected().kernels;
}

/**
 * Runs `body`, synchronous, with other kernels in place of all: ones that do nothing, which leaves the shapes of results,
 * or ones that note what they are called with. New tensors are hollow meanwhile. null: the real ones again.
 */
export function withKernels<T>(kernels: Kernels | null, body: () => T): T {
  const before = substitute;
  substitute = kernels;
  try {
    return body();
  } finally {
    substitute = before;
  }
}

/** Whether {@link withKernels} is at work, so that nothing is computed. */
export function standIn(): boolean {
  return substitute !== null;
}

/** The native addon when it is in use. */
export function nativeAddon(): NativeAddon | null {
  return selected().addon;
}

/** Pool that tensors take their memory from; null where plain typed arrays serve. */
export function slabPool(): SlabPool | null {
  return selected().slabs;
}

/**
 * Which backend runs, on which instruction set, with how many threads, and if it is TypeScript, why.
 *
 * @example
 * backendInfo().reasons.length === 0 || backendInfo().backend === 'typescript'; // true
 */
export function backendInfo(): BackendInfo {
  const { name, addon, reasons } = selected();
  return {
    backend: name,
    isa: addon ? (addon.isa() as Isa) : null,
    threads: addon ? addon.threads() : 1,
    precision,
    version,
    reasons: [...reasons],
  };
}

/**
 * Switches all following operations to a backend. Tensors stay valid.
 * Throws a NativeError when native kernels cannot be loaded.
 */
export function setBackend(name: BackendName): void {
  check(
    name === 'native' || name === 'typescript',
    'setBackend',
    () => `backend must be 'native' or 'typescript', got ${JSON.stringify(name)}`,
    ArgumentError,
  );
  selection = select(name);
}

/** Number of threads kernels may use, at least 1. Default: cores this process may use. No effect on TypeScript. */
export function setThreads(threads: number): void {
  applyThreads('setThreads', selected().addon, threads);
}

/**
 * Limits native kernels to an instruction set this machine has: 'baseline', 'avx2', 'avx512' or 'neon'.
 * Throws an ArgumentError for one it does not have, a NativeError on the TypeScript backend.
 */
export function setIsa(isa: Isa): void {
  const { addon } = selected();
  if (!addon) throw new NativeError('setIsa: the TypeScript backend has no instruction sets');
  applyIsa('setIsa', addon, isa);
}

/**
 * How float32 convolutions may be computed. 'fast', the default: 3x3 convolutions by Winograd's algorithm where it is faster,
 * two to four times on many channels with stride 1, 1.4 times with stride 2, with up to twice the rounding error. 'exact':
 * always by direct summation. No effect on float64 and on TypeScript, which always sum directly.
 *
 * Winograd rounds relative to the largest numbers of a neighbourhood of 6x6 pixels, with stride 2 of 9x9: where pixels differ
 * by many orders of magnitude, results of the small ones are less exact than their own size suggests.
 *
 * @throws ArgumentError for any other precision
 * @example
 * setPrecision('exact');
 * backendInfo().precision; // 'exact'
 */
export function setPrecision(value: Precision): void {
  check(
    value === 'fast' || value === 'exact',
    'setPrecision',
    () => `precision must be 'fast' or 'exact', got ${JSON.stringify(value)}`,
    ArgumentError,
  );
  precision = value;
}

/** Runs `body`, synchronous, with another precision. */
export function withPrecision<T>(value: Precision, body: () => T): T {
  const before = precision;
  precision = value;
  try {
    return body();
  } finally {
    precision = before;
  }
}

/** The last argument of kernels that have a faster, less exact algorithm: 1 when they must not use it. */
export function isExact(): number {
  return precision === 'exact' ? 1 : 0;
}

/** Instruction sets the native kernels can use here, best first; empty on TypeScript. */
export function availableIsas(): Isa[] {
  return [...((selected().addon?.isas ?? []) as Isa[])];
}
