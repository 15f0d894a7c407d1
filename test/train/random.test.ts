import { afterEach, describe, expect, it } from 'vitest';
import { nativeAddon } from '../../lib/backend/backend.js';
import {
  availableIsas,
  Generator,
  mul,
  randn,
  setBackend,
  setIsa,
  setPrecision,
  setThreads,
  sum,
  type Tensor,
} from '../../lib/index.js';
import { TracedProgram } from '../../lib/train/tracedprogram.js';
import { RandomNetwork } from '../inference/randomnetwork.js';

const hasNative = nativeAddon() !== null;
const isas = availableIsas();
const LAYERS = 12;

afterEach(() => {
  setPrecision('fast');
  if (!hasNative) return;
  setBackend('native');
  setIsa(isas[0]);
  setThreads(1);
});

function size(of: Tensor): number {
  return (of.data as Float32Array).reduce((most, v) => Math.max(most, Math.abs(v)), 0);
}

/** What a random network and its gradients are: a function to trace, and what it reads. */
function example(seed: number) {
  const net = new RandomNetwork(seed, LAYERS, true);
  const x = randn([2 + (seed % 3), [1, 3, 16, 20, 33][seed % 5], 9 + (seed % 8), 8 + (seed % 7)]);
  x.requiresGrad = seed % 2 === 0;
  const shape = net.forward(x).shape;
  const direction = randn(shape);
  const { weights } = net;
  weights.forEach((weight, i) => {
    weight.requiresGrad = (seed + i) % 7 !== 0; // some are frozen
  });
  const leaves = [...weights, x].filter(({ requiresGrad }) => requiresGrad);
  const body = (input: Tensor): Tensor[] => {
    input.requiresGrad = x.requiresGrad;
    const y = net.forward(input as Tensor<'float32'>);
    sum(mul(y, direction)).backward();
    const gradients = leaves.map((leaf) => (leaf === x ? input : leaf).grad ?? sum(mul(y, 0)));
    for (const leaf of [...leaves, input]) leaf.grad = null;
    return [y, ...gradients];
  };
  return { net, x, weights, body };
}

/** By how much a float32 is off after some dozen roundings, and by Winograd's algorithm, relatively. */
const PERTURBATION = { exact: 2e-6, fast: 2e-5 };
const PROBES = 4;

/**
 * Random networks can be as badly conditioned as they like: a gradient may cancel, and a ReLU whose argument is nearly 0 may
 * open or close. How far results may be off is therefore measured: by how much the reference itself moves when all numbers
 * it starts from are changed by a few roundings.
 */
function movesOf(
  body: () => Tensor[],
  numbers: readonly Tensor[],
  want: readonly Tensor[],
  relative: number,
): number[] {
  const moves = want.map(() => 0);
  const random = new Generator(1);
  for (let probe = 0; probe < PROBES; probe++) {
    const kept = numbers.map((tensor) => (tensor.data as Float32Array).slice());
    for (const { data } of numbers) {
      for (let i = 0; i < data.length; i++) (data as Float32Array)[i] *= 1 + relative * (2 * random.uniform() - 1);
    }
    body().forEach((moved, i) => {
      moves[i] = Math.max(moves[i], distance(moved, want[i]));
    });
    numbers.forEach((tensor, i) => {
      (tensor.data as Float32Array).set(kept[i]);
    });
  }
  return moves;
}

function distance(a: Tensor, b: Tensor): number {
  const other = b.data as Float32Array;
  return (a.data as Float32Array).reduce((most, v, i) => Math.max(most, Math.abs(v - other[i])), 0);
}

function compare(got: readonly Tensor[], want: readonly Tensor[], moves: readonly number[], story: string): void {
  expect(got.length).toBe(want.length);
  // A sum that cancels (the gradient of a bias before a batch norm is 0) is off by roundings of what it adds up.
  const floor = 1e-6 * Math.max(...want.map(size));
  got.forEach((tensor, i) => {
    expect(tensor.shape).toEqual(want[i].shape);
    const bound = 4 * moves[i] + floor;
    expect(distance(tensor, want[i]), `result ${i} [${tensor.shape}] of ${size(want[i])}\n${story}`).toBeLessThan(
      bound,
    );
  });
}

describe.skipIf(!hasNative)('gradients of random networks as native programs', () => {
  for (let seed = 1; seed <= 120; seed++) {
    it(`seed ${seed}`, async () => {
      const { net, x, weights, body } = example(seed);
      setBackend('typescript');
      const want = body(x);
      for (const precision of ['exact', 'fast'] as const) {
        setBackend('typescript');
        const moves = movesOf(() => body(x), [...weights, x], want, PERTURBATION[precision]);
        setBackend('native');
        setIsa(isas[seed % isas.length]);
        setPrecision(precision);
        const program = new TracedProgram(weights, [x], body);
        setThreads(1);
        const one = await program.run([x]);
        compare(one, want, moves, net.story.join('\n'));
        setThreads(2);
        const two = await program.run([x]);
        two.forEach((tensor, i) => {
          expect(tensor.data, `result ${i} on two threads`).toEqual(one[i].data);
        });
        await program.release();
      }
    });
  }
});

describe('gradients of random networks on the interpreter', () => {
  for (let seed = 1001; seed <= 1020; seed++) {
    it(`seed ${seed}`, async () => {
      setBackend('typescript');
      const { net, x, weights, body } = example(seed);
      const want = body(x);
      const moves = movesOf(() => body(x), [...weights, x], want, PERTURBATION.exact);
      const program = new TracedProgram(weights, [x], body);
      compare(await program.run([x]), want, moves, net.story.join('\n'));
      await program.release();
    });
  }
});
