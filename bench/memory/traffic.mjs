import { readdirSync, readFileSync } from 'node:fs';
import { alignedFloats } from '../buffers.mjs';

/** Streams of one working set start this many floats off a page each, so that they do not meet in the same cache sets. */
const STAGGER = 272;
/** Parts and vector steps divide lengths evenly. */
const LENGTH_STEP = 128;

/** Bytes of the data caches of the first core, by level; common sizes where the system does not tell. */
export function cacheSizes() {
  const sizes = { 1: 32 * 2 ** 10, 2: 2 ** 20, 3: 32 * 2 ** 20 };
  const folder = '/sys/devices/system/cpu/cpu0/cache';
  try {
    for (const index of readdirSync(folder).filter((name) => name.startsWith('index'))) {
      const read = (name) => readFileSync(`${folder}/${index}/${name}`, 'utf8').trim();
      if (read('type') === 'Instruction') continue;
      const [, count, unit] = /^(\d+)([KM])$/.exec(read('size'));
      sizes[read('level')] = count * (unit === 'K' ? 2 ** 10 : 2 ** 20);
    }
  } catch {
    // not Linux, or a virtual machine that hides its caches
  }
  return sizes;
}

/** Working sets well inside each level, and far outside the last one: [name, bytes a thread]. */
export function workingSets(threads) {
  const { 1: l1, 2: l2, 3: l3 } = cacheSizes();
  return [
    ['L1', l1 / 2],
    ['L2', l2 / 2],
    ['L3', l3 / 2 / threads],
    ['DRAM', (8 * l3) / threads],
  ];
}

/**
 * A sweep over `bytes` bytes in `reads` + `writes` streams: how fast memory moves what an op has to move, and nothing
 * else. `isInPlace` writes onto the first streams read. Returns a contestant for the sampler, with the bytes a run moves.
 */
export function traffic({ addon, kernels, threads }, { bytes, reads, writes, isInPlace = false }) {
  const step = LENGTH_STEP * threads;
  const streams = isInPlace ? Math.max(reads, writes) : reads + writes;
  const length = Math.max(step, Math.floor(bytes / 4 / streams / step) * step);
  const pitch = length + STAGGER;
  const memory = alignedFloats(addon, streams * pitch).fill(1);
  const x = reads ? memory.subarray(0, reads * pitch) : null;
  const sums = new Float32Array(16 * threads);
  const start = isInPlace ? 0 : reads * pitch;
  const y = writes ? memory.subarray(start, start + writes * pitch) : sums;
  const moved = 4 * length * (reads + writes);
  // a call costs as much as reading some 30 KB from the first level cache
  const sweeps = Math.max(1, Math.round(2 ** 21 / moved));
  return {
    activate() {},
    run: () => kernels.measureMemory(x, y, reads, writes, length, threads, sweeps),
    bytes: moved * sweeps,
  };
}

const PATTERNS = [
  ['read', { reads: 1, writes: 0 }],
  ['write', { reads: 0, writes: 1 }],
  ['copy', { reads: 1, writes: 1 }],
];

/** GB/s of reading, writing and copying in each level of memory. */
export async function bandwidths(machine, measure) {
  const rows = [];
  for (const [level, bytes] of workingSets(machine.threads)) {
    const contestants = PATTERNS.map(([, pattern]) => traffic(machine, { bytes: bytes * machine.threads, ...pattern }));
    const summaries = await measure(contestants, machine.calibration, { seconds: 0.04 });
    const rates = PATTERNS.map(([name], i) => [name, contestants[i].bytes / summaries[i].ms / 1e6]);
    rows.push({ level, bytes, ...Object.fromEntries(rates) });
  }
  return rows;
}
