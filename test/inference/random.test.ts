import { afterEach, describe, expect, it } from 'vitest';
import { nativeAddon } from '../../lib/backend/backend.js';
import {
  availableIsas,
  compile,
  InferenceSession,
  noGrad,
  randn,
  setBackend,
  setIsa,
  type Tensor,
} from '../../lib/index.js';
import { RandomNetwork } from './randomnetwork.js';

const hasNative = nativeAddon() !== null;
const isas = availableIsas();
const LAYERS = 14;

afterEach(() => {
  if (hasNative) setBackend('native');
  if (isas.length) setIsa(isas[0]);
});

/** Largest difference in units of the largest expected number. */
function difference(got: Tensor, want: Tensor): number {
  const [a, b] = [got.data as Float32Array, want.data as Float32Array];
  const largest = b.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-6);
  return a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i])), 0) / largest;
}

// The bounds are those that models of the zoo are held to. Eager execution is the reference: it knows nothing of graphs.
describe.skipIf(!hasNative)('random networks on the native executor', () => {
  for (let seed = 1; seed <= 300; seed++) {
    it(`seed ${seed}`, async () => {
      const net = new RandomNetwork(seed, LAYERS);
      const x = randn([1 + (seed % 3), [1, 3, 16, 20, 33][seed % 5], 9 + (seed % 8), 8 + (seed % 7)]);
      setBackend('typescript');
      const want = noGrad(() => net.forward(x));
      setBackend('native');
      const model = compile(net, x);
      setIsa(isas[seed % isas.length]);
      for (const [precision, bound] of [
        ['exact', 2e-5],
        ['fast', 1e-4],
      ] as const) {
        const session = await InferenceSession.create(model, { precision, threads: 1 });
        const { output } = await session.run({ input: x });
        expect(output.shape).toEqual(want.shape);
        expect(difference(output, want), `${precision}\n${net.story.join('\n')}`).toBeLessThan(bound);
        const two = await InferenceSession.create(model, { precision, threads: 2 });
        expect((await two.run({ input: x })).output.data, 'threads').toEqual(output.data);
        await Promise.all([session.release(), two.release()]);
      }
    });
  }
});

describe('random networks on the interpreter', () => {
  for (let seed = 1001; seed <= 1030; seed++) {
    it(`seed ${seed}`, async () => {
      setBackend('typescript');
      const net = new RandomNetwork(seed, LAYERS);
      const x = randn([1 + (seed % 3), 3, 8, 9]);
      const want = noGrad(() => net.forward(x));
      const session = await InferenceSession.create(compile(net, x));
      const { output } = await session.run({ input: x });
      expect(difference(output, want), net.story.join('\n')).toBeLessThan(1e-5);
    });
  }
});
