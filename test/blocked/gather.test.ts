import { describe, expect, it } from 'vitest';
import { BLOCK, blockedElements } from '../../lib/backend/blocked.js';
import { BLOCKED_FIELDS, type BlockedGeometry, encode } from '../../lib/geometry.js';
import { noNative, reportNative, withReason } from '../conformance/backends.js';
import { inout, input } from '../conformance/call.js';
import { isas, sameBits } from './conform.js';
import { call, native } from './convolution.js';
import { block, blockedIndex, brokenBorder, unblock } from './layout.js';

const flat = (g: BlockedGeometry) => encode(BLOCKED_FIELDS, g);
const range = (length: number, first = 0) => Int32Array.from({ length }, (_, i) => first + i);

/** Values that say where they come from. */
const numbered = (g: BlockedGeometry, first = 1) =>
  Float32Array.from({ length: g.n * g.c * g.h * g.w }, (_, i) => first + i);

interface Part {
  x: BlockedGeometry;
  channels: Int32Array;
  first: number;
}

/** Gathers the parts one after the other into a tensor full of NaN, on every instruction set and with 1 and 2 threads. */
function conform(y: BlockedGeometry, parts: readonly Part[]): void {
  for (const isa of isas) {
    for (const threads of [1, 2]) {
      native.setIsa(isa);
      native.setThreads(threads);
      let result = new Float32Array(blockedElements(y)).fill(Number.NaN);
      for (const { x, channels, first } of parts) {
        const list = [input(block(numbered(x), x)), input(channels), inout(result), flat(x), flat(y), first];
        result = call('blockedGatherChannels', list, threads === 1 ? 'guarded' : 'tight') as typeof result;
      }
      const label = `${isa} ${JSON.stringify({ y, parts })}`;
      for (const { x, channels, first } of parts) {
        const from = numbered(x);
        channels.forEach((channel, i) => {
          for (let pixel = 0; pixel < y.n * y.h * y.w; pixel++) {
            const [image, rest] = [Math.floor(pixel / (y.h * y.w)), pixel % (y.h * y.w)];
            const at = blockedIndex(y, image, first + i, Math.floor(rest / y.w), rest % y.w);
            const of = from[(image * x.c + channel) * y.h * y.w + rest];
            if (result[at] !== of) throw new Error(`${label}: channel ${first + i}, pixel ${pixel} is ${result[at]}`);
          }
        });
      }
      expect(brokenBorder(result, y), label).toBeUndefined();
      const end = Math.max(...parts.map(({ channels, first }) => first + channels.length));
      const unused = y.n * y.h * y.w === 0 ? 0 : Math.ceil(y.c / BLOCK) * BLOCK;
      for (let channel = end; channel < unused; channel++)
        expect(Number.isFinite(result[blockedIndex({ ...y, c: 1e3 }, 0, channel, 0, 0)]), label).toBe(true);
    }
  }
}

