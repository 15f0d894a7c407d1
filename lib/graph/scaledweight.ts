import { LazyStorage, type Storage } from '../storage.js';
import { Tensor } from '../tensor.js';

/**
 * A weight [oc, …] of which every output channel is multiplied by a number: what becomes of a convolution's weight when the
 * batch norm behind it is folded in. It is worked out when it is needed, by whoever needs it.
 */
export class ScaledWeight extends LazyStorage<'float32'> {
  readonly base: Tensor;
  /** A factor for each output channel. */
  readonly scale: Float64Array;

  private constructor(base: Tensor, scale: Float64Array) {
    super('float32', base.size, () => scaled(base, scale));
    this.base = base;
    this.scale = scale;
  }

  static readonly #made = new WeakMap<Storage, ScaledWeight[]>();

  /** The same memory for the same weight and factors, so that plans of one session share what they pack. */
  static of(base: Tensor, scale: Float64Array): Tensor<'float32'> {
    const made = ScaledWeight.#made.get(base.storage) ?? [];
    let storage = made.find((other) => other.scale.every((factor, i) => Object.is(factor, scale[i])));
    if (!storage) {
      storage = new ScaledWeight(base, scale);
      ScaledWeight.#made.set(base.storage, [...made, storage]);
    }
    return new Tensor('float32', storage, base.shape);
  }
}

/** In float64 and rounded once. */
function scaled(base: Tensor, scale: Float64Array): Float32Array {
  const from = base.storage.read() as Float32Array;
  const to = new Float32Array(from.length);
  const row = from.length / scale.length;
  for (let o = 0; o < scale.length; o++) {
    for (let i = o * row; i < (o + 1) * row; i++) to[i] = from[i] * scale[o];
  }
  return to;
}
