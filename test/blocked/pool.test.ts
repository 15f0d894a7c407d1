import { describe, expect, it } from 'vitest';
import { BLOCK } from '../../lib/backend/blocked.js';
import { BLOCKED_FIELDS, encode, POOL2D_FIELDS, type Pool2dGeometry } from '../../lib/geometry.js';
import { axisPairs, tinyAxes } from '../cases/conv2d.js';
import { POOL2D_CASES, pool2dGeometry, randomPools } from '../cases/pool2d.js';
import { noNative, reportNative, withReason } from '../conformance/backends.js';
import { type Argument, type Call, input, type Layout, oracle, output, run } from '../conformance/call.js';
import { SMALLEST_NORMAL, U } from '../conformance/conform.js';
import { type Fill, integers, normals, positives } from '../conformance/data.js';
import { isas, sameBits } from './conform.js';
import { call, native } from './convolution.js';
import { block, brokenBorder, layoutOptions, unblock } from './layout.js';

const flat = (g: Pool2dGeometry) => encode(POOL2D_FIELDS, g);
const label = (g: Pool2dGeometry) => POOL2D_FIELDS.map((field) => `${field} ${g[field]}`).join(', ');
const sizeX = (g: Pool2dGeometry) => g.n * g.c * g.h * g.w;
const sizeY = (g: Pool2dGeometry) => g.n * g.c * g.oh * g.ow;

/** How x and y lie, with borders that have nothing to do with the padding, and some as ranges of wider tensors. */
function tensors(g: Pool2dGeometry) {
  const blocks = Math.ceil(g.c / BLOCK);
  return {
    x: { n: g.n, c: g.c, h: g.h, w: g.w, halo: g.w % 3, blocks: g.h % 2 ? 0 : blocks + 1 },
    y: { n: g.n, c: g.c, h: g.oh, w: g.ow, halo: g.h % 2, blocks: g.w % 2 ? 0 : blocks + 2 },
  };
}

/** Runs `compute` on every instruction set with one thread and with two; all bits must be the same for both. */
function everywhere(
  compute: (layout: Layout) => Float32Array,
  check: (values: Float32Array, isa: string) => void,
): void {
  for (const isa of isas) {
    native.setIsa(isa);
    native.setThreads(1);
    const one = compute('guarded');
    check(one, isa);
    native.setThreads(2);
    expect(sameBits(one, compute('tight')), isa).toBe(true);
  }
}

/** A kernel whose first output is blocked: that one as NCHW, its border having been checked. */
function blockedCall(
  kernel: string,
  list: readonly Argument[],
  g: ReturnType<typeof tensors>['x'],
  layout: Layout,
): Float32Array {
  const values = call(kernel, list, layout);
  const broken = brokenBorder(values, g);
  if (broken) throw new Error(`${kernel}: ${broken}`);
  return unblock(values, g);
}

function expectNear(actual: Float32Array, of: ArrayLike<number>, allowed: (i: number) => number, what: string): void {
  actual.forEach((value, i) => {
    if (Object.is(value, Math.fround(of[i])) || Math.abs(value - of[i]) <= allowed(i)) return;
    throw new Error(`${what}: [${i}] is ${value}, expected ${of[i]} ± ${allowed(i)}`);
  });
}

/** Bytes of the taps, [n, blocks, oh, ow, 16], from positions in the plane; 255 where there is none. */
function tapsOf(indices: ArrayLike<number>, g: Pool2dGeometry): Uint8Array {
  const { y } = tensors(g);
  const blocks = Math.ceil(g.c / BLOCK);
  const taps = new Uint8Array(g.n * blocks * g.oh * g.ow * BLOCK).fill(255);
  for (let i = 0; i < sizeY(g); i++) {
    const [ow, oh, c] = [i % y.w, Math.floor(i / y.w) % y.h, Math.floor(i / (y.w * y.h)) % y.c];
    const n = Math.floor(i / (y.w * y.h * y.c));
    if (indices[i] < 0) continue;
    const kh = (Math.floor(indices[i] / g.w) - oh * g.strideH + g.padTop) / g.dilationH;
    const kw = ((indices[i] % g.w) - ow * g.strideW + g.padLeft) / g.dilationW;
    const at = ((n * blocks + Math.floor(c / BLOCK)) * g.oh + oh) * g.ow + ow;
    taps[at * BLOCK + (c % BLOCK)] = kh * g.kw + kw;
  }
  return taps;
}

