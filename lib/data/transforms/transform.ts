import { ArgumentError, check } from '../../errors.js';
import type { Generator } from '../../random.js';
import type { Tensor } from '../../tensor.js';
import type { Batch } from '../dataset.js';
import type { Portable, Recipe } from '../loader/recipe.js';

/** Makes an image [c, h, w] out of another; what is random about it comes from the generator. */
export interface Transform {
  apply(image: Tensor<'float32'>, generator: Generator): Tensor<'float32'> | Promise<Tensor<'float32'>>;
}

/** A {@link Transform}, or the function alone. */
export type TransformLike = Transform | Transform['apply'];

/**
 * Makes a batch out of another; what is random about it comes from the generator. On a worker thread the memory of a batch is
 * written over when the next one is made, so that nothing of it can be kept.
 */
export interface BatchTransform {
  applyBatch(batch: Batch, generator: Generator): Batch | Promise<Batch>;
}

/** A {@link BatchTransform}, or the function alone. */
export type BatchTransformLike = BatchTransform | BatchTransform['applyBatch'];

/**
 * What the transforms of this folder have in common: they can be sent to the threads of a DataLoader, which make them again
 * from the arguments of their constructor.
 */
export abstract class PortableTransform implements Portable {
  readonly #arguments: readonly unknown[];

  constructor(...constructorArguments: readonly unknown[]) {
    this.#arguments = constructorArguments;
  }

  /** How a thread makes this transform. A subclass of another module says so by a `recipe()` of its own. */
  recipe(): Recipe {
    const module = new URL('./index.js', import.meta.url).href;
    return { module, name: this.constructor.name, arguments: this.#arguments };
  }
}

/** Throws unless p is a probability. */
export function checkProbability(operation: string, p: number): void {
  check(p >= 0 && p <= 1, operation, () => `p must be in [0, 1], got ${p}`, ArgumentError);
}

/** Throws unless `range` is two finite numbers in order, the first at least `least`; Number.MIN_VALUE for above 0. */
export function checkRange(operation: string, name: string, range: readonly [number, number], least = -Infinity): void {
  const bound = least === -Infinity ? '' : least === Number.MIN_VALUE ? ', above 0' : `, at least ${least}`;
  check(
    Array.isArray(range) &&
      range.length === 2 &&
      range.every((value) => Number.isFinite(value) && value >= least) &&
      range[0] <= range[1],
    operation,
    () => `${name} must be two numbers in order${bound}, got ${JSON.stringify(range)}`,
    ArgumentError,
  );
}

/** The function of a transform. */
export function functionOf(operation: string, transform: TransformLike): Transform['apply'] {
  if (typeof transform === 'function') return transform;
  check(
    typeof transform?.apply === 'function',
    operation,
    () => 'a transform is a function (image, generator) or an object with a method apply(image, generator)',
    ArgumentError,
  );
  return transform.apply.bind(transform);
}

/** The function of a batch transform. */
export function batchFunctionOf(operation: string, transform: BatchTransformLike): BatchTransform['applyBatch'] {
  if (typeof transform === 'function') return transform;
  check(
    typeof transform?.applyBatch === 'function',
    operation,
    () => 'a batch transform is a function (batch, generator) or an object with a method applyBatch(batch, generator)',
    ArgumentError,
  );
  return transform.applyBatch.bind(transform);
}

/** Whether a value is still to come. */
export function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null)?.then === 'function';
}
