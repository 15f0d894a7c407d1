// Sides in processes of their own, which take their samples in turn: what a process does when it is its turn, and the turns.
import { setTimeout as sleep } from 'node:timers/promises';
import { summariseRounds } from './statistics.mjs';

/** onnxruntime's threads spin for 35 ms after a run, ours for 0.05 ms: a calibration waits until they sleep. */
const PAUSE_MS = 50;
/** A sample is runs back to back for about that long, at least one. */
const SAMPLE_MS = 40;
/** A run that long fetches by itself what others have displaced from the caches: none has to come before it. */
const LONG_MS = 500;
const FEWEST_SAMPLES = 7;

/**
 * A sample: milliseconds of a run among runs back to back, and what tells whether the machine was undisturbed meanwhile.
 * `aboutMs` is what a run takes, as far as that is known.
 */
export async function sampleRuns(run, calibration, aboutMs = 0) {
  await sleep(PAUSE_MS);
  const before = calibration.run();
  let start = performance.now();
  if (aboutMs < LONG_MS) await run(); // wakes the threads, and brings back what others have displaced from the caches
  const repeats = aboutMs < LONG_MS ? Math.max(1, Math.round(SAMPLE_MS / (performance.now() - start))) : 1;
  const cpu = process.cpuUsage();
  start = performance.now();
  for (let i = 0; i < repeats; i++) await run();
  const elapsed = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  await sleep(PAUSE_MS);
  const calibrationMs = Math.max(before, calibration.run());
  const share = (user + system) / 1000 / elapsed;
  return { ms: elapsed / repeats, calibrationMs, bestCalibrationMs: calibration.bestMs, share };
}

/** Summaries (statistics.mjs) of samples that the processes take in turn, as many from each. */
export async function inTurn(processes, seconds) {
  if (processes.length === 0) return [];
  const states = processes.map((child) => ({ child, samples: [], bestMs: Number.POSITIVE_INFINITY }));
  const start = performance.now();
  for (;;) {
    for (const state of states) {
      const { bestCalibrationMs, ...sample } = await state.child.ask('sample');
      state.samples.push(sample);
      state.bestMs = Math.min(state.bestMs, bestCalibrationMs);
    }
    const summaries = summariseRounds(
      states.map(({ samples }) => ofLargestShare(samples)),
      states.map(({ bestMs }) => bestMs),
    );
    const spent = (performance.now() - start) / 1000 / states.length;
    if (spent > seconds && (spent > 4 * seconds || summaries[0].clean >= FEWEST_SAMPLES)) return summaries;
  }
}

/** A run has as many processors as it can use: a smaller share than the largest ever seen is an interruption. */
function ofLargestShare(samples) {
  const largest = Math.max(...samples.map(({ share }) => share));
  return samples.map((sample) => ({ ...sample, share: sample.share / largest }));
}
