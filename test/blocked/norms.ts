import { ACTIVATION_OPTION_FIELDS, type BlockedGeometry, CHANNEL_FIELDS, encode } from '../../lib/geometry.js';
import { ACTIVATION_KINDS, type ActivationKind } from '../../lib/kernels/operations.js';
import { input } from '../conformance/call.js';
import { normals, positives } from '../conformance/data.js';
import { blockedInput, blockedOutput, flat } from './everywhere.js';

export type Shape = Pick<BlockedGeometry, 'n' | 'c' | 'h' | 'w'>;
export const EPS = 1e-3;
export const NORM_ACTIVATIONS = [
  'identity',
  'relu',
  'clip',
  'leakyRelu',
  'hardSwish',
] as const satisfies ActivationKind[];
export type NormActivation = (typeof NORM_ACTIVATIONS)[number];
/** Bounds of clip, slope of leakyRelu; hardSwish has none. */
export const parameters = (activation: ActivationKind): [alpha: number, beta: number] =>
  activation === 'clip' ? [-0.5, 0.75] : activation === 'leakyRelu' ? [0.2, 0] : [0, 0];

export const plain = ({ n, c, h, w }: Shape) => encode(CHANNEL_FIELDS, { n, c, size: h * w });
export const elements = ({ n, c, h, w }: Shape) => n * c * h * w;
export const channelOf = ({ c, h, w }: Shape, i: number) => Math.floor(i / (h * w)) % c;
export const label = ({ n, c, h, w }: Shape) => `[${n}, ${c}, ${h}, ${w}]`;

/** Σ over the elements of each channel. */
export function perChannel(s: Shape, term: (i: number) => number): Float64Array {
  const sums = new Float64Array(s.c);
  for (let i = 0; i < elements(s); i++) sums[channelOf(s, i)] += term(i);
  return sums;
}

export const growth = (s: Shape) => 8 + Math.sqrt(s.n * s.h * s.w);

/** A batch norm with everything it may have. */
export interface Norm {
  s: Shape;
  x: Float32Array;
  lie: { x: BlockedGeometry; residual: BlockedGeometry; y: BlockedGeometry };
  mean: Float32Array;
  variance: Float32Array;
  weight: Float32Array | null;
  bias: Float32Array | null;
  residual: Float32Array | null;
  activation: NormActivation;
}

export function norm(s: Shape & { lie(k: number): BlockedGeometry }, k: number, activation: NormActivation): Norm {
  const { c } = s;
  return {
    s,
    x: normals(elements(s), k).map((v) => 2 * v + 1),
    lie: { x: s.lie(k % 3), residual: s.lie((k + 1) % 3), y: s.lie((k + 2) % 3) },
    mean: normals(c, k + 1),
    variance: positives(c, k + 2).map((v) => 4 * v),
    weight: k % 2 ? normals(c, k + 3) : null,
    bias: k % 3 ? normals(c, k + 4) : null,
    residual: k % 2 ? null : normals(elements(s), k + 5),
    activation,
  };
}

export const optional = (values: Float32Array | null) => values && input(values);
export const code = (activation: ActivationKind) => ACTIVATION_KINDS.indexOf(activation);

export function forwardArguments(m: Norm) {
  const { x, lie, mean, variance, weight, bias, residual, activation } = m;
  const options = encode(ACTIVATION_OPTION_FIELDS, {
    activation: code(activation),
    haloOther: lie.residual.halo,
    haloOut: lie.y.halo,
    blocksOther: lie.residual.blocks,
    blocksOut: lie.y.blocks,
  });
  return [
    ...[blockedInput(x, lie.x), input(mean), input(variance), optional(weight), optional(bias)],
    ...[residual && blockedInput(residual, lie.residual), blockedOutput(lie.y), flat(lie.x), options],
    ...[EPS, ...parameters(activation)],
  ];
}

/** The activation's argument in float64, and the sum of the absolute values of its terms. */
export function argument({ s, x, mean, variance, weight, bias, residual }: Norm, i: number) {
  const c = channelOf(s, i);
  const scale = (weight?.[c] ?? 1) / Math.sqrt(variance[c] + EPS);
  const terms = [(x[i] - mean[c]) * scale, bias?.[c] ?? 0, residual?.[i] ?? 0];
  const largest = [(Math.abs(x[i]) + Math.abs(mean[c])) * scale, terms[1], terms[2]];
  return {
    value: terms.reduce((a, b) => a + b, 0),
    magnitude: largest.reduce((sum, v) => sum + Math.abs(v), 0),
  };
}
