import { describe, expect, it } from 'vitest';
import {
  ADAM_CASES,
  type AdamCase,
  PARAMETER_LENGTHS,
  RMSPROP_CASES,
  type RmspropCase,
  SGD_CASES,
  type SgdCase,
} from '../cases/optimizer.js';
import { backends, reportNative } from './backends.js';
import { type Argument, type Call, inout, input, oracle, run } from './call.js';
import { type Bound, conform, SMALLEST_NORMAL, U } from './conform.js';
import { normals, positives } from './data.js';

const LR = 0.1;
const EPS = 1e-8;
const BETAS = [0.9, 0.999] as const;

const settings = (...numbers: number[]) => input(Float32Array.from(numbers));

/** `sign` −1 with absolute inputs turns every subtraction into a sum of absolute terms. */
function sgdCall(entry: SgdCase, length: number, sign: 1 | -1 = 1): Call {
  const { momentum = 0, dampening = 0, weightDecay = 0, nesterov = false, firstStep, maximize } = entry;
  const of = (values: Float32Array) => (sign < 0 ? values.map(Math.abs) : values);
  const buffer = momentum === 0 ? null : inout(firstStep ? new Float32Array(length) : of(normals(length, 3)));
  const arrays = [inout(of(normals(length, 1))), input(of(normals(length, 2))), buffer];
  const direction = maximize && sign > 0 ? -1 : 1;
  const numbers = settings(sign * LR, weightDecay, momentum, firstStep ? 1 : 1 - dampening, direction);
  return { kernel: 'sgdUpdate', arguments: [...arrays, numbers, Number(nesterov)] };
}

function adamSettings({ step, weightDecay = 0, decoupled = false, maximize }: AdamCase): Argument {
  const [correction1, correction2] = BETAS.map((beta) => 1 - beta ** step);
  const [keep, decay] = decoupled ? [1 - LR * weightDecay, 0] : [1, weightDecay];
  const averages = BETAS.flatMap((beta) => [beta, 1 - beta]);
  return settings(LR / correction1, keep, decay, ...averages, Math.sqrt(correction2), EPS, maximize ? -1 : 1);
}

function adamCall(entry: AdamCase, length: number): Call {
  // moments as they are after some steps; before the first one they are zero
  const moment = (fill: typeof normals, seed: number) =>
    inout(entry.step === 1 ? new Float32Array(length) : fill(length, seed));
  const arrays = [
    inout(normals(length, 1)),
    input(normals(length, 2)),
    moment(normals, 3),
    moment(positives, 4),
    entry.amsgrad ? moment(positives, 5) : null,
  ];
  return { kernel: 'adamUpdate', arguments: [...arrays, adamSettings(entry)] };
}

function rmspropCall({ momentum = 0, weightDecay = 0, centered = false }: RmspropCase, length: number): Call {
  const arrays = [
    inout(normals(length, 1)),
    input(normals(length, 2)),
    inout(positives(length, 4)),
    centered ? inout(normals(length, 5).map((v) => v / 8)) : null,
    momentum ? inout(normals(length, 6)) : null,
  ];
  return { kernel: 'rmspropUpdate', arguments: [...arrays, settings(LR, weightDecay, 0.9, 0.1, EPS, momentum, 1)] };
}

/** A dozen roundings, each relative to at most the sum of the absolute terms. */
const within =
  (s: ArrayLike<number>): Bound =>
  (_, i) =>
    12 * U * s[i] + SMALLEST_NORMAL;

