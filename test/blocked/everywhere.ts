import { expect } from 'vitest';
import { BLOCK, blockedElements, blockedPlane } from '../../lib/backend/blocked.js';
import type { Kernels } from '../../lib/backend/typescript.js';
import { BLOCKED_FIELDS, type BlockedGeometry, encode } from '../../lib/geometry.js';
import { type Argument, type Call, input, type Layout, output, run } from '../conformance/call.js';
import { isas, sameBits } from './conform.js';
import { native } from './convolution.js';
import { block, blockedIndex, brokenBorder, unblock } from './layout.js';

/** An argument in blocks: what is read is given as NCHW, what is written (`values` being null) comes back as NCHW. */
export type BlockedArgument = { readonly values: Float32Array | null; readonly lie: BlockedGeometry };

export const blockedInput = (values: Float32Array, lie: BlockedGeometry): BlockedArgument => ({ values, lie });
export const blockedOutput = (lie: BlockedGeometry): BlockedArgument => ({ values: null, lie });
export const flat = (lie: BlockedGeometry): Int32Array => encode(BLOCKED_FIELDS, lie);

type Arguments = readonly (Argument | BlockedArgument)[];
const isBlocked = (a: Argument | BlockedArgument): a is BlockedArgument =>
  a !== null && typeof a === 'object' && 'lie' in a;

/** A value that is infinite or NaN in a channel that does not exist. */
function brokenLane(blocked: Float32Array, g: BlockedGeometry): string | undefined {
  const last = Math.ceil(g.c / BLOCK) * BLOCK;
  for (let image = 0; image < g.n; image++)
    for (let channel = g.c; channel < last; channel++)
      for (let y = 0; y < g.h; y++)
        for (let x = 0; x < g.w; x++) {
          const value = blocked[blockedIndex(g, image, channel, y, x)];
          if (!Number.isFinite(value)) return `channel ${channel}, which there is not, holds ${value}`;
        }
  return undefined;
}

/** All outputs of a kernel on the active instruction set. Throws if it touches anything else or leaves a border. */
export function compute(kernel: string, list: Arguments, layout: Layout = 'guarded'): Float32Array[] {
  const lies = list.flatMap((a) => {
    if (isBlocked(a)) return a.values ? [] : [a.lie];
    return a !== null && typeof a === 'object' && 'role' in a && a.role === 'out' ? [null] : [];
  });
  const plain = list.map((a) => {
    if (!isBlocked(a)) return a;
    return a.values ? input(block(a.values, a.lie)) : output(blockedElements(a.lie));
  });
  const call = { kernel: kernel as keyof Kernels, arguments: plain } as Call;
  const { outputs, damage } = run(native.kernels, call, layout);
  if (damage) throw new Error(`${kernel} ${damage}`);
  return outputs.map((values, i) => {
    const lie = lies[i];
    if (!lie) return values as Float32Array;
    const broken = brokenBorder(values, lie) ?? brokenLane(values as Float32Array, lie);
    if (broken) throw new Error(`${kernel}: ${broken}`);
    return unblock(values, lie);
  });
}

/** Computes on every instruction set, with one thread and with two: all bits must be the same for both. */
export function everywhere(
  kernel: string,
  list: Arguments | ((isa: string) => Arguments),
  check: (outputs: Float32Array[], isa: string) => void,
): void {
  for (const isa of isas) {
    native.setIsa(isa);
    native.setThreads(1);
    const given = typeof list === 'function' ? list(isa) : list;
    const one = compute(kernel, given);
    check(one, isa);
    native.setThreads(2);
    const two = compute(kernel, given, 'tight');
    for (const i of one.keys()) expect(sameBits(one[i], two[i]), `${kernel}, ${isa}, two threads`).toBe(true);
  }
}

export function expectNear(
  actual: Float32Array,
  expected: ArrayLike<number>,
  allowed: (i: number) => number,
  what: string,
): void {
  expect(actual.length, what).toBe(expected.length);
  actual.forEach((value, i) => {
    if (Object.is(value, Math.fround(expected[i])) || Math.abs(value - expected[i]) <= allowed(i)) return;
    throw new Error(`${what}: [${i}] is ${value}, expected ${expected[i]} ± ${allowed(i)}`);
  });
}

