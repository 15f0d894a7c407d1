import { describe, expect, it } from 'vitest';
import { BLOCK, blockedElements } from '../../lib/backend/blocked.js';
import { BLOCKED_FIELDS, type BlockedGeometry, encode, MAP_OPTION_FIELDS } from '../../lib/geometry.js';
import {
  ACTIVATION_KINDS,
  type ActivationKind,
  BINARY_OPERATIONS,
  type BinaryOperation,
  MAP_OPERANDS,
  type MapOperand,
} from '../../lib/kernels/operations.js';
import { noNative, reportNative, withReason } from '../conformance/backends.js';
import { input, type Layout, output } from '../conformance/call.js';
import { SMALLEST_NORMAL, U } from '../conformance/conform.js';
import { normals } from '../conformance/data.js';
import { activate } from './activations.js';
import { isas, sameBits } from './conform.js';
import { call, native } from './convolution.js';
import { block, brokenBorder, unblock } from './layout.js';

const OPERATIONS = ['add', 'sub', 'mul', 'div', 'max', 'min'] as const satisfies readonly BinaryOperation[];
type Operation = (typeof OPERATIONS)[number];

/** A map of blocked tensors, given as NCHW. */
interface Map {
  g: BlockedGeometry;
  y: BlockedGeometry;
  x: Float32Array;
  scale?: Float32Array;
  shift?: Float32Array;
  other?: { kind: MapOperand; operation: Operation; values: Float32Array; lie: BlockedGeometry };
  activation?: ActivationKind;
}

const ALPHA = -0.5;
const BETA = 0.75;
const slopesOf = (c: number) => normals(c, 9);

/** Sizes around those of vectors, blocks and tiles, with borders that have nothing to do with each other. */
function* geometries(): Iterable<[x: BlockedGeometry, other: BlockedGeometry, y: BlockedGeometry]> {
  const lie = (n: number, c: number, h: number, w: number, halo: number, more: number) => ({
    ...{ n, c, h, w, halo },
    blocks: more === 0 ? 0 : Math.ceil(c / BLOCK) + more - 1,
  });
  let i = 0;
  for (const c of [1, 4, 15, 16, 17, 33]) {
    for (const [h, w] of [
      [1, 1],
      [2, 3],
      [7, 7],
      [5, 9],
      [3, 17],
    ]) {
      const n = 1 + (i % 2);
      const of = (k: number) => lie(n, c, h, w, Math.floor(i / k) % 3, Math.floor(i / k / 2) % 3);
      yield [of(1), of(2), of(3)];
      i++;
    }
  }
  yield [lie(2, 20, 6, 8, 0, 0), lie(2, 20, 6, 8, 0, 2), lie(2, 20, 6, 8, 0, 3)]; // no border: rows are one
  yield [lie(1, 20, 90, 70, 1, 0), lie(1, 20, 90, 70, 0, 0), lie(1, 20, 90, 70, 2, 0)]; // more than one item a block
  yield [lie(0, 5, 2, 2, 1, 0), lie(0, 5, 2, 2, 0, 0), lie(0, 5, 2, 2, 0, 0)];
  yield [lie(2, 5, 0, 2, 1, 0), lie(2, 5, 0, 2, 0, 0), lie(2, 5, 0, 2, 2, 0)];
}

/** What a map gives, and the sum of absolute values before the activation, in float64. */
function expected({ g, x, scale, shift, other, activation = 'identity' }: Map) {
  const combine: Record<Operation, (a: number, b: number) => number> = {
    add: (a, b) => a + b,
    sub: (a, b) => a - b,
    mul: (a, b) => a * b,
    div: (a, b) => a / b,
    max: (a, b) => Math.max(a, b),
    min: (a, b) => Math.min(a, b),
  };
  const slopes = slopesOf(g.c);
  const values = new Float64Array(x.length);
  const magnitudes = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const plane = Math.floor(i / (g.h * g.w));
    const c = plane % g.c;
    let value = x[i] * (scale?.[c] ?? 1) + (shift?.[c] ?? 0);
    let magnitude = Math.abs(x[i] * (scale?.[c] ?? 1)) + Math.abs(shift?.[c] ?? 0);
    if (other) {
      const b = other.values[other.kind === 'gate' ? plane : i];
      value = combine[other.operation](value, b);
      magnitude =
        { mul: magnitude * Math.abs(b), div: magnitude / Math.abs(b) }[other.operation as string] ??
        magnitude + Math.abs(b);
    }
    values[i] = activate(activation, value, ALPHA, BETA, slopes[c]);
    magnitudes[i] = magnitude + Math.abs(values[i]);
  }
  return { values, magnitudes };
}

