import { describe, expect, it } from 'vitest';
import { type Lifetime, planArena } from '../../lib/graph/arena.js';
import { Generator } from '../../lib/index.js';

const overlap = (a: Lifetime, b: Lifetime) => a.first <= b.last && b.first <= a.last;

/** Bytes that are in use at the same time at most: no plan needs less. */
function leastBytes(lifetimes: readonly Lifetime[]): number {
  const end = Math.max(...lifetimes.map(({ last }) => last));
  let most = 0;
  for (let at = 0; at <= end; at++) {
    const used = lifetimes.reduce((sum, { first, last, bytes }) => sum + (first <= at && at <= last ? bytes : 0), 0);
    most = Math.max(most, used);
  }
  return most;
}

describe('the arena', () => {
  it('is empty without buffers', () => {
    expect(planArena([])).toEqual({ offsets: [], bytes: 0 });
  });

  it('uses memory again once nobody reads it', () => {
    const chain = Array.from({ length: 50 }, (_, i) => ({ bytes: 6400, first: i, last: i + 1 }));
    expect(planArena(chain).bytes).toBeLessThan(2 * 6400 + 4096);
  });

  it('never lets buffers overlap that live at the same time', () => {
    const random = new Generator(5);
    for (let round = 0; round < 200; round++) {
      const lifetimes = Array.from({ length: 1 + random.integer(40) }, () => {
        const first = random.integer(60);
        return {
          bytes: random.integer(3) ? random.integer(100_000) : random.integer(100),
          first,
          last: first + random.integer(12),
        };
      });
      const { offsets, bytes } = planArena(lifetimes);
      lifetimes.forEach((a, i) => {
        expect(offsets[i] % 64).toBe(0);
        expect(offsets[i] + a.bytes).toBeLessThanOrEqual(bytes);
        lifetimes.forEach((b, j) => {
          if (i === j || !overlap(a, b) || a.bytes === 0 || b.bytes === 0) return;
          expect(offsets[i] + a.bytes <= offsets[j] || offsets[j] + b.bytes <= offsets[i]).toBe(true);
        });
      });
      // a page of 4 KiB for each buffer is what the distances between large ones may cost
      expect(bytes).toBeLessThanOrEqual(1.7 * leastBytes(lifetimes) + 4096 * lifetimes.length);
    }
  });

  it('puts neighbours half a page apart', () => {
    const { offsets } = planArena([
      { bytes: 1 << 20, first: 0, last: 1 },
      { bytes: 1 << 19, first: 1, last: 2 },
    ]);
    expect(Math.abs(offsets[1] - offsets[0]) % 4096).toBe(2048);
  });
});
