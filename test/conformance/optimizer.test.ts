import { describe, it } from 'vitest';
import { ADAM_CASES, type AdamCase, PARAMETER_LENGTHS, SGD_CASES, type SgdCase } from '../cases/optimizer.js';
import { reportNative } from './backends.js';
import { type Call, inout, input, oracle } from './call.js';
import { type Bound, conform, SMALLEST_NORMAL, U } from './conform.js';
import { normals, positives } from './data.js';

const LR = 0.1;
const EPS = 1e-8;
const BETAS = [0.9, 0.999] as const;

/** `sign` −1 with absolute inputs turns every subtraction into a sum of absolute terms. */
function sgdCall(entry: SgdCase, length: number, sign: 1 | -1 = 1): Call {
  const { momentum = 0, dampening = 0, weightDecay = 0, nesterov = false, firstStep = false } = entry;
  const of = (values: Float32Array) => (sign < 0 ? values.map(Math.abs) : values);
  const stale = new Float32Array(length).fill(Number.NaN); // the first step must not read the buffer
  const buffer = momentum === 0 ? null : inout(firstStep ? stale : of(normals(length, 3)));
  const flags = [Number(nesterov), Number(firstStep)];
  const arrays = [inout(of(normals(length, 1))), input(of(normals(length, 2))), buffer];
  return { kernel: 'sgdUpdate', arguments: [...arrays, sign * LR, momentum, dampening, weightDecay, ...flags] };
}

function adamCall({ step, weightDecay = 0, decoupled = false }: AdamCase, length: number): Call {
  const corrections = BETAS.map((beta) => 1 - beta ** step);
  // moments as they are after some steps; before the first one they are zero
  const moment = (fill: typeof normals, seed: number) => (step === 1 ? new Float32Array(length) : fill(length, seed));
  const arrays = [
    inout(normals(length, 1)),
    input(normals(length, 2)),
    inout(moment(normals, 3)),
    inout(moment(positives, 4)),
  ];
  return {
    kernel: 'adamUpdate',
    arguments: [...arrays, LR, ...BETAS, EPS, weightDecay, Number(decoupled), ...corrections],
  };
}

/** A dozen roundings, each relative to at most the sum of the absolute terms. */
const within =
  (s: ArrayLike<number>): Bound =>
  (_, i) =>
    12 * U * s[i] + SMALLEST_NORMAL;

function checkAdam(entry: AdamCase, length: number): void {
  const { weightDecay = 0, decoupled = false, step } = entry;
  const call = adamCall(entry, length);
  const [, firstMoment, secondMoment] = oracle(call);
  const [p, gradient] = [normals(length, 1), normals(length, 2)];
  const decay = decoupled ? 0 : weightDecay;
  const g = gradient.map((v, i) => Math.abs(v) + decay * Math.abs(p[i]));
  const old = step === 1 ? new Float32Array(length) : normals(length, 3);
  const m = g.map((v, i) => BETAS[0] * Math.abs(old[i]) + (1 - BETAS[0]) * v);
  const squares = g.map((v, i) => (step === 1 ? 0 : (secondMoment[i] as number)) + (1 - BETAS[1]) * v * v);
  // The gradient plus its decay may cancel; the relative error that this gives the second moment goes into the step.
  const rate = LR / (1 - BETAS[0] ** step);
  const moved = m.map((v, i) => {
    const deviation = Math.sqrt((secondMoment[i] as number) / (1 - BETAS[1] ** step)) + EPS;
    return Math.abs(p[i]) + (rate * v * Math.max(1, squares[i] / (secondMoment[i] as number))) / deviation;
  });
  if (firstMoment.length !== length) throw new Error('adamUpdate has three outputs of one length');
  conform(call, [within(moved), within(m), within(squares)], entry.why);
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

  it('adam stands still where the gradient has always been zero', () => {
    const zeros = () => new Float32Array(37);
    const arrays = [inout(normals(37, 1)), input(zeros()), inout(zeros()), inout(zeros())];
    conform({ kernel: 'adamUpdate', arguments: [...arrays, LR, ...BETAS, EPS, 0, 0, 0.1, 0.001] }, [
      'exact',
      'exact',
      'exact',
    ]);
  });

  it('one NaN gradient spoils one parameter', () => {
    const gradient = normals(37, 2).map((v, i) => (i === 20 ? Number.NaN : v));
    const bound: Bound = () => 1e-5;
    const sgd: Call = {
      kernel: 'sgdUpdate',
      arguments: [inout(normals(37, 1)), input(gradient), null, LR, 0, 0, 0, 0, 0],
    };
    conform(sgd, [bound]);
    const arrays = [inout(normals(37, 1)), input(gradient), inout(normals(37, 3)), inout(positives(37, 4))];
    conform({ kernel: 'adamUpdate', arguments: [...arrays, LR, ...BETAS, EPS, 0, 0, 0.1, 0.001] }, [
      bound,
      bound,
      bound,
    ]);
  });
});