function checkAdam(entry: AdamCase, length: number): void {
  const { weightDecay = 0, decoupled = false, amsgrad = false, step } = entry;
  const call = adamCall(entry, length);
  const [, firstMoment, secondMoment, largest = secondMoment] = oracle(call) as Float64Array[];
  const [p, gradient] = [normals(length, 1), normals(length, 2)];
  const decay = decoupled ? 0 : weightDecay;
  const g = gradient.map((v, i) => Math.abs(v) + decay * Math.abs(p[i]));
  const old = step === 1 ? new Float32Array(length) : normals(length, 3);
  const m = g.map((v, i) => BETAS[0] * Math.abs(old[i]) + (1 - BETAS[0]) * v);
  const squares = g.map((v, i) => (step === 1 ? 0 : secondMoment[i]) + (1 - BETAS[1]) * v * v);
  const largestSquares = squares.map((v, i) => Math.max(v, largest[i]));
  // The gradient plus its decay may cancel; the relative error that this gives the second moment goes into the step.
  const rate = LR / (1 - BETAS[0] ** step);
  const moved = m.map((v, i) => {
    const deviation = Math.sqrt(largest[i] / (1 - BETAS[1] ** step)) + EPS;
    return Math.abs(p[i]) + (rate * v * Math.max(1, squares[i] / secondMoment[i])) / deviation;
  });
  if (firstMoment.length !== length) throw new Error('adamUpdate has moments of one length');
  const bounds = [within(moved), within(m), within(squares), ...(amsgrad ? [within(largestSquares)] : [])];
  conform(call, bounds, entry.why);
}

function checkRmsprop(entry: RmspropCase, length: number): void {
  const { momentum = 0, weightDecay = 0, centered = false } = entry;
  const call = rmspropCall(entry, length);
  const outputs = oracle(call) as Float64Array[];
  const [p, gradient] = [normals(length, 1), normals(length, 2)];
  const [squareAverage, mean] = [outputs[1], centered ? outputs[2] : new Float64Array(length)];
  const g = gradient.map((v, i) => Math.abs(v) + weightDecay * Math.abs(p[i]));
  const squares = g.map((v, i) => squareAverage[i] + 0.1 * v * v);
  const before = normals(length, 5);
  const means = g.map((v, i) => Math.abs(before[i]) / 8 + 0.1 * v);
  const buffer = momentum ? normals(length, 6) : new Float32Array(length);
  const step = g.map((v, i) => {
    const variance = squareAverage[i] - mean[i] * mean[i];
    // relative errors of the variance, which may cancel, count half in its root
    const lost = centered ? (squares[i] + 2 * Math.abs(mean[i]) * means[i] + means[i] ** 2) / variance : 2;
    return momentum * Math.abs(buffer[i]) + (v * Math.max(1, lost)) / Math.sqrt(variance);
  });
  const moved = step.map((v, i) => Math.abs(p[i]) + LR * v);
  const kept = [...(centered ? [within(means)] : []), ...(momentum ? [within(step)] : [])];
  conform(call, [within(moved), within(squares), ...kept], entry.why);
}

