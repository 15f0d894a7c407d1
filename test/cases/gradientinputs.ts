import { type Generator, type Shape, type Tensor, tensor } from '../../lib/index.js';

type Tensors = Record<string, Tensor>;

/** A shape, filled with normal numbers, or a shape with the numbers an operation can be differentiated at. */
export type Input = Shape | { shape: Shape; fill: (random: Generator, size: number) => number[] };

export interface GradientCase {
  /** File of lib/ops, without its ending. */
  op: string;
  /** What the case adds to the others. */
  why: string;
  inputs: Record<string, Input>;
  f: (inputs: Tensors) => Tensor;
}

/** Distinct numbers at least 0.1 from each other, from those of another phase and from 0: no kink and no tie is near. */
export function apart(shape: Shape, phase: 0 | 1 = 0): Input {
  const fill = (random: Generator, size: number) =>
    Array.from(random.permutation(size), (rank) => (rank - Math.floor(size / 2)) * 0.4 + 0.1 + phase * 0.2);
  return { shape, fill };
}

export function between(low: number, high: number, shape: Shape): Input {
  return { shape, fill: (random, size) => Array.from({ length: size }, () => random.uniform(low, high)) };
}

export const positive = (shape: Shape) => between(0.5, 2, shape);

/** Numbers that float32 holds exactly, and still does with the step of a difference quotient added. */
export const sixtyFourths = (shape: Shape): Input => ({
  shape,
  fill: (random, size) => Array.from({ length: size }, () => (random.integer(256) - 128) / 64),
});

export const labels = (values: number[], shape?: Shape) => tensor(values, shape ?? [values.length], { dtype: 'int32' });

export function ofOne(op: string, f: (x: Tensor) => Tensor, input: Input, why = 'over its domain'): GradientCase {
  return { op, why, inputs: { x: input }, f: ({ x }) => f(x) };
}

export function ofTwo(op: string, f: (a: Tensor, b: Tensor) => Tensor, why: string, a: Input, b: Input): GradientCase {
  return { op, why, inputs: { a, b }, f: (t) => f(t.a, t.b) };
}
