import { describe, expect, it } from 'vitest';
import { ACTIVATION_OPTION_FIELDS, type BlockedGeometry, encode } from '../../lib/geometry.js';
import {
  clip,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  relu,
  sigmoid,
  silu,
  type Tensor,
  tanh,
  tensor,
} from '../../lib/index.js';
import { ACTIVATION_KINDS, type ActivationKind } from '../../lib/kernels/operations.js';
import { reluGrad } from '../../lib/ops/relugrad.js';
import { noNative, reportNative, withReason } from '../conformance/backends.js';
import { output } from '../conformance/call.js';
import { SMALLEST_NORMAL, U } from '../conformance/conform.js';
import { integers, normals } from '../conformance/data.js';
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

const ALPHA = 0.2;
const BETA = 0.75;

/** The ops whose gradients these are, and whether the kernel is told their result. */
const OPS = {
  identity: { of: (x: Tensor<'float64'>) => x, isTold: 'nothing' },
  relu: { of: relu, isTold: 'result' },
  clip: { of: (x: Tensor<'float64'>) => clip(x, ALPHA, BETA), isTold: 'argument' },
  leakyRelu: { of: (x: Tensor<'float64'>) => leakyRelu(x, ALPHA), isTold: 'argument' },
  hardSigmoid: { of: (x: Tensor<'float64'>) => hardSigmoid(x, { alpha: ALPHA, beta: BETA }), isTold: 'result' },
  hardSwish: { of: hardSwish, isTold: 'argument' },
  sigmoid: { of: sigmoid, isTold: 'result' },
  tanh: { of: tanh, isTold: 'result' },
  silu: { of: silu, isTold: 'argument' },
  gelu: { of: gelu, isTold: 'argument' },
} satisfies Partial<Record<ActivationKind, unknown>>;
type Kind = keyof typeof OPS;
const KINDS = Object.keys(OPS) as Kind[];

/** What the kernel is told of the activation, and the gradient that the op gives in float64. */
function reference(kind: Kind, argument: Float32Array, dy: Float32Array) {
  const { of, isTold } = OPS[kind];
  const x = tensor(Float64Array.from(argument), [argument.length]) as Tensor<'float64'>;
  x.requiresGrad = true;
  const y = of(x).mul(1);
  y.mul(tensor(Float64Array.from(dy), [dy.length]) as Tensor<'float64'>)
    .sum()
    .backward();
  const value = { nothing: null, argument, result: Float32Array.from(y.data) }[isTold as 'nothing'];
  return { value: value as Float32Array | null, dx: (x.grad as Tensor<'float64'>).data };
}

interface Lies {
  dy: BlockedGeometry;
  value: BlockedGeometry;
  dx: BlockedGeometry;
}

const optionsOf = (kind: ActivationKind, { value, dx }: Lies) =>
  encode(ACTIVATION_OPTION_FIELDS, {
    activation: ACTIVATION_KINDS.indexOf(kind),
    haloOther: value.halo,
    haloOut: dx.halo,
    blocksOther: value.blocks,
    blocksOut: dx.blocks,
  });

function argumentsOf(kind: Kind, dy: Float32Array, value: Float32Array | null, lies: Lies, wants = 'both') {
  return [
    ...[blockedInput(dy, lies.dy), value && blockedInput(value, lies.value)],
    wants === 'dbias' ? null : blockedOutput(lies.dx),
    wants === 'dx' ? null : output(lies.dy.c),
    ...[flat(lies.dy), optionsOf(kind, lies), ALPHA, BETA],
  ];
}

function sumsOf({ c, h, w }: BlockedGeometry, values: ArrayLike<number>): Float64Array {
  const sums = new Float64Array(c);
  for (let i = 0; i < values.length; i++) sums[Math.floor(i / (h * w)) % c] += values[i];
  return sums;
}