function checkMax(g: Pool2dGeometry, x: Float32Array): void {
  const forward: Call = {
    kernel: 'maxPool2dForward',
    arguments: [input(x), output(sizeY(g)), output(sizeY(g), 'int32'), flat(g)],
  };
  const [maxima, indices] = oracle(forward);
  const lie = tensors(g);
  const expectedTaps = tapsOf(indices, g);
  const options = layoutOptions(lie.x, lie.y);
  const source = input(block(x, lie.x));
  const length = block([], lie.y).length;

  everywhere(
    (layout) => blockedCall('blockedMaxPool2d', [source, output(length), null, flat(g), options], lie.y, layout),
    (values, isa) => expectNear(values, maxima, () => 0, `max, ${isa}, ${label(g)}`),
  );
  const list = [source, output(length), output(expectedTaps.length, 'uint8'), flat(g), options];
  for (const isa of isas) {
    native.setIsa(isa);
    const { outputs, damage } = run(
      native.kernels,
      { kernel: 'blockedMaxPool2d', arguments: list } as unknown as Call,
      'guarded',
    );
    expect(damage).toBeUndefined();
    expectNear(unblock(outputs[0], lie.y), maxima, () => 0, `max with taps, ${isa}, ${label(g)}`);
    // lanes that are no channel may hold any tap
    const found = (outputs[1] as Uint8Array).map((tap, i) => (expectedTaps[i] === 255 && isLost(i, g) ? 255 : tap));
    expect(sameBits(found, expectedTaps), `taps, ${isa}, ${label(g)}`).toBe(true);
  }

  const dy = normals(sizeY(g), 3);
  const backward: Call = {
    kernel: 'maxPool2dBackward',
    arguments: [input(dy), input(indices as Int32Array), output(sizeX(g)), flat(g)],
  };
  const [sums, of] = [oracle(backward, Math.abs)[0], oracle(backward)[0]];
  const given = [input(block(dy, lie.y)), input(expectedTaps), output(block([], lie.x).length), flat(g)];
  everywhere(
    (layout) => blockedCall('blockedMaxPool2dBackward', [...given, layoutOptions(lie.y, lie.x)], lie.x, layout),
    (values, isa) =>
      expectNear(values, of, (i) => U * sums[i] * (4 + Math.sqrt(g.kh * g.kw)), `max backward, ${isa}, ${label(g)}`),
  );
}

/** Whether a lane of the taps belongs to a channel that does not exist. */
function isLost(i: number, g: Pool2dGeometry): boolean {
  const blocks = Math.ceil(g.c / BLOCK);
  const inBlock = g.oh * g.ow * BLOCK;
  return (Math.floor(i / inBlock) % blocks) * BLOCK + (i % BLOCK) >= g.c;
}

function checkAverage(g: Pool2dGeometry, fill: Fill): void {
  const lie = tensors(g);
  for (const direction of ['Forward', 'Backward'] as const) {
    const [from, to] = direction === 'Forward' ? [lie.x, lie.y] : [lie.y, lie.x];
    const values = fill(from.n * from.c * from.h * from.w, 4);
    const reference: Call = {
      kernel: `avgPool2d${direction}`,
      arguments: [input(values), output(to.n * to.c * to.h * to.w), flat(g)],
    };
    const [of, sums] = [oracle(reference)[0], oracle(reference, Math.abs)[0]];
    const list = [input(block(values, from)), output(block([], to).length), flat(g), layoutOptions(from, to)];
    const kernel = direction === 'Forward' ? 'blockedAvgPool2d' : 'blockedAvgPool2dBackward';
    const allowed = (i: number) => U * sums[i] * (4 + Math.sqrt(g.kh * g.kw)) + SMALLEST_NORMAL * (1 + g.kh * g.kw);
    everywhere(
      (layout) => blockedCall(kernel, list, to, layout),
      (actual, isa) => expectNear(actual, of, allowed, `average ${direction}, ${isa}, ${label(g)}`),
    );
  }
}

