import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeModels, networkFiles, networkNames, networks, relativeError } from '../bench/networks/models.mjs';
import {
  availableIsas,
  type BackendName,
  backendInfo,
  InferenceSession,
  type Isa,
  type Precision,
  setBackend,
  setIsa,
  Tensor,
} from '../lib/index.js';
import { noNative } from './conformance/backends.js';

/** How far an answer may be off PyTorch's in float64, of the largest number in it: what docs/precision.md promises. */
const ALLOWED: Record<Precision, number> = { fast: 1e-4, exact: 2e-5 };

const names: string[] = networkNames;
/** Those of less than a billion multiply-adds, which TypeScript kernels compute in seconds. */
const SMALL = ['squeezenet1_1', 'mobilenet_v2', 'efficientnet_b0', 'lenet'];

// Exporting them takes a minute or two, once: the files stay where the bench has them, too.
const missingModels = ((): string | undefined => {
  try {
    makeModels(names);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
})();

const before = backendInfo();

async function errorOf(name: string, batch: number, precision: Precision): Promise<number> {
  const { path, input, output } = networkFiles(name, batch);
  const session = await InferenceSession.create(path, { precision });
  try {
    const results = await session.run({ input: new Tensor('float32', input.data, input.dims) });
    expect(results.output.dims).toEqual([batch, output.length / batch]);
    return relativeError(output, results.output.data);
  } finally {
    await session.release();
  }
}

interface Run {
  backend: BackendName;
  isa?: Isa;
  skipped?: string;
}

const RUNS: Run[] = noNative
  ? [{ backend: 'native', skipped: noNative }]
  : availableIsas().map((isa) => ({ backend: 'native', isa }));

for (const { backend, isa, skipped = missingModels } of [...RUNS, { backend: 'typescript' } as Run]) {
  const title = `${isa ?? backend}${skipped ? ` (skipped: ${skipped})` : ''}`;
  describe.skipIf(skipped)(`networks give PyTorch's answers on ${title}`, () => {
    beforeAll(() => {
      setBackend(backend);
      if (isa) setIsa(isa);
    });
    afterAll(() => {
      if (before.isa && isa) setIsa(before.isa);
      setBackend(before.backend);
    });

    for (const name of backend === 'typescript' ? SMALL : names) {
      for (const precision of ['fast', 'exact'] as const) {
        it(`${networks[name as keyof typeof networks]}, ${precision}`, async () => {
          expect(await errorOf(name, 1, precision)).toBeLessThanOrEqual(ALLOWED[precision]);
        });
      }
    }

    it.each(SMALL.slice(0, backend === 'typescript' ? 1 : undefined))('%s, three pictures at once', async (name) => {
      expect(await errorOf(name, 3, 'fast')).toBeLessThanOrEqual(ALLOWED.fast);
    });
  });
}
