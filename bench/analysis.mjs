// What the records of a report amount to: targets met or not. Pure functions of data.
import { comparisons } from './networks/comparisons.mjs';
import { geometricMean } from './statistics.mjs';
import { stepComparisons } from './training/comparisons.mjs';

/** Whether a name matches one of the patterns, in which * stands for anything. */
export function matches(patterns, name) {
  const literal = (text) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  return patterns.some((pattern) => new RegExp(`^${pattern.split('*').map(literal).join('.*')}$`).test(name));
}

const idOf = ({ network, layer }) => `${network}.${layer}`;
const measured = ({ unsupported }) => !unsupported;

/** Layers of a pass as one object each: { id, count, flops, channels, sides: { side: record } }; unsupported sides are missing. */
export function layersByName(records, pass = 'forward') {
  const layers = new Map();
  for (const record of records.filter((each) => each.pass === pass)) {
    const id = idOf(record);
    const { network, layer, count, flops, channels } = record;
    if (!layers.has(id)) layers.set(id, { id, network, layer, count, flops, channels, sides: {} });
    if (measured(record)) layers.get(id).sides[record.side] = record;
  }
  for (const { sides } of layers.values()) {
    // without Winograd: a side of its own only where Winograd would be chosen
    const direct = sides['blocked-direct'] ?? (/^winograd/.test(sides.blocked?.algorithm) ? undefined : sides.blocked);
    if (direct) sides.direct = direct;
  }
  return [...layers.values()];
}

/** Each number that a target is about: [what, percent], or in the target's own unit. */
const NUMBERS = {
  gemm: ({ gemm }, { case: name, side = 'gemm' }) =>
    gemm.filter((record) => record.name === name && record.side === side).map((record) => [name, record.percent]),

  layers: ({ convolutions }, { pass, side = 'blocked', layers }) =>
    select(convolutions, pass, layers, [side]).map(({ id, sides }) => [id, sides[side].percent]),

  average({ convolutions }, { pass, side = 'blocked', layers, class: name }) {
    const chosen = select(convolutions, pass, layers, [side]);
    return chosen.length ? [[name, averagePercent(chosen, side)]] : [];
  },

  ofForward({ convolutions }, { pass, side = 'blocked', layers }) {
    const forward = new Map(
      select(convolutions, 'forward', layers, [side]).map((each) => [each.id, each.sides[side].ms]),
    );
    return select(convolutions, pass, layers, [side])
      .filter(({ id }) => forward.has(id))
      .map(({ id, sides }) => [id, (100 * forward.get(id)) / sides[side].ms]);
  },

  memory: ({ memory }, { ops }) =>
    memory.filter(({ op }) => matches(ops, op)).map(({ op, size, percent }) => [`${op} ${size}`, percent]),

  scaling: ({ threads }) =>
    layersByName(threads)
      // without a clean sample, threads shared a core: that says nothing of the kernels
      .filter(({ sides }) => sides.one?.clean > 0 && sides.all?.clean > 0 && sides.one.ms > 0.2)
      .map(({ id, sides }) => [id, (100 * sides.one.ms) / sides.all.ms]),

  isa: ({ isas }) =>
    layersByName(isas)
      .filter(({ sides }) => sides.avx2 && sides.avx512)
      .map(({ id, sides }) => [id, (100 * sides.avx512.ms) / sides.avx2.ms]),

  faster: ({ convolutions }, { pass, than, layers }) =>
    select(convolutions, pass, layers, [than, 'blocked']).map(({ id, sides }) => [
      id,
      (100 * sides[than].ms) / sides.blocked.ms,
    ]),

  fasterMean({ convolutions }, { than, layers, class: name }) {
    const chosen = select(convolutions, 'forward', layers, [than, 'blocked']);
    const ratios = chosen.map(({ sides }) => (100 * sides[than].ms) / sides.blocked.ms);
    const counts = chosen.map(({ count }) => count);
    return chosen.length ? [[name, geometricMean(ratios, counts)]] : [];
  },

  network: ({ networks }, { network, batch }) =>
    comparisons(networks)
      .filter((each) => each.network === network && each.batch === batch)
      .filter(({ sides }) => sides.convforge && sides.onnxruntime)
      .map(({ threads, sides: { convforge, onnxruntime } }) => [
        threadsOf(threads),
        (100 * convforge.ms) / onnxruntime.ms,
      ]),

  session: ({ sessions }, { quantity }) =>
    sessions
      .filter((record) => record.quantity === quantity && record.side === 'convforge')
      .map(({ value }) => [quantity, value]),

  sessionRatio({ sessions }, { quantity }) {
    const of = (side) => sessions.find((record) => record.quantity === quantity && record.side === side)?.value;
    const [own, other] = [of('convforge'), of('onnxruntime')];
    return own && other ? [[quantity, (100 * own) / other]] : [];
  },

  step: ({ steps }, { network, side = 'compiled', than = 'torch' }) =>
    stepComparisons(steps)
      .filter(({ network: each, sides }) => each === network && sides[side] && sides[than])
      .map(({ threads, sides }) => [threadsOf(threads), (100 * sides[than].ms) / sides[side].ms]),

  stepMemory: ({ steps }) =>
    stepComparisons(steps)
      .filter(({ sides: { compiled, torch } }) => compiled?.peak && torch?.peak)
      .map(({ network, threads, sides: { compiled, torch } }) => [
        `${network}, ${threadsOf(threads)}`,
        (100 * compiled.peak) / torch.peak,
      ]),

  stepLateness: ({ steps }) =>
    steps.filter(({ lateness }) => lateness).map(({ network, lateness }) => [network, lateness.p99]),
};