const flat = (g: BlockedGeometry) => encode(BLOCKED_FIELDS, g);

function optionsOf({ y, other, activation = 'identity' }: Map): Int32Array {
  return encode(MAP_OPTION_FIELDS, {
    operation: BINARY_OPERATIONS.indexOf(other?.operation ?? 'add'),
    otherKind: MAP_OPERANDS.indexOf(other?.kind ?? 'tensor'),
    activation: ACTIVATION_KINDS.indexOf(activation),
    haloOther: other?.lie.halo ?? 0,
    haloOut: y.halo,
    blocksOther: other?.lie.blocks ?? 0,
    blocksOut: y.blocks,
  });
}

function compute(m: Map, layout: Layout): Float32Array {
  const { g, y, other } = m;
  const second = other && (other.kind === 'gate' ? other.values : block(other.values, other.lie));
  const [scale, shift] = [m.scale, m.shift].map((values) => (values ? input(values) : null));
  const list = [input(block(m.x, g)), scale, shift, second ? input(second) : null, input(slopesOf(g.c))];
  const result = call('blockedMap', [...list, output(blockedElements(y)), flat(g), optionsOf(m), ALPHA, BETA], layout);
  const broken = brokenBorder(result, y);
  if (broken) throw new Error(broken);
  return unblock(result, y);
}

/** Compares on every instruction set; two threads must give the bits of one. */
function conform(m: Map): void {
  const { values, magnitudes } = expected(m);
  for (const isa of isas) {
    native.setIsa(isa);
    native.setThreads(1);
    const one = compute(m, 'guarded');
    one.forEach((value, i) => {
      // no activation here is steeper than 3, none rounds worse than 4 units
      const allowed = 8 * U * magnitudes[i] + SMALLEST_NORMAL;
      if (Object.is(value, Math.fround(values[i])) || Math.abs(value - values[i]) <= allowed) return;
      throw new Error(
        `${isa} ${JSON.stringify({ g: m.g, y: m.y, ...optionsOf(m) })}: [${i}] is ${value}, not ${values[i]}`,
      );
    });
    native.setThreads(2);
    expect(sameBits(one, compute(m, 'tight')), isa).toBe(true);
  }
}

