import { describe, expect, it } from 'vitest';
import { blockedElements } from '../../lib/backend/blocked.js';
import { ACTIVATION_OPTION_FIELDS, encode } from '../../lib/geometry.js';
import { noNative, reportNative, withReason } from '../conformance/backends.js';
import { input, oracle, output } from '../conformance/call.js';
import { SMALLEST_NORMAL, U } from '../conformance/conform.js';
import { normals, positives } from '../conformance/data.js';
import { activate } from './activations.js';
import { isas, sameBits } from './conform.js';
import { native } from './convolution.js';
import {
  compute,
  emptyShapes,
  everywhere,
  expectNear,
  expectOthersKept,
  flat,
  shapes,
  survivesStrangeSizes,
} from './everywhere.js';
import { block, brokenBorder, unblock } from './layout.js';
import {
  argument,
  code,
  EPS,
  elements,
  forwardArguments,
  label,
  NORM_ACTIVATIONS,
  type Norm,
  norm,
  parameters,
  plain,
} from './norms.js';

describe.skipIf(noNative)(withReason('batch norm of blocked tensors'), () => {
  reportNative();

  function check(m: Norm): void {
    const [alpha, beta] = parameters(m.activation);
    const expected = m.x.map(() => 0) as unknown as Float32Array;
    const of = Float64Array.from(expected, (_, i) => activate(m.activation, argument(m, i).value, alpha, beta, 0));
    // no activation here is steeper than 3/2, and hardSwish rounds four times
    const allowed = (i: number) => 12 * U * (argument(m, i).magnitude + Math.abs(of[i])) + SMALLEST_NORMAL;
    everywhere('blockedBatchNorm', forwardArguments(m), ([y], isa) => {
      expectNear(y, of, allowed, `${m.activation}, ${isa}, ${label(m.s)}`);
    });
  }

  it.each(NORM_ACTIVATIONS)('%s of every shape', (activation) => {
    let k = 0;
    for (const s of shapes()) check(norm(s, k++, activation));
  });

  it('agrees with batchNormForward', () => {
    for (const s of shapes()) {
      const m = { ...norm(s, 1, 'identity'), weight: normals(s.c, 1), bias: normals(s.c, 2) };
      const inputs = [m.x, m.mean, m.variance, m.weight, m.bias].map((values) => input(values));
      const of = oracle({ kernel: 'batchNormForward', arguments: [...inputs, output(elements(s)), plain(s), EPS] })[0];
      everywhere('blockedBatchNorm', forwardArguments(m), ([y], isa) => {
        expectNear(y, of, (i) => 8 * U * argument(m, i).magnitude + SMALLEST_NORMAL, `${isa}, ${label(s)}`);
      });
    }
  });

  it('passes NaN and infinity on, each in its place', () => {
    const s = { n: 1, c: 18, h: 5, w: 6 };
    const lie = { ...s, halo: 1, blocks: 0 };
    const specials = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1];
    const m: Norm = {
      ...norm({ ...s, lie: () => lie }, 1, 'relu'),
      x: Float32Array.from({ length: elements(s) }, (_, i) => specials[i % 4]),
      residual: Float32Array.from({ length: elements(s) }, (_, i) => specials[(i >> 2) % 4]),
      weight: positives(s.c, 1),
    };
    for (const activation of ['identity', 'relu', 'clip'] as const) {
      const [alpha, beta] = parameters(activation);
      everywhere('blockedBatchNorm', forwardArguments({ ...m, activation }), ([y], isa) => {
        y.forEach((value, i) => {
          const of = activate(activation, argument(m, i).value, alpha, beta, 0);
          if (!Number.isFinite(of)) expect(value, `${isa} ${activation} ${i}`).toBe(of);
          else expect(Number.isFinite(value), `${isa} ${activation} ${i}`).toBe(true);
        });
      });
    }
  });

  it('in place, and among the blocks of a wider tensor', () => {
    const s = { n: 3, c: 20, h: 3, w: 5 };
    const lie = { ...s, halo: 1, blocks: 0 };
    const same = { ...norm({ ...s, lie: () => lie }, 2, 'relu') };
    const wide = { ...lie, blocks: 5 };
    for (const isa of isas) {
      native.setIsa(isa);
      const [of] = compute('blockedBatchNorm', forwardArguments(same));
      for (const over of ['x', 'residual', 'wide'] as const) {
        const x = block(same.x, lie);
        const residual = block(same.residual as Float32Array, lie);
        const whole = new Float32Array(blockedElements({ ...lie, c: 80 })).fill(7);
        const y = { x, residual, wide: whole.subarray((2 * whole.length) / 15) }[over];
        const blocksOut = over === 'wide' ? 5 : 0;
        native.kernels.blockedBatchNorm(
          ...([x, same.mean, same.variance, same.weight, same.bias, residual, y, flat(lie)] as const),
          encode(ACTIVATION_OPTION_FIELDS, { activation: 1, haloOther: 1, haloOut: 1, blocksOther: 0, blocksOut }),
          ...([EPS, 0, 0] as const),
        );
        expect(sameBits(unblock(y, over === 'wide' ? wide : lie), of), `${isa} over ${over}`).toBe(true);
        expect(brokenBorder(y, over === 'wide' ? wide : lie)).toBeUndefined();
        if (over === 'wide') expectOthersKept(whole, 2, wide, 7);
      }
    }
  });

  it('writes the border of tensors that have no pixels', () => {
    for (const lie of emptyShapes()) {
      const { n, c, h, w } = lie;
      everywhere('blockedBatchNorm', forwardArguments(norm({ n, c, h, w, lie: () => lie }, 1, 'relu')), ([y]) => {
        expect(y).toHaveLength(0);
      });
    }
  });

  it('refuses short buffers, unknown codes and strange sizes', () => {
    const lie = { n: 2, c: 5, h: 3, w: 4, halo: 1, blocks: 0 };
    const buffers = {
      ...{ x: block([], lie), mean: normals(5, 1), variance: positives(5, 1), weight: normals(5, 2) },
      ...{ bias: normals(5, 3), residual: block([], lie), y: block([], lie) },
    };
    const options = { activation: 1, haloOther: 1, haloOut: 1, blocksOther: 0, blocksOut: 0 };
    const attempt =
      (change: Partial<typeof buffers>, more: Partial<typeof options> = {}) =>
      () => {
        const { x, mean, variance, weight, bias, residual, y } = { ...buffers, ...change };
        const o = encode(ACTIVATION_OPTION_FIELDS, { ...options, ...more });
        native.kernels.blockedBatchNorm(x, mean, variance, weight, bias, residual, y, flat(lie), o, EPS, 0, 0);
      };
    expect(attempt({})).not.toThrow();
    for (const [name, values] of Object.entries(buffers))
      expect(attempt({ [name]: values.subarray(1) })).toThrow(`blockedBatchNorm: ${name} is shorter than`);
    for (const activation of [-1, code('prelu'), code('hardSigmoid'), code('silu'), 11])
      expect(attempt({}, { activation })).toThrow('blockedBatchNorm: there is no such activation');
    survivesStrangeSizes((change, out, seed) => {
      const { x, mean, variance, weight, bias, residual, y } = buffers;
      native.kernels.blockedBatchNorm(
        ...([x, mean, variance, weight, bias, seed % 2 ? residual : null, out(y.length), change(flat(lie))] as const),
        ...([change(encode(ACTIVATION_OPTION_FIELDS, options)), EPS, 0, 0] as const),
      );
    });
  });
});
