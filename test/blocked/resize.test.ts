import { describe, expect, it } from 'vitest';
import { blockedElements } from '../../lib/backend/blocked.js';
import { BLOCKED_FIELDS, type BlockedGeometry, encode } from '../../lib/geometry.js';
import { noNative, reportNative, withReason } from '../conformance/backends.js';
import { input, type Layout, output } from '../conformance/call.js';
import { U } from '../conformance/conform.js';
import { normals } from '../conformance/data.js';
import { isas, sameBits } from './conform.js';
import { call, native } from './convolution.js';
import { block, brokenBorder, unblock } from './layout.js';

const flat = (g: BlockedGeometry) => encode(BLOCKED_FIELDS, g);

/** The table of one axis: `taps` sources for each of `results`, weights or null where there is one source each. */
interface Table {
  at: Int32Array;
  weights: Float32Array | null;
}

const nearest = (source: number, results: number): Table => ({
  at: Int32Array.from({ length: results }, (_, i) => Math.floor((i * source) / results)),
  weights: null,
});

/** Any sources with any weights. */
const taps = (source: number, results: number, count: number): Table => ({
  at: Int32Array.from({ length: results * count }, (_, i) => (i * 7) % source),
  weights: normals(results * count, count),
});

interface Resize {
  x: BlockedGeometry;
  y: BlockedGeometry;
  rows: Table;
  columns: Table;
}

function compute({ x, y, rows, columns }: Resize, values: Float32Array, layout: Layout): Float32Array {
  const table = ({ at, weights }: Table) => [input(at), weights ? input(weights) : null];
  const list = [input(block(values, x)), ...table(rows), ...table(columns), output(blockedElements(y))];
  const result = call('blockedResize2d', [...list, flat(x), flat(y)], layout);
  const broken = brokenBorder(result, y);
  if (broken) throw new Error(broken);
  return unblock(result, y);
}

function conform(r: Resize): void {
  const { x, y, rows, columns } = r;
  const values = normals(x.n * x.c * x.h * x.w, 1);
  const [tapsY, tapsX] = [rows.at.length / y.h, columns.at.length / y.w];
  const of = (i: number, absolute: boolean) => {
    const [plane, oh, ow] = [Math.floor(i / (y.h * y.w)), Math.floor(i / y.w) % y.h, i % y.w];
    let sum = 0;
    for (let s = oh * tapsY; s < (oh + 1) * tapsY; s++)
      for (let t = ow * tapsX; t < (ow + 1) * tapsX; t++) {
        const weight = (rows.weights?.[s] ?? 1) * (columns.weights?.[t] ?? 1);
        const term = values[(plane * x.h + rows.at[s]) * x.w + columns.at[t]] * weight;
        sum += absolute ? Math.abs(term) : term;
      }
    return sum;
  };
  for (const isa of isas) {
    native.setIsa(isa);
    native.setThreads(1);
    const one = compute(r, values, 'guarded');
    one.forEach((value, i) => {
      if (Math.abs(value - of(i, false)) <= (rows.weights || columns.weights ? 8 * U * of(i, true) : 0)) return;
      throw new Error(`${isa} ${JSON.stringify({ x, y, tapsY, tapsX })}: [${i}] is ${value}, not ${of(i, false)}`);
    });
    native.setThreads(2);
    expect(sameBits(one, compute(r, values, 'tight')), isa).toBe(true);
  }
}

