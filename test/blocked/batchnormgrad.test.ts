import { describe, expect, it } from 'vitest';
import { type BlockedGeometry, encode, NORM_GRADIENT_OPTION_FIELDS } from '../../lib/geometry.js';
import { noNative, reportNative, withReason } from '../conformance/backends.js';
import { type Call, input, oracle, output } from '../conformance/call.js';
import { SMALLEST_NORMAL, U } from '../conformance/conform.js';
import { type Fill, integers, normals, positives } from '../conformance/data.js';
import { isas, sameBits } from './conform.js';
import { native } from './convolution.js';
import {
  blockedInput,
  blockedOutput,
  compute,
  emptyShapes,
  everywhere,
  expectNear,
  flat,
  shapes,
  survivesStrangeSizes,
} from './everywhere.js';
import { block, brokenBorder, unblock } from './layout.js';
import {
  argument,
  channelOf,
  code,
  EPS,
  elements,
  forwardArguments,
  growth,
  label,
  NORM_ACTIVATIONS,
  type Norm,
  type NormActivation,
  norm,
  optional,
  parameters,
  perChannel,
  plain,
  type Shape,
} from './norms.js';

/** A norm and the gradient that comes to it. */
interface Backward {
  m: Norm;
  dy: Float32Array;
  lie: { dy: BlockedGeometry; y: BlockedGeometry; dx: BlockedGeometry; dresidual: BlockedGeometry };
  batchStatistics: boolean;
}

function backwardArguments({ m, dy, lie, batchStatistics }: Backward, y: Float32Array | null, withResidual: boolean) {
  const { x, mean, variance, weight, bias, activation } = m;
  const options = encode(NORM_GRADIENT_OPTION_FIELDS, {
    activation: code(activation),
    batchStatistics: batchStatistics ? 1 : 0,
    haloIn: lie.dy.halo,
    haloValue: lie.y.halo,
    haloOut: lie.dx.halo,
    haloResidual: lie.dresidual.halo,
    blocksIn: lie.dy.blocks,
    blocksValue: lie.y.blocks,
    blocksOut: lie.dx.blocks,
    blocksResidual: lie.dresidual.blocks,
  });
  return [
    ...[blockedInput(dy, lie.dy), y && blockedInput(y, lie.y), blockedInput(x, m.lie.x)],
    ...[input(mean), input(variance), optional(weight), optional(bias)],
    ...[blockedOutput(lie.dx), withResidual ? blockedOutput(lie.dresidual) : null],
    ...[output(m.s.c), output(m.s.c), flat(m.lie.x), options, EPS, ...parameters(activation)],
  ];
}

/** dy times the derivative of the activation. Where that jumps, y, the result on the same instruction set, decides. */
function beforeActivation({ m, dy }: Backward, y: Float32Array): Float64Array {
  const [low, high] = parameters('clip');
  const slope = parameters('leakyRelu')[0];
  return Float64Array.from(dy, (value, i) => {
    if (m.activation === 'relu') return y[i] <= 0 ? 0 : value;
    if (m.activation === 'clip') return y[i] > low && y[i] < high ? value : 0;
    if (m.activation === 'leakyRelu') return y[i] > 0 ? value : value * slope;
    const z = argument(m, i).value;
    if (m.activation === 'hardSwish') return z <= -3 ? 0 : z < 3 ? value * (z / 3 + 0.5) : value;
    return value;
  });
}