describe.skipIf(noNative)(withReason('maps of blocked tensors'), () => {
  reportNative();

  it.each(ACTIVATION_KINDS)('%s of every shape, scaled or not, with every kind of operand', (activation) => {
    let i = 0;
    for (const [g, lie, y] of geometries()) {
      const x = normals(g.n * g.c * g.h * g.w, i);
      const kind = MAP_OPERANDS[i % 2];
      const values = normals(kind === 'gate' ? g.n * g.c : x.length, i + 1);
      const other = { kind, operation: OPERATIONS[i % OPERATIONS.length], values, lie };
      const scales = [{}, { scale: normals(g.c, 3) }, { shift: normals(g.c, 4) }];
      const scaled = [...scales, { ...scales[1], ...scales[2] }][(i >> 1) % 4];
      conform({ g, y, x, activation, ...scaled });
      conform({ g, y, x, activation, ...scaled, other });
      i++;
    }
  });

  it.each(OPERATIONS)('%s with a tensor and with a gate', (operation) => {
    for (const [g, lie, y] of geometries()) {
      const x = normals(g.n * g.c * g.h * g.w, 1);
      for (const kind of MAP_OPERANDS) {
        const values = normals(kind === 'gate' ? g.n * g.c : x.length, 2);
        conform({ g, y, x, other: { kind, operation, values, lie } });
      }
    }
  });

  it('NaN as PyTorch, and what channels that do not exist hold does no harm', () => {
    const g = { n: 1, c: 18, h: 3, w: 9, halo: 1, blocks: 0 };
    const specials = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1];
    const x = Float32Array.from({ length: 18 * 27 }, (_, i) => specials[i % 4]);
    const values = Float32Array.from(x, (_, i) => specials[(i >> 2) % 4]);
    for (const operation of OPERATIONS) {
      const m: Map = { g, y: g, x, other: { kind: 'tensor', operation, values, lie: g } };
      const of = expected(m).values;
      for (const isa of isas) {
        native.setIsa(isa);
        compute(m, 'guarded').forEach((value, i) => {
          expect(value, `${isa} ${operation} ${x[i]} ${values[i]}`).toBe(of[i]);
        });
        // 5 · 1e38 in the lanes behind channel 17 would be infinite
        const big = block(
          values.map(() => 1),
          g,
        ).map((value) => (value === 5 ? 1e38 : value));
        const list = [input(block(x, g)), null, null, input(big), null, output(blockedElements(g)), flat(g)];
        const y = call('blockedMap', [...list, optionsOf(m), 0, 0]);
        const lanes = y.filter((_, i) => i % BLOCK >= 2 && i >= y.length / 2);
        expect(lanes.every((value) => Number.isFinite(value))).toBe(true);
      }
    }
  });

  it('in place', () => {
    for (const [g] of geometries()) {
      const size = g.n * g.c * g.h * g.w;
      const [x, values] = [normals(size, 1), normals(size, 2)];
      const m: Map = { g, y: g, x, other: { kind: 'tensor', operation: 'add', values, lie: g }, activation: 'relu' };
      for (const isa of isas) {
        native.setIsa(isa);
        const of = compute(m, 'guarded');
        for (const overwritten of ['x', 'other']) {
          const [a, b] = [block(x, g), block(values, g)];
          const y = overwritten === 'x' ? a : b;
          native.kernels.blockedMap(a, null, null, b, null, y, flat(g), optionsOf(m), 0, 0);
          expect(sameBits(unblock(y, g), of), `${isa} ${overwritten}`).toBe(true);
          expect(brokenBorder(y, g)).toBeUndefined();
        }
      }
    }
  });

  it('leaves the other channels of a wider tensor alone', () => {
    const g = { n: 3, c: 20, h: 3, w: 4, halo: 1, blocks: 0 };
    const y = { ...g, blocks: 5 };
    const wide = new Float32Array(blockedElements({ ...g, c: 80 })).fill(7);
    const plane = wide.length / 15;
    const x = normals(3 * 20 * 12, 1);
    native.kernels.blockedMap(
      ...([block(x, g), null, null, null, null, wide.subarray(2 * plane), flat(g)] as const),
      ...([optionsOf({ g, y, x }), 0, 0] as const),
    );
    for (let i = 0; i < wide.length; i++) {
      const written = Math.floor(i / plane) % 5 === 2 || Math.floor(i / plane) % 5 === 3;
      if (!written && wide[i] !== 7) throw new Error(`[${i}] is ${wide[i]}`);
    }
    expect(sameBits(unblock(wide.subarray(2 * plane), y), x)).toBe(true);
  });

  describe('refuses', () => {
    const g = { n: 2, c: 5, h: 3, w: 4, halo: 1, blocks: 0 };
    const x = block([], g);
    const five = new Float32Array(5);
    const short = (values: Float32Array) => values.subarray(1);
    const attempt =
      (change: Partial<Record<'x' | 'scale' | 'shift' | 'other' | 'slopes' | 'y', Float32Array>>, options = {}) =>
      () => {
        const a = { x, scale: five, shift: five, other: null, slopes: five, y: new Float32Array(x.length), ...change };
        const o = { operation: 0, otherKind: 0, activation: 4, haloOther: 1, haloOut: 1, blocksOther: 0, blocksOut: 0 };
        const list = [a.x, a.scale, a.shift, a.other, a.slopes, a.y] as const;
        native.kernels.blockedMap(...list, flat(g), encode(MAP_OPTION_FIELDS, { ...o, ...options }), 0, 0);
      };

    it('short buffers and unknown codes', () => {
      expect(attempt({})).not.toThrow();
      expect(attempt({ other: x })).not.toThrow();
      expect(attempt({ other: new Float32Array(10) }, { otherKind: 1 })).not.toThrow();
      expect(attempt({ x: short(x) })).toThrow('blockedMap: x is shorter');
      expect(attempt({ y: short(x) })).toThrow('blockedMap: y is shorter');
      expect(attempt({ scale: short(five) })).toThrow('blockedMap: scale is shorter');
      expect(attempt({ shift: short(five) })).toThrow('blockedMap: shift is shorter');
      expect(attempt({ slopes: short(five) })).toThrow('blockedMap: slopes is shorter');
      expect(attempt({ other: short(x) })).toThrow('blockedMap: other is shorter');
      expect(attempt({ other: new Float32Array(9) }, { otherKind: 1 })).toThrow('blockedMap: other is shorter');
      expect(attempt({}, { operation: 6 })).toThrow('there is no such operation');
      expect(attempt({}, { operation: -1 })).toThrow('there is no such operation');
      expect(attempt({}, { otherKind: 2 })).toThrow('there is no such operand');
      expect(attempt({}, { activation: 11 })).toThrow('there is no such activation');
    });

    it('absurd layouts', () => {
      for (const value of [-1, 2 ** 20, 2 ** 31 - 1, -(2 ** 31)]) {
        for (const field of ['haloOther', 'haloOut', 'blocksOther', 'blocksOut'])
          expect(attempt({ other: x }, { [field]: value }), `${field} ${value}`).toThrow('shorter than its shape');
      }
    });
  });
});
