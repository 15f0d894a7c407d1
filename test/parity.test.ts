import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as convforge from '../lib/index.js';
import { root } from './compiled.js';
import { noNative } from './conformance/backends.js';
import { program } from './parity/script.mjs';

const folder = join(root, 'test', 'golden', 'onnx');
const recorded = JSON.parse(readFileSync(join(root, 'test', 'golden', 'parity.json'), 'utf8'));

/** Numbers of float32 that two implementations sum in different orders: a few units in the last place. */
const close = (value: unknown): unknown => {
  if (typeof value === 'number' && !Number.isInteger(value)) return expect.closeTo(value, 6);
  if (Array.isArray(value)) return value.map(close);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, close(inner)]));
};

/** onnxruntime-node where bench/contenders has it, or why it has not. */
function installed(): { ort: typeof convforge } | { reason: string } {
  try {
    const require = createRequire(join(root, 'bench', 'contenders', 'package.json'));
    return { ort: require('onnxruntime-node') };
  } catch (error) {
    return { reason: (error as Error).message.split('\n')[0] };
  }
}

const steps = Object.keys(recorded.seen);

const before = convforge.backendInfo().backend;

describe('a program written for onnxruntime-node', () => {
  for (const backend of ['native', 'typescript'] as const) {
    const skipped = backend === 'native' ? noNative : undefined;
    const title = `sees the same with convforge on ${backend}${skipped ? ` (skipped: ${skipped})` : ''}`;
    describe.skipIf(skipped)(title, () => {
      let seen: Record<string, unknown>;
      beforeAll(async () => {
        convforge.setBackend(backend);
        seen = await program(convforge, folder);
      });
      afterAll(() => convforge.setBackend(before));

      it('and goes through the same steps', () => expect(Object.keys(seen)).toEqual(steps));

      it.each(steps)('%s', (step) => {
        expect(JSON.parse(JSON.stringify(seen[step]))).toEqual(close(recorded.seen[step]));
      });
    });
  }

  const found = installed();
  const reason = 'reason' in found ? found.reason : undefined;
  it.skipIf(reason)(
    `sees with onnxruntime-node what was recorded${reason ? ` (skipped: ${reason})` : ''}`,
    async () => {
      if (!('ort' in found)) return;
      const seen = JSON.parse(JSON.stringify(await program(found.ort, folder)));
      expect(seen).toEqual(close(recorded.seen));
    },
  );
});