describe.skipIf(noNative)(withReason('gradients of activations of blocked tensors'), () => {
  reportNative();

  it.each(KINDS)('%s of every shape, with its sums, alone and without', (kind) => {
    let k = 0;
    for (const s of shapes()) {
      const lies = { dy: s.lie(k % 3), value: s.lie((k + 1) % 3), dx: s.lie((k + 2) % 3) };
      const length = s.n * s.c * s.h * s.w;
      const [argument, dy] = [normals(length, k), normals(length, k + 1)];
      const { value, dx } = reference(kind, argument, dy);
      // derivatives are sums of terms of at most the argument's size, of which each rounds
      const allowed = (i: number) => 16 * U * Math.abs(dy[i]) * (1 + Math.abs(argument[i])) + SMALLEST_NORMAL;
      const elementwise = sumsOf(
        lies.dy,
        dx.map((_, i) => allowed(i)),
      );
      const absolute = sumsOf(lies.dy, dx.map(Math.abs));
      const count = s.n * s.h * s.w;
      const ofBias = (c: number) => elementwise[c] + U * (4 + Math.sqrt(count)) * absolute[c];
      const sums = sumsOf(lies.dy, dx);
      everywhere('blockedActivationGrad', argumentsOf(kind, dy, value, lies), ([found, dbias], isa) => {
        const what = `${kind}, ${isa}, [${s.n}, ${s.c}, ${s.h}, ${s.w}]`;
        expectNear(found, dx, allowed, what);
        expectNear(dbias, sums, ofBias, `sums, ${what}`);
        const [alone] = compute('blockedActivationGrad', argumentsOf(kind, dy, value, lies, 'dx'));
        expect(sameBits(alone, found), what).toBe(true);
        const [onlySums] = compute('blockedActivationGrad', argumentsOf(kind, dy, value, lies, 'dbias'));
        expect(sameBits(onlySums, dbias), what).toBe(true);
      });
      k++;
    }
  });

  it('sums of small integers are exact', () => {
    for (const s of shapes()) {
      const lies = { dy: s.lie(0), value: s.lie(1), dx: s.lie(2) };
      const length = s.n * s.c * s.h * s.w;
      const [y, dy] = [integers(length, 1), integers(length, 2)];
      const dx = dy.map((value, i) => (y[i] > 0 ? value : 0));
      everywhere('blockedActivationGrad', argumentsOf('relu', dy, y, lies), ([found, dbias]) => {
        expect(sameBits(found, dx)).toBe(true);
        expect([...dbias]).toEqual([...sumsOf(lies.dy, dx)]);
      });
    }
  });

  it('the mask of relu is that of reluGrad, at zeros, NaN and infinity; others stay where ops have them', () => {
    const specials = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1e-37, -1, 1];
    const g = { n: 1, c: 20, h: 4, w: 16, halo: 1, blocks: 0 };
    const lies = { dy: g, value: g, dx: g };
    const y = Float32Array.from({ length: 20 * 64 }, (_, i) => specials[i % 8]);
    const dy = Float32Array.from(y, (_, i) => specials[Math.floor(i / 8) % 8]);
    const masked = reluGrad(tensor(dy, [dy.length]), tensor(y, [y.length])).data;
    everywhere('blockedActivationGrad', argumentsOf('relu', dy, y, lies, 'dx'), ([dx], isa) => {
      dx.forEach((value, i) => {
        expect(value, `${isa}, y ${y[i]}, dy ${dy[i]}`).toBe(masked[i]);
      });
    });
    for (const kind of ['clip', 'leakyRelu'] as const) {
      const at = y.map((value, i) => (i % 8 === 7 ? BETA : i % 8 === 6 ? Math.fround(ALPHA) : value));
      const found = reference(kind, at, dy);
      everywhere('blockedActivationGrad', argumentsOf(kind, dy, at, lies, 'dx'), ([dx], isa) => {
        expectNear(dx, found.dx, (i) => 2 * U * Math.abs(found.dx[i]), `${kind}, ${isa}`);
      });
    }
  });

  it('NaN stays in the sum of its channel', () => {
    const g = { n: 3, c: 18, h: 9, w: 9, halo: 0, blocks: 0 };
    const lies = { dy: g, value: g, dx: g };
    const dy = normals(3 * 18 * 81, 1);
    dy[(18 + 17) * 81 + 80] = Number.NaN;
    everywhere('blockedActivationGrad', argumentsOf('identity', dy, null, lies, 'dbias'), ([dbias]) => {
      expect([...dbias].map(Number.isNaN)).toEqual([...dbias].map((_, c) => c === 17));
    });
  });

  it('in place', () => {
    const g = { n: 2, c: 20, h: 5, w: 7, halo: 1, blocks: 0 };
    const lies = { dy: g, value: g, dx: g };
    const [y, dy] = [normals(1400, 1), normals(1400, 2)];
    for (const isa of isas) {
      native.setIsa(isa);
      const [dx, dbias] = compute('blockedActivationGrad', argumentsOf('relu', dy, y, lies));
      for (const over of ['dy', 'value'] as const) {
        const from = { dy: block(dy, g), value: block(y, g) };
        const sums = new Float32Array(20);
        const options = optionsOf('relu', lies);
        native.kernels.blockedActivationGrad(from.dy, from.value, from[over], sums, flat(g), options, 0, 0);
        expect(sameBits(unblock(from[over], g), dx), `${isa} over ${over}`).toBe(true);
        expect(sameBits(sums, dbias), isa).toBe(true);
        expect(brokenBorder(from[over], g)).toBeUndefined();
      }
    }
  });

  it('of nothing: sums are 0, the border is written', () => {
    for (const lie of emptyShapes()) {
      const lies = { dy: { ...lie, halo: 0 }, value: lie, dx: lie };
      const none = new Float32Array(0);
      everywhere('blockedActivationGrad', argumentsOf('relu', none, none, lies), ([, dbias]) => {
        expect([...dbias].every((value) => value === 0)).toBe(true);
      });
    }
  });

  it('refuses short buffers, unknown codes and strange sizes', () => {
    const lie = { n: 2, c: 5, h: 3, w: 4, halo: 1, blocks: 0 };
    const lies = { dy: lie, value: lie, dx: lie };
    const buffers = { dy: block([], lie), value: block([], lie), dx: block([], lie), dbias: new Float32Array(5) };
    const attempt =
      (change: Partial<Record<keyof typeof buffers, Float32Array | null>>, activation = 1) =>
      () => {
        const { dy, value, dx, dbias } = { ...buffers, ...change };
        const options = optionsOf('relu', lies);
        options[0] = activation;
        native.kernels.blockedActivationGrad(dy as Float32Array, value, dx, dbias, flat(lie), options, 0, 0);
      };
    expect(attempt({})).not.toThrow();
    expect(attempt({ dx: null, dbias: null })).not.toThrow();
    expect(attempt({ value: null }, 0)).not.toThrow();
    expect(attempt({ value: null })).toThrow('blockedActivationGrad: value is shorter than its shape');
    for (const [name, values] of Object.entries(buffers))
      expect(attempt({ [name]: values.subarray(1) })).toThrow(`blockedActivationGrad: ${name} is shorter than`);
    for (const activation of [-1, ACTIVATION_KINDS.indexOf('prelu'), 11])
      expect(attempt({}, activation)).toThrow('blockedActivationGrad: there is no such activation');
    survivesStrangeSizes((change, out, seed) => {
      const dx = seed % 3 ? out(buffers.dx.length) : null;
      native.kernels.blockedActivationGrad(
        ...([buffers.dy, seed % 2 ? buffers.value : null, dx, seed % 5 ? out(5) : null, change(flat(lie))] as const),
        ...([change(optionsOf('relu', lies)), 0, 0] as const),
      );
    });
  });
});
