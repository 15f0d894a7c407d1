import { BLOCK } from '../../lib/backend/blocked.js';
import type { NativeAddon } from '../../lib/backend/native.js';
import type { Kernels } from '../../lib/backend/typescript.js';
import {
  type BlockedGeometry,
  CONV2D_FIELDS,
  CONVOLUTION_OPTION_FIELDS,
  type Conv2dGeometry,
  encode,
} from '../../lib/geometry.js';
import {
  ACTIVATION_KINDS,
  type ActivationKind,
  CONVOLUTION_ALGORITHMS,
  type ConvolutionAlgorithm,
} from '../../lib/kernels/operations.js';
import { addon } from '../conformance/backends.js';
import { type Argument, type Call, input, type Layout, output, run } from '../conformance/call.js';
import { block, brokenBorder, unblock } from './layout.js';

/** The addon; tests that use it are skipped where there is none. */
export const native = addon as NativeAddon;

export type Pass = 'forward' | 'gradInput';
export const PASSES: readonly Pass[] = ['forward', 'gradInput'];

/** A convolution of blocked tensors, its tensors given as NCHW and OIHW. */
export interface Convolution {
  pass: Pass;
  g: Conv2dGeometry;
  algorithm: ConvolutionAlgorithm;
  /** x, or dy in the gradient of the input. */
  source: Float32Array;
  weight: Float32Array;
  bias?: Float32Array;
  /** Border of the result. */
  halo?: number;
  /** Floats for the packed weights; more than enough unless given. */
  packedLength?: number;
  activation?: ActivationKind;
  alpha?: number;
  beta?: number;
  slopes?: Float32Array;
  residual?: { values: Float32Array; after: boolean };
}

const passCode = (pass: Pass) => (pass === 'forward' ? 0 : 1);

/** Runs a kernel on the blocked layout; throws if it touches memory that is not its output. */
export function call(kernel: string, list: readonly Argument[], layout: Layout = 'guarded'): Float32Array {
  const { outputs, damage } = run(native.kernels, { kernel: kernel as keyof Kernels, arguments: list } as Call, layout);
  if (damage) throw new Error(`${kernel} ${damage}`);
  return outputs[0] as Float32Array;
}

/** What the kernels choose for a convolution: `undefined` if none of them computes it on blocks. */
export function choose(g: Conv2dGeometry, pass: Pass, exact: boolean) {
  const choice = new Int32Array(3);
  native.kernels.blockedConv2dChoose(choice, encode(CONV2D_FIELDS, g), passCode(pass), exact ? 1 : 0);
  const [code, packed, halo] = choice;
  return { algorithm: CONVOLUTION_ALGORITHMS[code] as ConvolutionAlgorithm | undefined, packed, halo };
}

/** Sizes of what is read and of what is written, with their borders. */
export function tensors({ pass, g, halo = 0 }: Pick<Convolution, 'pass' | 'g' | 'halo'>) {
  const x = { n: g.n, c: g.ic, h: g.h, w: g.w };
  const y = { n: g.n, c: g.oc, h: g.oh, w: g.ow };
  // of one image, for which no algorithm is chosen that could do without the border others need
  const needed = choose({ ...g, n: Math.min(g.n, 1) }, pass, false).halo;
  const [source, result] = pass === 'forward' ? [x, y] : [y, x];
  // some as ranges of wider tensors
  const apart = (c: number, isRange: boolean) => (isRange ? Math.ceil(c / BLOCK) + 1 : 0);
  return {
    source: { ...source, halo: needed, blocks: apart(source.c, g.h % 2 === 0) } as BlockedGeometry,
    result: { ...result, halo, blocks: apart(result.c, g.w % 2 === 0) } as BlockedGeometry,
    residual: { ...result, halo: (halo + g.w) % 3, blocks: apart(result.c, g.w % 4 < 2) } as BlockedGeometry,
  };
}

/** Packs the weights; the length of packed weights is the kernels' secret, so more than enough is offered. */
export function pack(c: Convolution, layout?: Layout): Float32Array {
  const { pass, g, algorithm, weight, bias } = c;
  const points = { winograd2: 16, winograd4: 36 }[algorithm as string] ?? g.kh * g.kw;
  const rows = Math.ceil(Math.max(g.oc, g.ic) / 32 + g.groups) * 32;
  const room = rows * (Math.max(g.oc, g.ic) * (points + 2) + 64) + 64 * points;
  const list = [input(weight), bias ? input(bias) : null, output(c.packedLength ?? room), encode(CONV2D_FIELDS, g)];
  return call('blockedConv2dPack', [...list, passCode(pass), CONVOLUTION_ALGORITHMS.indexOf(algorithm)], layout);
}

/** The result as NCHW, on the active instruction set. Throws if the border of the result is not zero. */
export function convolve(c: Convolution, layout: Layout = 'guarded'): Float32Array {
  const { source, result, residual } = tensors(c);
  const x = c.algorithm === 'plainInput' ? c.source : block(c.source, source);
  const options = encode(CONVOLUTION_OPTION_FIELDS, {
    pass: passCode(c.pass),
    algorithm: CONVOLUTION_ALGORITHMS.indexOf(c.algorithm),
    haloIn: source.halo,
    haloOut: result.halo,
    blocksIn: source.blocks,
    blocksOut: result.blocks,
    haloResidual: residual.halo,
    blocksResidual: residual.blocks,
    activation: ACTIVATION_KINDS.indexOf(c.activation ?? 'identity'),
    residualAfter: c.residual?.after ? 1 : 0,
  });
  const y = call(
    'blockedConv2d',
    [
      input(x),
      input(pack(c, layout)),
      c.residual ? input(block(c.residual.values, residual)) : null,
      c.slopes ? input(c.slopes) : null,
      output(block([], result).length),
      encode(CONV2D_FIELDS, c.g),
      options,
      c.alpha ?? 0,
      c.beta ?? 0,
    ],
    layout,
  );
  const broken = brokenBorder(y, result);
  if (broken) throw new Error(broken);
  return unblock(y, result);
}
