import { readFileSync } from 'node:fs';
import { cpus, platform, release } from 'node:os';
import { setIsa, setThreads } from 'convforge';
import { loadNative } from '../dist/backend/native.js';
import { version } from '../dist/version.js';
import { Calibration, callOverheadUs, peakGflops } from './calibration.mjs';
import { cacheSizes } from './memory/traffic.mjs';

/** The native addon itself, whose kernels bench/ also calls one by one; throws with what to do where there is none. */
export function openAddon() {
  const loaded = loadNative();
  if ('addon' in loaded) return loaded.addon;
  throw new Error(`bench measures native kernels, and ${loaded.reasons.join('; ')}. Build them: npm run build:native`);
}

/**
 * The machine as one measurement uses it: instruction set, threads, the peak of multiply-adds with them, on one thread
 * and on all that make sense, a calibration and what a call costs.
 */
export function openMachine({ isa, threads }) {
  const addon = openAddon();
  if (isa) setIsa(isa);
  const { kernels, defaultThreads } = addon;
  const peakOn = (count) => {
    setThreads(count);
    return peakGflops(kernels, count);
  };
  const [peakOfOne, peakOfAll] = [peakOn(1), peakOn(defaultThreads)];
  const peak = threads === 1 ? peakOfOne : threads === defaultThreads ? peakOfAll : peakOn(threads);
  setThreads(threads);
  return {
    addon,
    kernels,
    isa: addon.isa(),
    threads,
    peak,
    peakOfOne,
    peakOfAll,
    overheadUs: callOverheadUs(kernels),
    calibration: new Calibration(kernels, threads),
  };
}

/** What a reader of a result has to know about the machine. */
export function describeMachine(addon) {
  const [{ model }, ...others] = cpus();
  return {
    processor: `${model.trim()}${microarchitecture()}`,
    cores: others.length + 1,
    caches: cacheSizes(),
    system: `${platform()} ${release()}`,
    node: process.version,
    convforge: version,
    compiler: addon.compiler,
    isas: addon.isas,
  };
}

/** Virtual machines often hide the model's name; family and model tell the generation. */
function microarchitecture() {
  try {
    const info = readFileSync('/proc/cpuinfo', 'utf8');
    const field = (name) => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(info)?.[1];
    const [family, model] = [field('cpu family'), field('model')];
    return family ? ` (family ${family}, model ${model})` : '';
  } catch {
    return '';
  }
}