const isUndilated = (g: Pool2dGeometry) => g.dilationH === 1 && g.dilationW === 1;

describe.skipIf(noNative)(withReason('pooling of blocked tensors'), () => {
  reportNative();

  it.each(POOL2D_CASES)('$why', (entry) => {
    const g = pool2dGeometry(entry);
    checkMax(g, normals(sizeX(g), 1));
    checkMax(g, integers(sizeX(g), 1)); // full of equal values, of which the first must win
    if (isUndilated(g)) checkAverage(g, positives);
  });

  it('every small axis', () => {
    const axes = tinyAxes([
      [0, 0],
      [1, 1],
      [1, 0],
    ]).filter(({ kernel, padStart }) => padStart <= kernel >> 1);
    let channels = 0;
    for (const [down, across] of axisPairs(axes, 1)) {
      channels = (channels % 18) + 1;
      const g = pool2dGeometry({
        x: [1, channels, down.size, across.size],
        kernel: [down.kernel, across.kernel],
        stride: [down.stride, across.stride],
        dilation: [down.dilation, across.dilation],
        padding: [down.padStart, across.padStart, down.padEnd, across.padEnd],
      });
      checkMax(g, integers(sizeX(g), 1));
      if (isUndilated(g)) checkAverage(g, normals);
    }
  });

  it('of random shapes', () => {
    for (const g of randomPools(10)) {
      checkMax(g, normals(sizeX(g), 1));
      if (isUndilated(g)) checkAverage(g, normals);
    }
  });

  it('NaN and infinity as PyTorch', () => {
    for (const [kernel, stride] of [
      [2, 2],
      [3, 1],
      [3, 2],
      [4, 2],
    ]) {
      const g = pool2dGeometry({ x: [1, 18, 20, 21], kernel: [kernel, kernel], stride, padding: 1 });
      const specials = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      const x = normals(sizeX(g), 1).map((value, i) => (i % 17 === 0 ? specials[(i / 17) % 3] : value));
      checkMax(g, x);
      checkMax(
        g,
        x.map(() => Number.NEGATIVE_INFINITY),
      );
    }
  });

  it('over the whole image', () => {
    for (const [n, c, h, w] of [
      [1, 1, 1, 1],
      [2, 17, 7, 7],
      [3, 33, 1, 70],
      [1, 16, 300, 1],
      [1, 20, 60, 50],
    ]) {
      const g = { n, c, h, w, halo: 1, blocks: 0 };
      const geometry = encode(BLOCKED_FIELDS, g);
      for (const fill of [normals, positives]) {
        const x = fill(n * c * h * w, 1);
        const reduced: Call = {
          kernel: 'reduce',
          arguments: [1, input(x), output(n * c), Int32Array.of(n * c, h * w, 1)],
        };
        const [of, sums] = [oracle(reduced)[0], oracle(reduced, Math.abs)[0]];
        everywhere(
          (layout) => call('blockedGlobalAvgPool2d', [input(block(x, g)), output(n * c), geometry], layout),
          (y, isa) => expectNear(y, of, (i) => U * sums[i] * (4 + Math.sqrt(h * w)), `${isa} ${n} ${c} ${h} ${w}`),
        );
      }
      const dy = normals(n * c, 2);
      const of = Float64Array.from({ length: n * c * h * w }, (_, i) => dy[Math.floor(i / (h * w))] / (h * w));
      const list = [input(dy), output(block([], g).length), geometry];
      everywhere(
        (layout) => blockedCall('blockedGlobalAvgPool2dBackward', list, g, layout),
        (dx, isa) => expectNear(dx, of, (i) => U * Math.abs(of[i]), isa),
      );
    }
  });

  describe('refuses', () => {
    const g = pool2dGeometry({ x: [1, 5, 6, 7], kernel: [3, 3], stride: 2, padding: 1 });
    const lie = tensors(g);
    const x = block([], lie.x);
    const y = block([], lie.y);
    const taps = new Uint8Array(g.oh * g.ow * BLOCK);
    const options = layoutOptions(lie.x, lie.y);
    const kernels = native?.kernels;
    const short = <T extends Float32Array | Uint8Array>(values: T) => values.subarray(1) as T;

    it('short buffers', () => {
      const max = (a: Float32Array, b: Float32Array, t: Uint8Array | null) => () =>
        kernels.blockedMaxPool2d(a, b, t, flat(g), options);
      expect(max(x, y, taps)).not.toThrow();
      expect(max(short(x), y, taps)).toThrow('blockedMaxPool2d: x is shorter than its shape');
      expect(max(x, short(y), taps)).toThrow('blockedMaxPool2d: y is shorter than its shape');
      expect(max(x, y, short(taps))).toThrow('blockedMaxPool2d: taps is shorter than its shape');
      const large = pool2dGeometry({ x: [1, 5, 6, 7], kernel: [16, 16], padding: 8 });
      const much = new Uint8Array(1e6);
      expect(() => kernels.blockedMaxPool2d(x, new Float32Array(1e6), much, flat(large), new Int32Array(4))).toThrow(
        'more taps',
      );
      const average = (a: Float32Array, b: Float32Array) => () => kernels.blockedAvgPool2d(a, b, flat(g), options);
      expect(average(x, y)).not.toThrow();
      expect(average(short(x), y)).toThrow('blockedAvgPool2d: x is shorter than its shape');
      expect(average(x, short(y))).toThrow('blockedAvgPool2d: y is shorter than its shape');
    });

    it('or computes safely whatever sizes it is given', () => {
      let state = 1;
      const next = (n: number) => {
        state = (state * 1103515245 + 12345) % 2 ** 31;
        return Math.floor((state / 2 ** 31) * n);
      };
      const strange = [-1, 0, 1, 2, 3, 5, 7, 16, 1000, 65536, 2 ** 31 - 1, -(2 ** 31)];
      let agreed = 0;
      for (let i = 0; i < 6000; i++) {
        const geometry = flat(g);
        const lies = options.slice();
        for (let change = next(3); change >= 0; change--) {
          if (next(3) === 0) lies[next(4)] = strange[next(strange.length)];
          else geometry[next(geometry.length)] = strange[next(strange.length)];
        }
        const guarded = (length: number) => {
          const whole = new Float32Array(length + 64).fill(7);
          return { whole, view: whole.subarray(32, 32 + length) };
        };
        const [forward, backward] = [guarded(y.length), guarded(x.length)];
        const backwards = Int32Array.of(lies[1], lies[0], lies[3], lies[2]);
        const attempts = [
          () => kernels.blockedMaxPool2d(x, forward.view, next(2) ? taps : null, geometry, lies),
          () => kernels.blockedAvgPool2d(x, forward.view, geometry, lies),
          () => kernels.blockedMaxPool2dBackward(y, taps, backward.view, geometry, backwards),
          () => kernels.blockedAvgPool2dBackward(y, backward.view, geometry, backwards),
        ];
        try {
          attempts[i % 4]();
          agreed++;
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_NATIVE' });
        }
        for (const { whole } of [forward, backward]) {
          expect(whole.subarray(0, 32).every((v) => v === 7) && whole.subarray(-32).every((v) => v === 7)).toBe(true);
        }
      }
      expect(agreed).toBeGreaterThan(100);
    });
  });
});
