// A process of its own for one side of a measurement of whole networks. Every task is written against the interface that
// both packages have.
import { setTimeout as sleep } from 'node:timers/promises';
import { Calibration } from '../calibration.mjs';
import { lateTimers } from '../lateness.mjs';
import { peakResident } from '../resident.mjs';
import { sampleRuns } from '../rounds.mjs';
import { median } from '../statistics.mjs';
import { networkFiles } from './models.mjs';
import { answerTasks } from './process.mjs';

const MODULES = { convforge: '../sides/session.mjs', onnxruntime: '../contenders/session.mjs' };

const MIB = 2 ** 20;

async function openSession({ side, network, threads = 1, batch = 1, precision }) {
  const { InferenceSession, Tensor } = await import(MODULES[side]);
  const { path, input } = networkFiles(network, batch);
  const feeds = { input: new Tensor('float32', input.data, input.dims) };
  const open = () =>
    InferenceSession.create(path, {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: 'all',
      ...(precision ? { precision } : {}),
    });
  return { open, feeds };
}

/** The session that is measured, between `prepare` and the end of the process. */
let current;

async function prepare(options) {
  const { open, feeds } = await openSession(options);
  const session = await open();
  const { output } = await session.run(feeds);
  const run = () => session.run(feeds);
  for (let i = 0; i < 2; i++) await run();
  const { setThreads } = await import('convforge');
  const { openAddon } = await import('../machine.mjs');
  setThreads(options.threads); // of the calibration
  current = { run, calibration: new Calibration(openAddon().kernels, options.threads) };
  return output.data;
}

const sample = () => sampleRuns(current.run, current.calibration);

/** Resident memory in MiB before the package, after loading a model and after one run; milliseconds to load each. */
async function footprint(options) {
  const resident = () => process.memoryUsage.rss() / MIB;
  const start = performance.now();
  const { open, feeds } = await openSession(options);
  const importMs = performance.now() - start;
  const before = resident();
  const loadStart = performance.now();
  const session = await open();
  const loadMs = performance.now() - loadStart;
  await session.run(feeds);
  const runMs = performance.now() - loadStart;
  const after = resident();
  const peak = peakResident();
  await session.release();
  return { importMs, loadMs, runMs, before, after, peak };
}

/**
 * By how many milliseconds a timer of 5 ms is late while the network runs back to back, and, since others may use the
 * machine, while nothing runs.
 */
async function lateness({ seconds, ...options }) {
  const { open, feeds } = await openSession(options);
  const session = await open();
  await session.run(feeds);
  const idle = await lateTimers(seconds, () => sleep(100));
  const busy = await lateTimers(seconds, () => session.run(feeds));
  await session.release();
  return { p99: busy.at(0.99), max: busy.at(1), idleP99: idle.at(0.99) };
}

/** Resident memory in MiB after each tenth of many loads, runs and releases. */
async function leaks({ loads, ...options }) {
  const { open, feeds } = await openSession(options);
  const resident = [];
  for (let i = 1; i <= loads; i++) {
    const session = await open();
    await session.run(feeds);
    await session.release();
    if (i % (loads / 10) === 0) {
      globalThis.gc?.();
      resident.push(process.memoryUsage.rss() / MIB);
    }
  }
  return resident;
}

/** Microseconds of a run of a small network and, where sessions tell, of its kernels: medians of many, one after the other. */
async function latency({ runs, ...options }) {
  const { open, feeds } = await openSession(options);
  const session = await open();
  const times = [];
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    await session.run(feeds);
    times.push(1000 * (performance.now() - start));
  }
  const kernels = [];
  for (let i = 0; i < runs / 10; i++) {
    await session.run(feeds, { profile: true });
    if (session.lastProfile) kernels.push(1000 * session.lastProfile.total);
  }
  await session.release();
  // the first runs are before the code is optimised
  return { whole: median(times.slice(runs / 10)), kernels: kernels.length ? median(kernels) : undefined };
}

answerTasks({ prepare, sample, footprint, lateness, leaks, latency });
