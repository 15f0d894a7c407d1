import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  abs,
  clip,
  elu,
  Generator,
  grad,
  gradientCheck,
  leakyRelu,
  log,
  max,
  maximum,
  maxPool2d,
  min,
  minimum,
  pow,
  relu,
  type Shape,
  sqrt,
  type Tensor,
  tensor,
} from '../lib/index.js';
import { GRADIENT_CASES, SHARED_OPS, WITHOUT_GRADIENT } from './cases/gradient.js';
import type { GradientCase, Input } from './cases/gradientinputs.js';

// Everything here runs in float64. With steps of h a difference quotient errs by h²/6·f''' and by 2^-53·|f|/h of rounding.
// A power of two keeps x ± h exact; 2^-16 makes both about 4e-11 times |f| or f''', which are below 1000 in every case.
const STEP = 2 ** -16;
const TOLERANCE = 1e-7;

type Values = Record<string, Float64Array>;

interface Sample {
  values: Values;
  /** Of the output: the weight of each element in the sum that is differentiated. */
  dy: Float64Array;
  /** Of each input: the direction along which first derivatives are followed. */
  directions: Values;
}

function isFilled(input: Input): input is Exclude<Input, Shape> {
  return !Array.isArray(input);
}

function shapeOf(c: GradientCase, name: string): readonly number[] {
  const input = c.inputs[name];
  return isFilled(input) ? input.shape : input;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/**
 * Odd multiples of 1/64 between -2 and 2: never 0, lest a check check nothing. Where a case passes through float32 nothing of them is lost, not even when a step along
 * another one is added: STEP/64 = 2^-22 is float32's spacing below 4.
 */
function coarse(random: Generator, size: number): Float64Array {
  return Float64Array.from({ length: size }, () => (2 * random.integer(128) - 127) / 64);
}

function normals(random: Generator, size: number): Float64Array {
  return Float64Array.from({ length: size }, () => random.normal());
}

function sampleOf(c: GradientCase, seed: number): Sample {
  const random = new Generator(seed);
  const sample: Sample = { values: {}, dy: new Float64Array(0), directions: {} };
  for (const [name, input] of Object.entries(c.inputs)) {
    const size = sizeOf(shapeOf(c, name));
    sample.values[name] = isFilled(input) ? Float64Array.from(input.fill(random, size)) : normals(random, size);
    sample.directions[name] = coarse(random, size);
  }
  sample.dy = coarse(random, run(c, sample.values).y.size);
  return sample;
}

function run(c: GradientCase, values: Values): { y: Tensor; leaves: Tensor[] } {
  const leaves = Object.entries(values).map(([name, data]) =>
    tensor(data.slice(), shapeOf(c, name), { requiresGrad: true }),
  );
  const y = c.f(Object.fromEntries(Object.keys(values).map((name, i) => [name, leaves[i]])));
  return { y, leaves };
}

function dot(a: Float64Array, b: ArrayLike<number>): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

const dataOf = (t: Tensor | null, size: number) => (t?.data ?? new Float64Array(size)) as Float64Array;

/** Gradients of Σ y·dy by the rules of the ops. */
function gradients(c: GradientCase, values: Values, dy: Float64Array, createGraph = false): Float64Array[] {
  const { y, leaves } = run(c, values);
  const found = grad([y], leaves, { gradOutputs: [tensor(dy, y.shape)], createGraph });
  return found.map((gradient, i) => dataOf(gradient, leaves[i].size));
}

/** (f(x + h·direction) − f(x − h·direction)) / 2h */
function quotient(f: (x: Float64Array) => number, x: Float64Array, direction: Float64Array): number {
  const at = (h: number) => f(x.map((value, i) => value + h * direction[i]));
  return (at(STEP) - at(-STEP)) / (2 * STEP);
}

function testFirstOrder(c: GradientCase, { values, dy }: Sample, seed: number): void {
  const { leaves } = run(c, values);
  const f = (...inputs: Tensor[]) => c.f(Object.fromEntries(Object.keys(values).map((name, i) => [name, inputs[i]])));
  const tolerances = { eps: STEP, atol: TOLERANCE, rtol: TOLERANCE, generator: new Generator(seed) };
  gradientCheck(f, leaves, tolerances);
  const fused = gradients(c, values, dy);
  const composed = gradients(c, values, dy, true);
  fused.forEach((gradient, k) => {
    gradient.forEach((expected, i) => {
      const where = `d/d${Object.keys(values)[k]}[${i}]`;
      const error = Math.abs(composed[k][i] - expected);
      expect(error, `${where} is ${expected}, with createGraph ${composed[k][i]}`).toBeLessThan(
        1e-12 * (1 + Math.abs(expected)),
      );
    });
  });
}

/**
 * Differentiates Σ gradient·direction, by rule with respect to the inputs and dy, and by differences of first-order
 * gradients taken without createGraph: fused backward kernels and rules spelled out in ops must be one function.
 */
function testSecondOrder(c: GradientCase, { values, dy, directions }: Sample): void {
  const names = Object.keys(values);
  const { y, leaves } = run(c, values);
  const seed = tensor(dy.slice(), y.shape, { requiresGrad: true });
  const first = grad([y], leaves, { gradOutputs: [seed], createGraph: true });
  const dots = first.flatMap((gradient, i) =>
    gradient?.requiresGrad ? [gradient.mul(tensor(directions[names[i]], gradient.shape)).sum()] : [],
  );
  const variables = [...leaves, seed];
  const second = dots.length ? grad(dots, variables) : variables.map(() => null);

  const random = new Generator(1);
  const along = (values: Values, dy: Float64Array) =>
    gradients(c, values, dy).reduce((sum, gradient, i) => sum + dot(gradient, directions[names[i]]), 0);
  const check = (name: string, at: Float64Array, gradient: Tensor | null, f: (x: Float64Array) => number) => {
    // One random direction meets every element: a wrong one shows unless it is orthogonal by chance.
    const direction = coarse(random, at.length);
    const expected = quotient(f, at, direction);
    const found = dot(direction, dataOf(gradient, at.length));
    const scale = 1 + Math.abs(expected);
    expect(Math.abs(found - expected), `d/d${name} is ${found}, differences give ${expected}`).toBeLessThan(
      TOLERANCE * scale,
    );
  };
  names.forEach((name, i) => {
    check(name, values[name], second[i], (x) => along({ ...values, [name]: x }, dy));
  });
  check('dy', dy, second[names.length], (x) => along(values, x));
}

describe('gradients agree with differences', () => {
  GRADIENT_CASES.forEach((c, seed) => {
    it(`${c.op}: ${c.why}`, () => testFirstOrder(c, sampleOf(c, seed), seed));
  });
});

describe('second derivatives agree with differences of gradients', () => {
  GRADIENT_CASES.forEach((c, seed) => {
    it(`${c.op}: ${c.why}`, () => testSecondOrder(c, sampleOf(c, seed)));
  });
});

describe('the table of cases', () => {
  const folder = new URL('../lib/ops/', import.meta.url);
  const definesOp = (file: string) =>
    /^(export )?const \w+(: Op<| = \w+Op[(<])/m.test(readFileSync(new URL(file, folder), 'utf8'));
  const files = readdirSync(folder);
  const defining = files.filter(definesOp);
  const covered = new Set(GRADIENT_CASES.map(({ op }) => op));

  it('knows how op files look', () => {
    expect(defining.length).toBeGreaterThan(40);
    expect(defining).toEqual(
      expect.arrayContaining(['convolution.ts', 'add.ts', 'relu.ts', 'reshape.ts', 'max.ts', 'eq.ts']),
    );
  });

  it('holds every op, or a reason why it has no gradient', () => {
    const names = defining.map((file) => file.replace('.ts', ''));
    const isTried = (name: string) => covered.has(name) || SHARED_OPS[name]?.every((user) => covered.has(user));
    expect(names.filter((name) => !isTried(name) && !(name in WITHOUT_GRADIENT))).toEqual([]);
    expect(Object.keys(SHARED_OPS).filter((name) => covered.has(name) || !names.includes(name))).toEqual([]);
    expect(Object.keys(WITHOUT_GRADIENT).filter((name) => covered.has(name) || !names.includes(name))).toEqual([]);
    expect([...covered].filter((name) => !files.includes(`${name}.ts`))).toEqual([]);
  });

  it('has no two cases of one name', () => {
    const names = GRADIENT_CASES.map(({ op, why }) => `${op}: ${why}`);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });
});

/** d(Σ f(x))/dx and d²(Σ f(x))/dx² (of the diagonal) at given points. */
function slopes(f: (x: Tensor) => Tensor, at: number[]): { first: unknown; second: unknown } {
  const x = tensor(at, { dtype: 'float64', requiresGrad: true }) as Tensor;
  const [first] = grad([f(x).sum()], [x], { createGraph: true });
  const [second] = first?.requiresGrad ? grad([first.sum()], [x]) : [null];
  return { first: first?.toArray(), second: second?.toArray() };
}

// Where no derivative exists the rules must still decide. All of these are PyTorch's answers.
describe('at kinks and ties', () => {
  it.each<[string, (x: Tensor) => Tensor, number[], number[]]>([
    ['relu', relu, [0, -0, Number.NaN], [0, 0, 1]],
    ['leakyRelu', (x) => leakyRelu(x, 0.25), [0], [0.25]],
    ['elu', (x) => elu(x, 0.5), [0], [0.5]],
    ['abs', abs, [0, Number.NEGATIVE_INFINITY], [0, -1]],
    ['clip', (x) => clip(x, -1, 1), [-1, 1, -1 - 2 ** -50, 1 + 2 ** -50, Number.NaN], [1, 1, 0, 0, 0]],
    ['maximum with an equal number', (x) => maximum(x, 2), [2, 1, 3], [0.5, 0, 1]],
    ['minimum with an equal number', (x) => minimum(x, 2), [2, 1, 3], [0.5, 1, 0]],
    ['max of equals', (x) => max(x), [3, 1, 3, 3], [1 / 3, 0, 1 / 3, 1 / 3]],
    ['min of equals', (x) => min(x), [3, 1, 1, 3], [0, 0.5, 0.5, 0]],
    ['max of zeros of both signs', (x) => max(x), [0, -0], [0.5, 0.5]],
    ['max pooling of equals', (x) => maxPool2d(x.reshape([1, 1, 2, 2]), 2), [5, 5, 5, 5], [1, 0, 0, 0]],
    ['x^0', (x) => pow(x, 0), [0, 2], [0, 0]],
    ['x^2', (x) => pow(x, 2), [0, -3], [0, -6]],
    ['sqrt at 0', sqrt, [0], [Number.POSITIVE_INFINITY]],
    ['log at 0', log, [0], [Number.POSITIVE_INFINITY]],
  ])('%s', (_, f, at, expected) => {
    expect((slopes(f, at).first as number[]).map((slope) => slope + 0)).toEqual(expected);
  });

  it('x² has its second derivative at 0 too', () => {
    expect(slopes((x) => pow(x, 2), [0, -3]).second).toEqual([2, 2]);
    expect(slopes((x) => pow(x, 3), [0, 1]).second).toEqual([0, 6]);
  });

  it('elu does not turn an infinity on the side not taken into NaN', () => {
    expect(slopes((x) => elu(x), [1000])).toEqual({ first: [1], second: [0] });
  });

  it('a^b at a = 0 follows PyTorch in the exponent: 0 for b at least 0, otherwise -infinity', () => {
    const base = tensor([0, 0, 0], { dtype: 'float64' });
    const b = tensor([2, 0, -1], { dtype: 'float64', requiresGrad: true });
    pow(base, b).sum().backward();
    expect(b.grad?.toArray()).toEqual([0, 0, Number.NEGATIVE_INFINITY]);
  });
});
