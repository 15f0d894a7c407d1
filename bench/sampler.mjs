import { summarise } from './statistics.mjs';

const SAMPLE_MS = 0.9;
/** A visit takes samples for about that long, then it is another contestant's turn. */
const VISIT_MS = 12;
const ENOUGH_SAMPLES = 40;
const FEWEST_SAMPLES = 7;

/**
 * Times contestants in turn, visit after visit, so that whatever slows the machine down hits all of them alike.
 *
 * A contestant has `activate()`, called when its turn begins, and `run()`, which may return a promise if `isAsync`;
 * `warmups` says how many runs it needs to reach its steady state, `calibration` replaces the common one. In another
 * process it has, instead of `run()`, `sample(repeats)` → { ms, calibrationMs, share } and the best of its calibrations.
 * A sample repeats the run for about a millisecond and stands between two calibrations.
 *
 * Returns a summary (statistics.mjs) for each: time, spread, clean and dropped samples.
 */
export async function measure(contestants, calibration, { seconds }) {
  const states = [];
  for (const contestant of contestants) states.push(await begin(contestant, calibration));
  while (states.some((state) => !state.done)) {
    for (const state of states) {
      if (!state.done) await visit(state, seconds);
    }
  }
  return states.map(({ samples, clock }) => summarise(samples, clock.bestMs));
}

async function begin(contestant, calibration) {
  contestant.activate();
  const state = { contestant, clock: contestant.calibration ?? calibration, samples: [], spentMs: 0 };
  await takeSample(state, contestant.warmups ?? 1);
  const { ms } = await takeSample(state, 1);
  // a first estimate from one call is too long for short ones, whose call is mostly overhead of a first call
  const repeats = Math.max(1, Math.ceil(0.1 / ms));
  const estimate = repeats > 1 ? (await takeSample(state, repeats)).ms : ms;
  state.oneMs = estimate;
  state.repeats = Math.max(1, Math.round(SAMPLE_MS / estimate));
  return state;
}

async function visit(state, seconds) {
  const { contestant, clock, samples, repeats, oneMs } = state;
  contestant.activate();
  const start = performance.now();
  await takeSample(state, 1); // brings back into the caches what the others have displaced
  const count = Math.max(1, Math.round(VISIT_MS / (repeats * oneMs)));
  for (let i = 0; i < count; i++) samples.push(await takeSample(state, repeats));
  state.spentMs += performance.now() - start;
  const { clean } = summarise(samples, clock.bestMs);
  const budgetMs = seconds * 1000;
  const isSlow = oneMs > budgetMs / FEWEST_SAMPLES;
  const fewest = isSlow ? 3 : FEWEST_SAMPLES;
  const enough = clean >= fewest && (state.spentMs >= budgetMs || clean >= ENOUGH_SAMPLES);
  state.done = enough || state.spentMs >= (isSlow ? 2 : 5) * Math.max(budgetMs, 3 * oneMs);
}

/**
 * Milliseconds of one run and of the slower one of the two calibrations around the sample, and for how much of its time
 * this process had a processor (with several threads: at least one).
 */
async function takeSample({ contestant, clock }, repeats) {
  if (contestant.sample) return contestant.sample(repeats);
  const before = clock.run();
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  if (contestant.isAsync) for (let i = 0; i < repeats; i++) await contestant.run();
  else for (let i = 0; i < repeats; i++) contestant.run();
  const elapsed = performance.now() - start;
  const { user, system } = process.cpuUsage(cpuBefore);
  const share = (user + system) / 1000 / elapsed;
  return { ms: elapsed / repeats, calibrationMs: Math.max(before, clock.run()), share };
}
