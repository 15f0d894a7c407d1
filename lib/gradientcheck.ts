import { grad, noGrad } from './autograd.js';
import { ArgumentError, AutogradError, check, DTypeError } from './errors.js';
import { Module } from './nn/module.js';
import { Generator } from './random.js';
import type { Shape } from './shape.js';
import { Tensor } from './tensor.js';

/** Options of {@link gradientCheck}. */
export interface GradientCheckOptions {
  /** Step of the differences, above 0. Default 1e-6. */
  eps?: number;
  /** Difference allowed whatever the size of a derivative, at least 0. Default 1e-5. */
  atol?: number;
  /** Difference allowed relative to a derivative, at least 0. Default 1e-3. */
  rtol?: number;
  /** Check the gradients of the gradients, too. Default false. */
  secondOrder?: boolean;
  /** Decides the weights that outputs are summed with. Default: one of seed 0. */
  generator?: Generator;
}

/** A function of tensors, or a module, whose parameters are checked together with its inputs. */
export type Differentiable = Module | ((...inputs: Tensor[]) => Tensor | readonly Tensor[]);

interface Variable {
  readonly name: string;
  readonly tensor: Tensor;
}

/**
 * Compares gradients with central differences (f(x + eps) − f(x − eps)) / 2·eps, element by element, in float64; returns
 * true, or throws with the worst element. What is differentiated is the sum of all output elements, each times a random
 * weight, so that every element of every output takes part.
 *
 * Inputs that require a gradient must be float64 and away from kinks; the others are constants. A module is computed with
 * float64 copies of its parameters and buffers, and is as before afterwards.
 *
 * @throws AutogradError for a gradient that differs, or a function that gives two results for the same inputs; DTypeError
 *   for inputs or outputs that are not float64; ArgumentError for options out of range, or when nothing requires a gradient
 * @example
 * const x = tensor([0.5, -2], { dtype: 'float64', requiresGrad: true });
 * gradientCheck((x) => x.tanh().mul(x), [x], { secondOrder: true }); // true
 * gradientCheck(new nn.Conv2d(2, 3, 3), [randn([1, 2, 5, 4], { dtype: 'float64' })]); // true
 */
export function gradientCheck(f: Differentiable, inputs: readonly Tensor[], options: GradientCheckOptions = {}): true {
  const { eps = 1e-6, atol = 1e-5, rtol = 1e-3, secondOrder = false, generator = new Generator(0) } = options;
  check(eps > 0 && eps < Infinity, 'gradientCheck', () => `eps must be above 0, got ${eps}`, ArgumentError);
  check(
    atol >= 0 && rtol >= 0,
    'gradientCheck',
    () => `atol and rtol must be at least 0, got ${atol} and ${rtol}`,
    ArgumentError,
  );
  const copies = inputs.map((input, i) => copyOf(input, i));
  const own = copies.flatMap((tensor, i) => (tensor.requiresGrad ? [{ name: `input ${i}`, tensor }] : []));
  const checkAll = (compute: () => readonly Tensor[], variables: readonly Variable[]): true => {
    check(variables.length > 0, 'gradientCheck', () => 'nothing requires a gradient', ArgumentError);
    const first = () => floating(compute());
    const seeds = repeated(first).map((output) => weightsLike(output, generator));
    compare('derivative', first, () => noGrad(first), variables, seeds, { eps, atol, rtol });
    if (!secondOrder) return true;
    const leaves = variables.map(({ tensor }) => tensor);
    for (const seed of seeds) seed.requiresGrad = true;
    const second = (createGraph: boolean) =>
      gradientsOf(first(), leaves, seeds, createGraph).map((gradient, i) => gradient ?? leaves[i].mul(0));
    const directions = seeds.map((tensor, i) => ({ name: `the gradient of output ${i}`, tensor }));
    const weights = leaves.map((leaf) => weightsLike(leaf, generator));
    // Differences of gradients that were not recorded, against recorded ones: rules for both must be one function.
    const all = [...variables, ...directions];
    compare(
      'second derivative',
      () => second(true),
      () => second(false),
      all,
      weights,
      { eps, atol, rtol },
    );
    return true;
  };
  if (!(f instanceof Module)) return checkAll(() => [f(...copies)].flat() as Tensor[], own);
  return withCopies(f, (parameters) => checkAll(() => [f.forward(...copies)], [...own, ...parameters]));
}

interface Tolerances {
  readonly eps: number;
  readonly atol: number;
  readonly rtol: number;
}

/** Gradients of Σ outputs·weights; null where they do not depend on a leaf. */
function gradientsOf(
  outputs: readonly Tensor[],
  leaves: readonly Tensor[],
  weights: readonly Tensor[],
  createGraph = false,
): (Tensor | null)[] {
  const kept = outputs.flatMap((output, i) => (output.requiresGrad ? [i] : []));
  if (kept.length === 0) return leaves.map(() => null);
  const gradOutputs = kept.map((i) => weights[i]);
  return grad(
    kept.map((i) => outputs[i]),
    leaves,
    { gradOutputs, createGraph },
  );
}

