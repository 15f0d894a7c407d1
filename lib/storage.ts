import { slabPool } from './backend/backend.js';
import type { Slab } from './backend/slabs.js';
import { DTYPES, type DType, type TypedArrays } from './dtype.js';

/**
 * Memory of one or more tensors (a reshape shares it). `values` is for kernels, which must not let go of it while they
 * work; `expose()` is for user code, which may keep it, and takes the memory out of the pool for good.
 */
export class Storage<D extends DType = DType> {
  readonly values: TypedArrays[D];
  /** Counts changes in place, so that autograd notices when a value it needs is gone. */
  version = 0;
  readonly #slab: Slab | null;

  constructor(values: TypedArrays[D], slab: Slab | null = null) {
    this.values = values;
    this.#slab = slab;
  }

  /** Whether the elements can be read now. Not so of memory that stands for a value while a model is being compiled. */
  get isKnown(): boolean {
    return true;
  }

  expose(): TypedArrays[D] {
    if (this.#slab) this.#slab.pooled = false;
    return this.values;
  }
}

/** Memory for `size` elements with undefined contents, for a kernel that writes all of them. */
export function allocate<D extends DType>(dtype: D, size: number): Storage<D> {
  const { array, bytes } = DTYPES[dtype];
  const pool = slabPool();
  const slab = pool?.acquire(size * bytes);
  if (!pool || !slab) return new Storage(new array(size));
  const ArrayOver = array as unknown as new (buffer: ArrayBuffer, offset: number, length: number) => TypedArrays[D];
  const values = new ArrayOver(slab.buffer, slab.offset, size);
  pool.bind(slab, values);
  return new Storage(values, slab);
}
