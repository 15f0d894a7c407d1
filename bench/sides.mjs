// The implementations a bench can compare, behind one interface: prepare(reference) → { activate, run, result }.
import { backendInfo, conv2d, Generator, rand, setBackend, setThreads } from 'convforge';

/** Inputs of a layer, its answer in float64 and, for the error bound, the answer with all terms made positive. */
export function expectation({ ic, size, oc, kernel, stride, padding, groups = 1 }) {
  const generator = new Generator(1);
  const x = rand([1, ic, size, size], { generator });
  const weight = rand([oc, ic / groups, kernel, kernel], { generator }).sub(0.5);
  const options = { stride, padding, groups };
  const y = conv2d(x.to('float64'), weight.to('float64'), null, options);
  const scale = conv2d(x.to('float64'), weight.abs().to('float64'), null, options);
  const terms = (ic / groups) * kernel * kernel;
  return { x, weight, options, y, scale, terms, flops: 2 * y.size * terms };
}

/** Largest error as a multiple of the bound 2^-24 · Σ|x·w| · (4 + √terms), the drift of rounding along one sum. */
export function worstError(result, { y, scale, terms }) {
  if (result.length !== y.size) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < result.length; i++) {
    const error = Math.abs(result[i] - y.data[i]) / (2 ** -24 * scale.data[i] * (4 + Math.sqrt(terms)) + 1e-30);
    if (!(error <= worst)) worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
  }
  return worst;
}

function convforgeSide(name, threads) {
  setBackend(name);
  if (threads) setThreads(threads);
  const { isa, threads: used } = backendInfo();
  return {
    name,
    detail: isa ? `${isa}, ${used} threads` : '1 thread',
    prepare({ x, weight, options }) {
      const activate = () => setBackend(name);
      const run = () => conv2d(x, weight, null, options);
      return { activate, run, result: () => run().data };
    },
  };
}

/** The sides asked for; throws with what to do when one is not installed. */
export async function availableSides(names, threads) {
  return Promise.all(
    names.map(async (name) => {
      if (name === 'native' || name === 'typescript') return convforgeSide(name, threads);
      if (name !== 'tfjs') throw new Error(`unknown side ${name}`);
      try {
        const { tfjsSide } = await import('./contenders/tfjs.mjs');
        return await tfjsSide();
      } catch (error) {
        throw new Error(`tfjs cannot be loaded; run npm ci in bench/contenders first (${error.message})`);
      }
    }),
  );
}
