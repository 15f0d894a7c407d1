// A process of its own for one side of a measurement of training steps that runs in Node.
import { setTimeout as sleep } from 'node:timers/promises';
import { lateTimers } from '../lateness.mjs';
import { answerTasks } from '../networks/process.mjs';
import { peakResident } from '../resident.mjs';
import { sampleRuns } from '../rounds.mjs';
import { Unsupported } from '../sides/unsupported.mjs';
import { CHECKED_STEPS } from './networks.mjs';

const MODULES = { tfjs: '../contenders/tfjstrain.mjs' };
/** Steps before samples are taken: the first ones take memory, and their code is not optimised yet. */
const WARMUP_MS = 300;

async function openStep(options) {
  const module = await import(MODULES[options.side] ?? './convforge.mjs');
  return module.openStep(options);
}

/** The step that is measured, between `prepare` and the end of the process. */
let current;

/** { losses } of the first steps, or with `unsupported`, why there is no such step. */
async function prepare(options) {
  try {
    const step = await openStep(options);
    const losses = [];
    for (let i = 0; i < CHECKED_STEPS; i++) losses.push(await step());
    current = { step, ...(await warmUp(step)), calibration: await calibrationOn(options.threads) };
    return { losses };
  } catch (error) {
    if (error instanceof Unsupported) return { unsupported: error.message };
    throw error;
  }
}

async function warmUp(step) {
  const start = performance.now();
  let aboutMs;
  do {
    const before = performance.now();
    await step();
    aboutMs = performance.now() - before;
  } while (performance.now() - start < WARMUP_MS);
  return { aboutMs };
}

/** Imported late: what measures must not be in the memory of what is measured. */
async function calibrationOn(threads) {
  const [{ Calibration }, { openAddon }] = await Promise.all([import('../calibration.mjs'), import('../machine.mjs')]);
  const addon = openAddon();
  addon.setThreads(threads);
  return new Calibration(addon.kernels, threads);
}

const sample = () => sampleRuns(current.step, current.calibration, current.aboutMs);

/** Peak of resident memory in MiB after that many seconds and at least that many steps. */
async function footprint({ seconds, steps, ...options }) {
  const step = await openStep(options);
  const end = performance.now() + 1000 * seconds;
  for (let i = 0; i < steps || performance.now() < end; i++) await step();
  return peakResident();
}

/**
 * By how many milliseconds a timer of 5 ms is late while steps run back to back, and, since others may use the machine,
 * while nothing runs.
 */
async function lateness({ seconds, ...options }) {
  const step = await openStep(options);
  await warmUp(step);
  const idle = await lateTimers(seconds, () => sleep(100));
  const busy = await lateTimers(seconds, step);
  return { p99: busy.at(0.99), max: busy.at(1), idleP99: idle.at(0.99) };
}

answerTasks({ prepare, sample, footprint, lateness });