/** Throws unless the gradients of what is recorded are those of differences, for which `quick` computes the same. */
function compare(
  what: string,
  recorded: () => readonly Tensor[],
  quick: () => readonly Tensor[],
  variables: readonly Variable[],
  weights: readonly Tensor[],
  { eps, atol, rtol }: Tolerances,
): void {
  const leaves = variables.map(({ tensor }) => tensor);
  const found = gradientsOf(recorded(), leaves, weights);
  const value = () => quick().reduce((sum, output, i) => sum + dot(valuesOf(output), valuesOf(weights[i])), 0);
  let worst = { excess: 0, message: '' };
  variables.forEach(({ name, tensor }, v) => {
    const values = valuesOf(tensor);
    for (let i = 0; i < values.length; i++) {
      const before = values[i];
      const [high, low] = [before + eps, before - eps];
      values[i] = high;
      const above = value();
      values[i] = low;
      const below = value();
      values[i] = before;
      const expected = (above - below) / (high - low);
      const gradient = found[v] ? valuesOf(found[v])[i] : 0;
      if (gradient === expected) continue; // also where nothing is allowed: 0 / 0 is no excess
      const excess = Math.abs(gradient - expected) / (atol + rtol * Math.abs(expected));
      if (excess <= Math.max(1, worst.excess)) continue; // written so that NaN goes on
      const place = `${name}[${indexOf(i, tensor.shape).join(', ')}]`;
      worst = {
        excess,
        message: `the ${what} by ${place} is ${gradient}, differences give ${expected}`,
      };
      if (Number.isNaN(excess)) throw differing(worst.message);
    }
  });
  if (worst.message) throw differing(worst.message);
}

function differing(message: string): AutogradError {
  return new AutogradError(`gradientCheck: ${message}`);
}

/** A leaf of the same elements, which can be changed without the caller's being changed. */
function copyOf(input: Tensor, i: number): Tensor {
  check(
    !input.requiresGrad || input.dtype === 'float64',
    'gradientCheck',
    () =>
      `input ${i} must be float64 to be differentiated by differences, got ${input.dtype}; convert with .to('float64')`,
    DTypeError,
  );
  const copy = input.clone();
  copy.requiresGrad = input.requiresGrad;
  return copy;
}

function floating(outputs: readonly Tensor[]): readonly Tensor[] {
  outputs.forEach((output, i) => {
    check(
      output instanceof Tensor && output.dtype === 'float64',
      'gradientCheck',
      () => `output ${i} must be a float64 tensor, got ${output instanceof Tensor ? output.dtype : typeof output}`,
      DTypeError,
    );
  });
  return outputs;
}

/** The outputs, after looking whether they are the same a second time. */
function repeated(compute: () => readonly Tensor[]): readonly Tensor[] {
  const [once, again] = [compute(), compute()];
  const same = once.every((output, k) => valuesOf(output).every((value, i) => Object.is(value, valuesOf(again[k])[i])));
  check(
    same,
    'gradientCheck',
    () => 'the function gives two results for the same inputs; is there a dropout in it?',
    AutogradError,
  );
  return once;
}

/** Weights of either sign between 0.5 and 1.5, so that none hides an element; a single one is 1, for messages to be plain. */
function weightsLike({ shape, size }: Tensor, generator: Generator): Tensor {
  if (size === 1) return new Tensor('float64', Float64Array.of(1), shape);
  // Multiples of 1/64, which pass through float32 unharmed.
  const next = () => ((generator.integer(2) === 0 ? -1 : 1) * (32 + generator.integer(65))) / 64;
  return new Tensor('float64', Float64Array.from({ length: size }, next), shape);
}

const valuesOf = ({ storage }: Tensor) => storage.values as Float64Array;

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

function indexOf(position: number, shape: Shape): number[] {
  let rest = position;
  return shape
    .toReversed()
    .map((extent) => {
      const index = rest % extent;
      rest = (rest - index) / extent;
      return index;
    })
    .reverse();
}

/** Runs `body` while copies stand in for all tensors of a module, float64 ones for float32. */
function withCopies<T>(module: Module, body: (parameters: readonly Variable[]) => T): T {
  const copies = new Map<Tensor, Tensor>();
  const undo: (() => void)[] = [];
  const names = new Map<Tensor, string>(module.namedParameters().map(([name, tensor]) => [tensor, name]));
  const replaceIn = (holder: Record<string, unknown>) => {
    for (const [key, value] of Object.entries(holder)) {
      if (Array.isArray(value)) replaceIn(value as unknown as Record<string, unknown>);
      if (!(value instanceof Tensor)) continue;
      const double = copies.get(value) ?? (value.dtype === 'float32' ? value.detach().to('float64') : value.clone());
      double.requiresGrad = value.requiresGrad;
      copies.set(value, double);
      holder[key] = double;
      undo.push(() => {
        holder[key] = value;
      });
    }
  };
  try {
    for (const [, each] of module.modules()) replaceIn(each as unknown as Record<string, unknown>);
    const parameters = [...copies].flatMap(([tensor, double]) =>
      names.has(tensor) && double.requiresGrad ? [{ name: names.get(tensor) as string, tensor: double }] : [],
    );
    return body(parameters);
  } finally {
    for (const put of undo) put();
  }
}