describe.skipIf(noNative)(withReason('resize of blocked tensors'), () => {
  reportNative();

  const lie = (c: number, h: number, w: number, halo = 0, blocks = 0): BlockedGeometry => ({
    ...{ n: 2, c, h, w, halo, blocks },
  });

  const SIZES = [
    [3, 5, 6, 10],
    [1, 1, 7, 9],
    [7, 9, 1, 1],
    [6, 4, 3, 2],
    [5, 3, 8, 7],
  ] as const;

  it('to the nearest pixel', () => {
    for (const [h, w, oh, ow] of SIZES) {
      for (const c of [1, 16, 21]) {
        const tables = { rows: nearest(h, oh), columns: nearest(w, ow) };
        conform({ x: lie(c, h, w), y: lie(c, oh, ow), ...tables });
        conform({ x: lie(c, h, w, 1, 3), y: lie(c, oh, ow, 2, 5), ...tables });
      }
    }
    conform({ x: lie(20, 30, 35), y: lie(20, 60, 70, 1), rows: nearest(30, 60), columns: nearest(35, 70) });
  });

  it('by weighted sums along one axis or both', () => {
    for (const [h, w, oh, ow] of SIZES) {
      for (const count of [1, 2, 4]) {
        const [x, y] = [lie(18, h, w, 1), lie(18, oh, ow, 1)];
        conform({ x, y, rows: taps(h, oh, count), columns: taps(w, ow, count) });
        conform({ x, y, rows: taps(h, oh, count), columns: nearest(w, ow) });
        conform({ x, y, rows: nearest(h, oh), columns: taps(w, ow, count) });
      }
    }
    conform({ x: lie(20, 30, 35), y: lie(20, 60, 70, 1), rows: taps(30, 60, 2), columns: taps(35, 70, 2) });
  });

  it('of nothing to nothing', () => {
    for (const [h, w] of [
      [0, 3],
      [3, 0],
    ])
      conform({ x: lie(5, 4, 4), y: lie(5, h, w, 1), rows: nearest(4, h), columns: nearest(4, w) });
  });

  it('stays inside x whatever a table says', () => {
    const [x, y] = [lie(5, 2, 2), lie(5, 2, 2)];
    const values = normals(2 * 5 * 4, 1);
    const wild = { at: Int32Array.of(-(2 ** 31), 2 ** 31 - 1), weights: null };
    for (const isa of isas) {
      native.setIsa(isa);
      expect(sameBits(compute({ x, y, rows: wild, columns: wild }, values, 'tight'), values), isa).toBe(true);
    }
  });

  it('refuses what does not fit', () => {
    const [x, y] = [lie(5, 3, 4, 1), lie(5, 6, 8, 1)];
    const [from, to] = [block([], x), block([], y)];
    const attempt = (change: {
      x?: BlockedGeometry;
      y?: BlockedGeometry;
      rows?: Int32Array;
      weights?: Float32Array;
      from?: Float32Array;
      to?: Float32Array;
    }) => {
      const a = { x, y, rows: nearest(3, 6).at, weights: null, from, to, ...change };
      return () =>
        native.kernels.blockedResize2d(
          ...([a.from, a.rows, a.weights, nearest(4, 8).at, null, a.to, flat(a.x), flat(a.y)] as const),
        );
    };
    expect(attempt({})).not.toThrow();
    expect(attempt({ weights: new Float32Array(6) })).not.toThrow();
    expect(attempt({ rows: new Int32Array(12), weights: new Float32Array(12) })).not.toThrow();
    const entries = 'a table does not have as many entries for each result';
    expect(attempt({ weights: new Float32Array(5) })).toThrow(entries);
    expect(attempt({ rows: new Int32Array(12) })).toThrow(entries);
    expect(attempt({ rows: new Int32Array(7) })).toThrow(entries);
    expect(attempt({ rows: new Int32Array(0) })).toThrow(entries);
    expect(attempt({ from: from.subarray(1) })).toThrow('x is shorter than its shape');
    expect(attempt({ to: to.subarray(1) })).toThrow('y is shorter than its shape');
    expect(attempt({ x: { ...x, c: 4 } })).toThrow('x and y differ in images or channels');
    expect(attempt({ x: { ...x, n: 1 } })).toThrow('x and y differ in images or channels');
    expect(attempt({ x: { ...x, h: 0 } })).toThrow('x has no pixels');
    for (const value of [-1, 2 ** 20, 2 ** 31 - 1, -(2 ** 31)]) {
      for (const field of ['h', 'w', 'halo', 'blocks'] as const) {
        expect(attempt({ x: { ...x, [field]: value } }), `${field} ${value}`).toThrow('blockedResize2d: ');
        expect(attempt({ y: { ...y, [field]: value } }), `${field} ${value}`).toThrow('blockedResize2d: ');
      }
    }
  });
});
