import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { loadNative } from '../../lib/backend/native.js';
import { type Kernels, typescriptKernels } from '../../lib/backend/typescript.js';

const loaded = loadNative();

/** The native addon; null where there is no build to test. */
export const addon = 'addon' in loaded ? loaded.addon : null;

/** Why the native parts of the tests skip; undefined when they run. */
export const noNative = 'addon' in loaded ? undefined : `no native build: ${loaded.reasons.join('; ')}`;

/** File of the addon that this process has loaded, for processes and threads that a test starts. */
export const nativePath = process.env.CONVFORGE_NATIVE_PATH
  ? resolve(process.env.CONVFORGE_NATIVE_PATH)
  : loadedAddon();

function loadedAddon(): string {
  const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] };
  return sharedObjects.find((path) => /[\\/]convforge[^\\/]*\.node$/.test(path)) ?? '';
}

/** One implementation of the kernels, as one instruction set and number of threads runs it. */
export interface Backend {
  name: string;
  threads: number;
  kernels: Kernels;
  /** Process-wide, so nothing else may run in between. */
  activate(): void;
}

/** TypeScript, then native at every instruction set of this machine with 1 and 2 threads. */
export const backends: readonly Backend[] = [
  { name: 'typescript', threads: 1, kernels: typescriptKernels, activate: () => undefined },
  ...(addon?.isas ?? []).flatMap((isa) =>
    [1, 2].map((threads) => ({
      name: `native ${isa}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
      threads,
      kernels: addon?.kernels as Kernels,
      activate() {
        addon?.setIsa(isa);
        addon?.setThreads(threads);
      },
    })),
  ),
];

/** A test that says which native levels took part, or why none did. */
export function reportNative(): void {
  it.skipIf(noNative)(`native kernels take part${noNative ? ` (skipped: ${noNative})` : ''}`, () => {
    expect(backends.map(({ name }) => name)).toContain('native baseline, 2 threads');
  });
}

export const withReason = (name: string) => (noNative ? `${name} (skipped: ${noNative})` : name);