/** Sizes around those of vectors, blocks, chains, bands and parts; `lie(k)` is the k-th layout of such a tensor. */
export function* shapes(): Iterable<{ n: number; c: number; h: number; w: number; lie(k: number): BlockedGeometry }> {
  let i = 0;
  const shape = (n: number, c: number, h: number, w: number) => {
    const at = i++;
    return {
      ...{ n, c, h, w },
      lie: (k: number): BlockedGeometry => {
        const [halo, more] = [Math.floor(at / (k + 1)) % 3, Math.floor((at + k) / 2) % 3];
        return { n, c, h, w, halo, blocks: more === 0 ? 0 : Math.ceil(c / BLOCK) + more - 1 };
      },
    };
  };
  const planes = [
    [1, 1],
    [2, 3],
    [7, 7],
    [1, 6],
    [5, 9],
    [3, 17],
    [4, 4],
  ];
  for (const c of [1, 15, 16, 17, 40]) for (const [h, w] of planes) yield shape(1 + (i % 5), c, h, w);
  yield shape(2, 17, 67, 70); // several parts and groups, the last ones shorter
  yield shape(2, 2, 3, 2100); // rows longer than a band
  yield shape(600, 2, 3, 3); // parts of many images
  yield shape(2, 4, 1, 300); // sums of one row move to doubles
}

/** Shapes without a single element, with borders to be written. */
export function* emptyShapes(): Iterable<BlockedGeometry> {
  yield { n: 0, c: 5, h: 2, w: 2, halo: 1, blocks: 0 };
  yield { n: 2, c: 0, h: 2, w: 2, halo: 1, blocks: 0 };
  yield { n: 2, c: 5, h: 0, w: 2, halo: 1, blocks: 0 };
  yield { n: 2, c: 20, h: 2, w: 0, halo: 2, blocks: 3 };
  yield { n: 2, c: 5, h: 0, w: 0, halo: 0, blocks: 0 };
}

/** Calls a kernel with random strange numbers in its geometry and options: it refuses, or stays inside its buffers. */
export function survivesStrangeSizes(
  attempt: (change: (fields: Int32Array) => Int32Array, out: (length: number) => Float32Array, seed: number) => void,
): void {
  let state = 1;
  const next = (n: number) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * n);
  };
  const strange = [-1, 0, 1, 2, 3, 5, 7, 16, 1000, 65536, 2 ** 31 - 1, -(2 ** 31)];
  let agreed = 0;
  for (let i = 0; i < 3000; i++) {
    const wholes: Float32Array[] = [];
    const out = (length: number) => {
      const whole = new Float32Array(length + 64).fill(7);
      wholes.push(whole);
      return whole.subarray(32, 32 + length);
    };
    const change = (fields: Int32Array) => {
      const changed = fields.slice();
      for (let times = next(3); times > 0; times--) changed[next(changed.length)] = strange[next(strange.length)];
      return changed;
    };
    try {
      attempt(change, out, i);
      agreed++;
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_NATIVE' });
    }
    for (const whole of wholes)
      expect(whole.subarray(0, 32).every((v) => v === 7) && whole.subarray(-32).every((v) => v === 7)).toBe(true);
  }
  expect(agreed).toBeGreaterThan(100);
}

/** Throws if blocks of a wider tensor changed that are not those from `first` on that `lie` has. */
export function expectOthersKept(wide: Float32Array, first: number, lie: BlockedGeometry, filler: number): void {
  const plane = blockedPlane(lie);
  const own = Math.ceil(lie.c / BLOCK);
  for (let i = 0; i < wide.length; i++) {
    const block = Math.floor(i / plane) % lie.blocks;
    if ((block < first || block >= first + own) && wide[i] !== filler) throw new Error(`[${i}] is ${wide[i]}`);
  }
}