describe.skipIf(noNative)(withReason('gradients of a batch norm of blocked tensors'), () => {
  reportNative();

  function checkOn(isa: string, b: Backward, y: Float32Array, found: Float32Array[]): void {
    const { m, batchStatistics } = b;
    const { s, x, mean, variance, weight } = m;
    const what = `${m.activation}, ${isa}, ${label(s)}, ${batchStatistics}`;
    const dz = beforeActivation(b, y);
    const inputs = [input(x), input(mean), input(variance), optional(weight)];
    const outputs = [output(elements(s)), output(s.c), output(s.c)];
    const reference: Call = {
      kernel: 'batchNormBackward',
      arguments: [input(Float32Array.from(dz)), ...inputs, ...outputs, plain(s), EPS, batchStatistics ? 1 : 0],
    };
    const [dx, dweight, dbias] = oracle(reference);
    const invstd = variance.map((v) => 1 / Math.sqrt(v + EPS));
    // rounding of hardSwish's argument reaches dz
    const size = dz.map((v, i) =>
      m.activation === 'hardSwish' ? Math.abs(b.dy[i]) * (2 + argument(m, i).magnitude) : Math.abs(v),
    );
    const xhat = (i: number) => (Math.abs(x[i]) + Math.abs(mean[channelOf(s, i)])) * invstd[channelOf(s, i)];
    const sums = perChannel(s, (i) => size[i]);
    const products = perChannel(s, (i) => size[i] * xhat(i));
    const ofDx = (i: number) => {
      const c = channelOf(s, i);
      const means = batchStatistics ? (sums[c] + xhat(i) * products[c]) / (s.n * s.h * s.w) : 0;
      return U * growth(s) * Math.abs((weight?.[c] ?? 1) * invstd[c]) * (size[i] + means) + SMALLEST_NORMAL;
    };
    const outcome = found.length === 4 ? found : [found[0], null, found[1], found[2]];
    expectNear(outcome[0] as Float32Array, dx, ofDx, `dx, ${what}`);
    if (outcome[1]) expectNear(outcome[1], dz, (i) => 4 * U * size[i], `dresidual, ${what}`);
    expectNear(
      outcome[2] as Float32Array,
      dweight,
      (c) => U * growth(s) * products[c] + SMALLEST_NORMAL,
      `dweight, ${what}`,
    );
    expectNear(outcome[3] as Float32Array, dbias, (c) => U * growth(s) * sums[c] + SMALLEST_NORMAL, `dbias, ${what}`);
  }

  function check(b: Backward, withResidual: boolean): void {
    const results = new Map<string, Float32Array>();
    const resultOn = (isa: string) => {
      const known = results.get(isa) ?? compute('blockedBatchNorm', forwardArguments(b.m))[0];
      results.set(isa, known);
      return known;
    };
    everywhere(
      'blockedBatchNormBackward',
      (isa) => {
        const y = resultOn(isa);
        return backwardArguments(b, b.m.residual && b.m.activation === 'relu' ? y : null, withResidual);
      },
      (found, isa) => checkOn(isa, b, resultOn(isa), found),
    );
  }

  const backward = (
    s: Shape & { lie(k: number): BlockedGeometry },
    k: number,
    activation: NormActivation,
    batchStatistics: boolean,
  ): Backward => {
    const m = norm(s, k, activation);
    if (activation !== 'relu' && activation !== 'identity') m.residual = null;
    const lie = { dy: s.lie(k % 4), y: s.lie((k + 3) % 4), dx: s.lie((k + 2) % 4), dresidual: s.lie((k + 1) % 4) };
    return { m, dy: normals(elements(s), k + 6), lie, batchStatistics };
  };

  it.each(NORM_ACTIVATIONS)('%s of every shape', (activation) => {
    let k = 0;
    for (const s of shapes()) {
      for (const batchStatistics of [true, false]) {
        const b = backward(s, k++, activation, batchStatistics);
        check(b, k % 3 === 0);
      }
    }
  });

  it('with and without residual, weight and bias', () => {
    const s = { n: 3, c: 19, h: 6, w: 7 };
    const lie = { ...s, halo: 1, blocks: 0 };
    for (const activation of ['identity', 'relu'] as const)
      for (let k = 0; k < 12; k++)
        for (const batchStatistics of [true, false])
          for (const withResidual of [true, false])
            check(backward({ ...s, lie: () => lie }, k, activation, batchStatistics), withResidual);
  });

  it('exact for small integers', () => {
    const s = { n: 2, c: 17, h: 4, w: 4 };
    const lie = { ...s, halo: 0, blocks: 0 };
    const fill: Fill = integers;
    const m: Norm = {
      ...norm({ ...s, lie: () => lie }, 1, 'identity'),
      x: fill(elements(s), 1),
      ...{ mean: fill(17, 2), variance: new Float32Array(17).fill(1 - EPS), weight: null, bias: null, residual: null },
    };
    const b: Backward = {
      m,
      dy: fill(elements(s), 3),
      lie: { dy: lie, y: lie, dx: lie, dresidual: lie },
      batchStatistics: false,
    };
    const sums = perChannel(s, (i) => b.dy[i]);
    const products = perChannel(s, (i) => b.dy[i] * (m.x[i] - m.mean[channelOf(s, i)]));
    everywhere('blockedBatchNormBackward', backwardArguments(b, null, true), ([dx, dz, dweight, dbias]) => {
      // variance + eps is 1 to within the rounding of the variance
      expectNear(dx, b.dy, (i) => 2 * U * Math.abs(b.dy[i]), 'dx');
      expect(sameBits(dz, b.dy)).toBe(true);
      expectNear(dweight, products, (c) => 2 * U * Math.abs(products[c]), 'dweight');
      expect([...dbias]).toEqual([...sums]);
    });
  });

  it('NaN passes the mask as in reluGrad, and stays in its channel', () => {
    const s = { n: 2, c: 18, h: 4, w: 5 };
    const lie = { ...s, halo: 1, blocks: 0 };
    for (const withResult of [true, false]) {
      const b = backward({ ...s, lie: () => lie }, withResult ? 2 : 1, 'relu', true);
      const clean = b.m.x.slice();
      b.m.x[3 * 20 + 7] = Number.NaN;
      for (const isa of isas) {
        native.setIsa(isa);
        const [y] = compute('blockedBatchNorm', forwardArguments(b.m));
        expect(Number.isNaN(y[67])).toBe(true);
        const of = (x: Float32Array) =>
          compute(
            'blockedBatchNormBackward',
            backwardArguments({ ...b, m: { ...b.m, x } }, withResult ? y : null, true),
          );
        const [found, expected] = [of(b.m.x), of(clean)];
        expect(found[1][67], isa).toBe(b.dy[67]);
        expect(Number.isNaN(found[2][3]), isa).toBe(true);
        expect(Number.isFinite(found[3][3]), isa).toBe(true);
        found[0].forEach((value, i) => {
          const isHit = channelOf(s, i) === 3;
          if (isHit) expect(Number.isNaN(value)).toBe(true);
          else expect(Object.is(value, expected[0][i]), `${isa} ${i}`).toBe(true);
        });
      }
    }
  });

  it('constants of the statistics keep NaN in its place', () => {
    const s = { n: 2, c: 3, h: 4, w: 5 };
    const lie = { ...s, halo: 0, blocks: 0 };
    const b = backward({ ...s, lie: () => lie }, 1, 'identity', false);
    b.m.x[5] = Number.NaN;
    everywhere('blockedBatchNormBackward', backwardArguments(b, null, false), ([dx]) => {
      expect(dx.every(Number.isFinite)).toBe(true);
    });
  });

  it('in place, with and without what may be null', () => {
    const s = { n: 3, c: 20, h: 3, w: 5 };
    const lie = { ...s, halo: 1, blocks: 0 };
    const b = backward({ ...s, lie: () => lie }, 2, 'relu', true);
    const numbers = [EPS, 0, 0] as const;
    for (const isa of isas) {
      native.setIsa(isa);
      const [y] = compute('blockedBatchNorm', forwardArguments(b.m));
      for (const withResult of [true, false]) {
        const list = backwardArguments(b, withResult ? y : null, true);
        const [dx, dz] = compute('blockedBatchNormBackward', list);
        const options = list[12] as Int32Array;
        const given = () => ({ dy: block(b.dy, lie), y: block(y, lie), x: block(b.m.x, lie) });
        for (const over of ['dy', 'x', 'y'] as const) {
          const from = given();
          const value = withResult ? from.y : null;
          const affine = [b.m.mean, b.m.variance, b.m.weight, b.m.bias] as const;
          native.kernels.blockedBatchNormBackward(
            ...([
              from.dy,
              value,
              from.x,
              ...affine,
              from[over],
              null,
              null,
              null,
              flat(lie),
              options,
              ...numbers,
            ] as const),
          );
          expect(sameBits(unblock(from[over], lie), dx), `${isa} dx over ${over}`).toBe(true);
          expect(brokenBorder(from[over], lie)).toBeUndefined();
          if (over === 'x') continue;
          const again = given();
          const result = block([], lie);
          native.kernels.blockedBatchNormBackward(
            ...([again.dy, withResult ? again.y : null, again.x, ...affine, result, again[over]] as const),
            ...([null, null, flat(lie), options, ...numbers] as const),
          );
          expect(sameBits(unblock(again[over], lie), dz), `${isa} dresidual over ${over}`).toBe(true);
          expect(sameBits(unblock(result, lie), dx), isa).toBe(true);
        }
      }
    }
  });

  it('of nothing: sums are 0, borders are written', () => {
    for (const lie of emptyShapes()) {
      const { n, c, h, w } = lie;
      const b = backward({ n, c, h, w, lie: () => lie }, 1, 'relu', true);
      everywhere('blockedBatchNormBackward', backwardArguments(b, null, true), ([, , dweight, dbias]) => {
        expect([...dweight, ...dbias].every((value) => value === 0)).toBe(true);
      });
    }
  });

  it('refuses short buffers, unknown codes and strange sizes', () => {
    const lie = { n: 2, c: 5, h: 3, w: 4, halo: 1, blocks: 0 };
    const buffers = {
      ...{ dy: block([], lie), y: block([], lie), x: block([], lie), mean: normals(5, 1), variance: positives(5, 1) },
      ...{ weight: normals(5, 2), bias: normals(5, 3), dx: block([], lie), dresidual: block([], lie) },
      ...{ dweight: normals(5, 4), dbias: normals(5, 5) },
    };
    const options = {
      ...{ activation: 1, batchStatistics: 1, haloIn: 1, haloValue: 1, haloOut: 1, haloResidual: 1 },
      ...{ blocksIn: 0, blocksValue: 0, blocksOut: 0, blocksResidual: 0 },
    };
    const attempt =
      (change: Partial<typeof buffers>, more: Partial<typeof options> = {}) =>
      () => {
        const b = { ...buffers, ...change };
        const affine = [b.mean, b.variance, b.weight, b.bias] as const;
        const o = encode(NORM_GRADIENT_OPTION_FIELDS, { ...options, ...more });
        native.kernels.blockedBatchNormBackward(
          ...([b.dy, b.y, b.x, ...affine, b.dx, b.dresidual, b.dweight, b.dbias, flat(lie), o, EPS, 0, 0] as const),
        );
      };
    expect(attempt({})).not.toThrow();
    for (const [name, values] of Object.entries(buffers))
      expect(attempt({ [name]: values.subarray(1) })).toThrow(`blockedBatchNormBackward: ${name} is shorter than`);
    for (const activation of [-1, code('prelu'), code('hardSigmoid'), code('silu'), 11])
      expect(attempt({}, { activation })).toThrow('blockedBatchNormBackward: there is no such activation');
    for (const activation of ['identity', 'clip', 'leakyRelu', 'hardSwish'] as const)
      expect(attempt({}, { activation: code(activation) })).toThrow('y tells the derivative of relu only');
    survivesStrangeSizes((change, out, seed) => {
      const { dy, y, x, mean, variance, weight, bias } = buffers;
      const [dx, dresidual] = [out(dy.length), seed % 3 ? out(dy.length) : null];
      native.kernels.blockedBatchNormBackward(
        ...([dy, seed % 2 ? y : null, x, mean, variance, weight, bias, dx, dresidual, out(5), out(5)] as const),
        ...([change(flat(lie)), change(encode(NORM_GRADIENT_OPTION_FIELDS, options)), EPS, 0, 0] as const),
      );
    });
  });
});
