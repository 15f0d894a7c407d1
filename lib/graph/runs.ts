import { nativeAddon } from '../backend/backend.js';
import type { EndedRun, NativeAddon, ProgramHandle } from '../backend/native.js';
import type { TypedArray } from '../dtype.js';
import { ConvforgeError, NativeError } from '../errors.js';

/** What can be said of one run. */
export interface ProgramOptions {
  readonly threads: number;
  readonly signal?: AbortSignal | null;
  /** Take the time before each instruction. */
  readonly profile?: boolean;
  /** Whether the run will probably end in less than {@link LOOK_OUT_MS}. */
  readonly isShort?: boolean;
}

interface Waiting {
  /** Keeps the memory that the run reads and writes from being collected. */
  readonly buffers: readonly TypedArray[];
  readonly end: (error: string | null, times: number[] | null) => void;
}

const waiting = new Map<number, Waiting>();
let lastId = 0;
let listening: NativeAddon | null = null;

/**
 * The event loop takes 25 to 40 µs to wake up when a run has ended, which is longer than a small network computes. After a
 * short run was started it is therefore kept turning for this long, looking out for the end at each turn.
 */
const LOOK_OUT_MS = 0.3;
let lookOutUntil = 0;
let isLookingOut = false;

function lookOut(): void {
  finish(listening?.collectRuns() ?? []);
  isLookingOut = waiting.size > 0 && performance.now() < lookOutUntil;
  if (isLookingOut) setImmediate(lookOut);
}

function addonOrThrow(): NativeAddon {
  const addon = nativeAddon() ?? listening;
  if (!addon) throw new NativeError('the native kernels that this session was made for are not loaded');
  if (!listening) addon.onRunsEnded(finish);
  listening = addon;
  return addon;
}

function finish(ended: EndedRun[]): void {
  for (const [id, error, times] of ended) {
    const run = waiting.get(id);
    waiting.delete(id);
    run?.end(error, times);
  }
}

/**
 * Runs a program on the executor's threads. Resolves with the times in µs if they were asked for.
 *
 * @throws ConvforgeError ERR_ABORTED when the signal aborts first, ERR_NATIVE when memory runs out
 */
export function startProgram(
  program: ProgramHandle,
  inputs: readonly TypedArray[],
  outputs: readonly TypedArray[],
  { threads, signal = null, profile = false, isShort = false }: ProgramOptions,
): Promise<number[] | null> {
  const addon = addonOrThrow();
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted(signal));
    const id = ++lastId;
    const abort = () => addon.abortRun(id);
    signal?.addEventListener('abort', abort, { once: true });
    const end = (error: string | null, times: number[] | null) => {
      signal?.removeEventListener('abort', abort);
      if (error === null) resolve(times);
      else if (error === 'aborted') reject(aborted(signal));
      else reject(new NativeError(`run: ${error}`));
    };
    waiting.set(id, { buffers: [...inputs, ...outputs], end });
    try {
      addon.startProgram(program, inputs, outputs, threads, profile, id);
    } catch (error) {
      waiting.delete(id);
      signal?.removeEventListener('abort', abort);
      reject(error);
    }
    if (!isShort) return;
    lookOutUntil = performance.now() + LOOK_OUT_MS;
    if (!isLookingOut) setImmediate(lookOut);
    isLookingOut = true;
  });
}

/** Runs a program on this thread. */
export function runProgram(
  program: ProgramHandle,
  inputs: readonly TypedArray[],
  outputs: readonly TypedArray[],
  threads: number,
): void {
  addonOrThrow().runProgram(program, inputs, outputs, threads);
}

/** What a run that was stopped rejects with. */
export function aborted(signal: AbortSignal | null): ConvforgeError {
  return new ConvforgeError('ERR_ABORTED', 'run: aborted by its signal', { cause: signal?.reason });
}