describe.skipIf(noNative)(withReason('channels of blocked tensors'), () => {
  reportNative();

  const lie = (c: number, more: Partial<BlockedGeometry> = {}): BlockedGeometry => ({
    ...{ n: 2, c, h: 3, w: 5, halo: 1, blocks: 0 },
    ...more,
  });

  it('slices', () => {
    for (const [first, length] of [
      [0, 40],
      [0, 5],
      [16, 16],
      [3, 20],
      [15, 2],
      [39, 1],
    ]) {
      conform(lie(length, { halo: 0 }), [{ x: lie(40), channels: range(length, first), first: 0 }]);
      conform(lie(length, { halo: 2, blocks: 7 }), [
        { x: lie(40, { blocks: 4, halo: 0 }), channels: range(length, first), first: 0 },
      ]);
    }
  });

  it('concatenations', () => {
    for (const sizes of [
      [58, 58],
      [16, 16, 16],
      [1, 1, 1, 1],
      [3, 30, 15],
      [17, 16, 7, 40],
    ]) {
      let first = 0;
      const parts = sizes.map((c, i) => {
        const part = { x: lie(c, { halo: i % 3, blocks: i % 2 ? 9 : 0 }), channels: range(c), first };
        first += c;
        return part;
      });
      conform(lie(first), parts);
      conform(lie(first, { blocks: 12, halo: 0 }), parts);
    }
  });

  it('shuffles', () => {
    for (const [c, groups] of [
      [12, 3],
      [116, 2],
      [24, 4],
      [33, 11],
    ]) {
      const channels = range(c).map((i) => (i % groups) * (c / groups) + Math.floor(i / groups));
      conform(lie(c), [{ x: lie(c), channels, first: 0 }]);
      conform(lie(c), [{ x: lie(c), channels: channels.map((i) => c - 1 - i), first: 0 }]);
    }
  });

  it('of large and of empty images', () => {
    conform(lie(20, { h: 60, w: 70 }), [{ x: lie(33, { h: 60, w: 70, halo: 0 }), channels: range(20, 13), first: 0 }]);
    for (const empty of [{ n: 0 }, { h: 0 }, { w: 0 }])
      conform(lie(20, empty), [{ x: lie(20, empty), channels: range(20), first: 0 }]);
    const y = new Float32Array(blockedElements(lie(20))).fill(3);
    native.kernels.blockedGatherChannels(new Float32Array(0), range(0), y, flat(lie(0)), flat(lie(20)), 20);
    expect(y.every((value) => value === 3)).toBe(true);
  });

  it('keeps what lies before the first channel, and gives zeros for channels that do not exist', () => {
    const g = lie(20);
    const before = numbered(g);
    for (const isa of isas) {
      native.setIsa(isa);
      const y = block(before, g);
      const channels = Int32Array.of(-1, 3, 20, 2 ** 31 - 1, -(2 ** 31));
      native.kernels.blockedGatherChannels(block(before, g), channels, y, flat(g), flat(g), 7);
      const after = unblock(y, g);
      const plane = (values: Float32Array, image: number, c: number) =>
        values.subarray((image * 20 + c) * 15, (image * 20 + c + 1) * 15);
      for (const image of [0, 1]) {
        for (let c = 0; c < 7; c++)
          expect(sameBits(plane(after, image, c), plane(before, image, c)), `${isa} ${c}`).toBe(true);
        expect(sameBits(plane(after, image, 8), plane(before, image, 3))).toBe(true);
        for (const c of [7, 9, 10, 11]) expect(plane(after, image, c).every((value) => value === 0)).toBe(true);
      }
    }
  });

  it('refuses what does not fit', () => {
    const g = lie(20);
    const x = block([], g);
    const attempt =
      (change: Partial<BlockedGeometry>, to: Partial<BlockedGeometry> = {}, count = 20, first = 0, a = x, b = x) =>
      () =>
        native.kernels.blockedGatherChannels(a, range(count), b, flat(lie(20, change)), flat(lie(20, to)), first);
    expect(attempt({})).not.toThrow();
    expect(attempt({}, {}, 20, 1)).toThrow('blockedGatherChannels: there are more channels than y has');
    expect(attempt({}, {}, 1, -1)).toThrow('there are more channels than y has');
    expect(attempt({}, {}, 1, 2 ** 31 - 1)).toThrow('there are more channels than y has');
    expect(attempt({ w: 4 })).toThrow('x and y differ in size');
    expect(attempt({ n: 1 })).toThrow('x and y differ in size');
    expect(attempt({}, {}, 20, 0, x.subarray(1))).toThrow('x is shorter than its shape');
    expect(attempt({}, {}, 20, 0, x, x.subarray(1))).toThrow('y is shorter than its shape');
    for (const value of [-1, 2 ** 20, 2 ** 31 - 1, -(2 ** 31)]) {
      for (const field of ['c', 'halo', 'blocks']) {
        expect(attempt({ [field]: value }), `${field} ${value}`).toThrow('blockedGatherChannels: ');
        expect(attempt({}, { [field]: value }), `${field} ${value}`).toThrow('blockedGatherChannels: ');
      }
      expect(attempt({ h: value }, { h: value }), `h ${value}`).toThrow('blockedGatherChannels: ');
    }
  });
});