function threadsOf(threads) {
  return `${threads} thread${threads > 1 ? 's' : ''}`;
}

export const targetKinds = Object.keys(NUMBERS);

function select(records, pass, patterns, sides) {
  return layersByName(records, pass).filter(
    (each) => matches(patterns, each.id) && sides.every((side) => each.sides[side]),
  );
}

/** Rate of some layers together, each as often as it occurs, as a share of the peak. */
export function averagePercent(layers, side) {
  const flops = layers.reduce((sum, each) => sum + each.count * each.flops, 0);
  const ms = layers.reduce((sum, each) => sum + each.count * each.sides[side].ms, 0);
  const { percent, gflops } = layers[0].sides[side];
  return (flops / ms / 1e6) * (percent / gflops);
}

/**
 * A target with what was measured: `worst` and what it belongs to, how many numbers there are, how many fall short. The
 * worst is the lowest of a target with `atLeast`, the highest of one with `atMost`. Without a number, `worst` is undefined
 * and `met` is null.
 */
export function evaluate(target, records) {
  const numbers = NUMBERS[target.kind](records, target);
  if (numbers.length === 0) return { ...target, count: 0, met: null };
  const { atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY } = target;
  const isWorse = ([, a], [, b]) => (target.atMost === undefined ? a < b : a > b);
  const [where, worst] = numbers.reduce((found, each) => (isWorse(each, found) ? each : found));
  const missed = numbers.filter(([, value]) => value < atLeast || value > atMost);
  const mean = geometricMean(numbers.map(([, value]) => value));
  return { ...target, numbers, worst, where, mean, count: numbers.length, missed, met: missed.length === 0 };
}

/** Bars of the chart: per class of layers, the average share of the peak each side reaches, and the target. */
export function classBars(targets, convolutions, sides) {
  const bars = [];
  for (const target of targets) {
    // eager convolutions are a bar beside the blocked kernels of the same class
    if ((target.kind !== 'layers' && target.kind !== 'average') || target.side === 'native') continue;
    const layers = layersByName(convolutions, target.pass).filter(({ id }) => matches(target.layers, id));
    const own = target.side ?? 'blocked';
    const values = {};
    // others are no match for a class without Winograd where they have the choice
    const usesWinograd = (side) =>
      layers.some(({ sides: { [side]: record, 'blocked-direct': direct } }) =>
        side === 'native' ? direct : /wino/.test(record?.algorithm),
      );
    const others = target.side === 'direct' ? sides.filter((side) => !usesWinograd(side)) : sides;
    for (const side of [own, ...others]) {
      const complete = layers.length > 0 && layers.every((each) => each.sides[side]);
      if (complete) values[side === own ? 'own' : side] = averagePercent(layers, side);
    }
    if (values.own !== undefined) bars.push({ name: target.class, target: target.atLeast, values });
  }
  return bars;
}
