import { problemOf, worstError } from './convolution.mjs';
import { measure } from './sampler.mjs';
import { Unsupported } from './sides/unsupported.mjs';

/** Winograd's algorithm may round that much worse: F(4×4, 3×3) 2.5 times in the rms, more with few channels. */
const WINOGRAD_ERROR = 4;

/**
 * Checks and measures one layer on all sides, interleaved. A record: { network, layer, count, flops, channels, pass,
 * side, algorithm, isa, threads, ms, gflops, percent, spread, clean, dropped }, or with `unsupported`, the reason, instead
 * of numbers.
 *
 * @throws when an answer of ours is wrong: there is no point in its time
 */
export async function measureLayer(machine, sides, layer, { pass, seconds }) {
  const problem = problemOf(machine.addon, layer, pass);
  const contestants = [];
  const { network, name, count, flops, geometry: g } = layer;
  const channels = Math.min(g.ic, g.oc);
  const records = sides.map((side) => ({ network, layer: name, count, flops, channels, pass, side: side.name }));
  for (const [i, side] of sides.entries()) {
    try {
      const contestant = await side.prepare(problem);
      contestant.activate();
      const error = worstError(problem, await contestant.result());
      if (error > (/wino/.test(contestant.algorithm) ? WINOGRAD_ERROR : 1)) {
        const wrong = `the answer is ${error.toPrecision(3)} times the error bound off`;
        throw side.isContender ? new Unsupported(wrong) : new Error(`${layer.id} ${pass}: ${side.name}: ${wrong}`);
      }
      contestants.push({ record: records[i], contestant });
    } catch (reason) {
      if (!(reason instanceof Unsupported)) throw reason;
      records[i].unsupported = reason.message;
    }
  }
  try {
    const { calibration, isa, threads, peak } = machine;
    const summaries = await measure(
      contestants.map(({ contestant }) => contestant),
      calibration,
      { seconds },
    );
    contestants.forEach(({ record, contestant }, i) => {
      const gflops = layer.flops / summaries[i].ms / 1e6;
      const { algorithm } = contestant;
      const isCall = !contestant.sample;
      Object.assign(record, {
        algorithm,
        isa,
        threads,
        isCall,
        ...summaries[i],
        gflops,
        percent: (100 * gflops) / peak,
      });
    });
  } finally {
    for (const { contestant } of contestants) await contestant.close?.();
  }
  return records;
}