describe('optimizer kernels', () => {
  reportNative();

  for (const entry of SGD_CASES) {
    it(`sgd: ${entry.why}`, () => {
      for (const length of PARAMETER_LENGTHS) {
        const bounds = oracle(sgdCall(entry, length, -1)).map(within);
        conform(sgdCall(entry, length), bounds, entry.why);
      }
    });
  }

  for (const entry of ADAM_CASES) {
    it(`adam: ${entry.why}`, () => {
      for (const length of PARAMETER_LENGTHS) checkAdam(entry, length);
    });
  }

  for (const entry of RMSPROP_CASES) {
    it(`rmsprop: ${entry.why}`, () => {
      for (const length of PARAMETER_LENGTHS) checkRmsprop(entry, length);
    });
  }

  it.each([
    ['down', 1],
    ['up', -1],
  ])('lion: %s the gradient', (_, sign) => {
    for (const length of PARAMETER_LENGTHS) {
      const [p, g, m] = [normals(length, 1), normals(length, 2), normals(length, 3)];
      const numbers = settings(LR, 0.99, 0.9, 0.1, 0.95, 0.05, sign);
      const call: Call = { kernel: 'lionUpdate', arguments: [inout(p), input(g), inout(m), numbers] };
      const sizes = m.map((v, i) => 0.9 * Math.abs(v) + 0.1 * Math.abs(g[i]));
      // where the direction cancels to less than its rounding errors either sign is right
      const moved: Bound = (_, i) => {
        const direction = 0.9 * m[i] + sign * 0.1 * g[i];
        return Math.abs(direction) <= 4 * U * sizes[i] ? 2.1 * LR : 4 * U * (Math.abs(p[i]) + LR);
      };
      conform(call, [moved, within(m.map((v, i) => Math.abs(v) + Math.abs(g[i])))]);
    }
  });

  it('lion stands still where gradient and momentum are zero, and NaN spreads', () => {
    const g = Float32Array.of(0, -0, Number.NaN, 3, 1);
    const m = Float32Array.of(0, 0, 1, Number.NaN, 0);
    const numbers = settings(LR, 1, 0.9, 0.1, 0.99, 0.01, 1);
    const call: Call = {
      kernel: 'lionUpdate',
      arguments: [inout(new Float32Array(5).fill(2)), input(g), inout(m), numbers],
    };
    expect(Array.from(oracle(call)[0].slice(0, 4))).toEqual([2, 2, Number.NaN, Number.NaN]);
    conform(call, [() => 1e-6, () => 1e-6]);
  });

  it('blend: small integers exactly, any numbers to rounding', () => {
    for (const length of PARAMETER_LENGTHS) {
      const [y, x] = [normals(length, 1), normals(length, 2)];
      const call = (keep: number, take: number, of = (v: number) => v): Call => ({
        kernel: 'blend',
        arguments: [inout(y.map(of)), input(x.map(of)), settings(keep, take)],
      });
      conform(call(2, -3, Math.round), ['exact']);
      conform(call(0.9, 0.1), [within(y.map((v, i) => Math.abs(v) + Math.abs(x[i])))]);
      conform(call(0, 1), ['exact']);
    }
  });

  it('adam stands still where the gradient has always been zero', () => {
    const zeros = () => new Float32Array(37);
    const arrays = [inout(normals(37, 1)), input(zeros()), inout(zeros()), inout(zeros()), inout(zeros())];
    const call: Call = { kernel: 'adamUpdate', arguments: [...arrays, adamSettings({ why: '', step: 1 })] };
    conform(call, ['exact', 'exact', 'exact', 'exact']);
  });

  it('one NaN gradient spoils one parameter', () => {
    const gradient = normals(37, 2).map((v, i) => (i === 20 ? Number.NaN : v));
    const bound: Bound = () => 1e-5;
    const p = () => inout(normals(37, 1));
    const arrays = [p(), input(gradient), inout(normals(37, 3)), inout(positives(37, 4)), inout(positives(37, 5))];
    const calls: Call[] = [
      { kernel: 'sgdUpdate', arguments: [p(), input(gradient), null, settings(LR, 0, 0, 1, 1), 0] },
      { kernel: 'adamUpdate', arguments: [...arrays, adamSettings({ why: '', step: 3 })] },
      {
        kernel: 'rmspropUpdate',
        arguments: [p(), input(gradient), inout(positives(37, 4)), null, null, settings(LR, 0, 0.9, 0.1, EPS, 0, 1)],
      },
    ];
    for (const call of calls) {
      const outputs = oracle(call);
      for (const output of outputs) expect(Array.from(output).filter(Number.isNaN)).toHaveLength(1);
      conform(
        call,
        outputs.map(() => bound),
      );
    }
  });

  it('a largest moment of NaN stays, whatever comes', () => {
    const at = (v: number) => inout(new Float32Array(19).fill(v));
    const arrays = [at(1), input(new Float32Array(19).fill(1)), at(1), at(1), at(Number.NaN)];
    const call: Call = { kernel: 'adamUpdate', arguments: [...arrays, adamSettings({ why: '', step: 3 })] };
    for (const backend of backends) {
      backend.activate();
      const largest = run(backend.kernels, call, 'tight').outputs[3];
      expect(Array.from(largest).every(Number.isNaN), backend.name).toBe(true);
    }
  });
});
