import { slabPool, standIn } from './backend/backend.js';
import type { Slab } from './backend/slabs.js';
import { DTYPES, type DType, type TypedArrays } from './dtype.js';
import { TraceError } from './errors.js';

/**
 * Memory of one or more tensors (a reshape shares it). `values` is for kernels, which must not let go of it while they
 * work, `read()` for code that looks at elements; `expose()` is for user code, which may keep what it gets, and takes the
 * memory out of the pool for good.
 */
export class Storage<D extends DType = DType> {
  /** Number of elements. */
  readonly size: number;
  /** Counts changes in place, so that autograd notices when a value it needs is gone. */
  version = 0;
  readonly #values: TypedArrays[D];
  readonly #slab: Slab | null;
  #isVeiled = false;

  constructor(values: TypedArrays[D], slab: Slab | null = null, size: number = values.length) {
    this.size = size;
    this.#values = values;
    this.#slab = slab;
  }

  get values(): TypedArrays[D] {
    return this.#values;
  }

  /** Whether there are elements now: not in memory that stands for a value while a graph is traced. */
  get isKnown(): boolean {
    return !this.#isVeiled;
  }

  /**
   * While memory is veiled its elements cannot be looked at, because the graph that is being traced must not depend on what
   * they are now: weights in a training step.
   */
  veil(isVeiled: boolean): void {
    this.#isVeiled = isVeiled;
  }

  read(): TypedArrays[D] {
    if (!this.isKnown) throw new HollowError(this);
    return this.values;
  }

  expose(): TypedArrays[D] {
    if (!this.isKnown) throw new HollowError(this);
    if (this.#slab) this.#slab.pooled = false;
    return this.values;
  }
}

/** Where the bytes of a {@link LazyStorage} lie in a file. */
export interface FileRange {
  readonly fd: number;
  readonly offset: number;
  readonly byteLength: number;
}

/** Memory that is filled when it is first looked at: a weight of a model file, most of which only native code reads. */
export class LazyStorage<D extends DType = DType> extends Storage<D> {
  readonly #load: () => TypedArrays[D];
  /** Where native code finds the elements, little-endian, at any alignment; null when only `values` has them. */
  readonly source: FileRange | Uint8Array | null;
  #loaded: TypedArrays[D] | null = null;

  constructor(dtype: D, size: number, load: () => TypedArrays[D], source: FileRange | Uint8Array | null = null) {
    super(new DTYPES[dtype].array(0), null, size);
    this.#load = load;
    this.source = source;
  }

  override get values(): TypedArrays[D] {
    this.#loaded ??= this.#load();
    return this.#loaded;
  }

  override expose(): TypedArrays[D] {
    return this.values;
  }
}

/** Thrown when the elements of a tensor are asked for while a graph is traced, when they do not exist yet. */
export class HollowError extends TraceError {
  /** The memory whose contents are needed. */
  readonly storage: Storage;

  constructor(storage: Storage) {
    super('the elements of this tensor are only known when the compiled model runs, so its code cannot depend on them');
    this.storage = storage;
  }
}

/** Stands for memory that a compiled program will have: `values` is known by its identity and must never be read. */
export class HollowStorage<D extends DType = DType> extends Storage<D> {
  constructor(dtype: D, size: number) {
    super(hollowValues(dtype, size));
  }

  override get isKnown(): boolean {
    return false;
  }
}

/** Zeros that nobody touches cost address space only, so all hollow memory of a process can lie in one place. */
let nothing = new ArrayBuffer(0);
const hollowBuffers = new WeakSet<ArrayBufferLike>();

/** Whether an array is the `values` of a {@link HollowStorage}. */
export function isHollowArray(values: TypedArrays[DType]): boolean {
  return hollowBuffers.has(values.buffer);
}

function hollowValues<D extends DType>(dtype: D, size: number): TypedArrays[D] {
  const { array, bytes } = DTYPES[dtype];
  if (nothing.byteLength < size * bytes || !hollowBuffers.has(nothing)) {
    nothing = new ArrayBuffer(Math.max(size * bytes, 1 << 20));
    hollowBuffers.add(nothing);
  }
  return new (array as unknown as new (buffer: ArrayBuffer, offset: number, length: number) => TypedArrays[D])(
    nothing,
    0,
    size,
  );
}

/** Memory for `size` elements with undefined contents, for a kernel that writes all of them. */
export function allocate<D extends DType>(dtype: D, size: number): Storage<D> {
  if (standIn()) return new HollowStorage(dtype, size);
  const { array, bytes } = DTYPES[dtype];
  const pool = slabPool();
  const slab = pool?.acquire(size * bytes);
  if (!pool || !slab) return new Storage(new array(size));
  const ArrayOver = array as unknown as new (buffer: ArrayBuffer, offset: number, length: number) => TypedArrays[D];
  const values = new ArrayOver(slab.buffer, slab.offset, size);
  pool.bind(slab, values);
  return new Storage(values, slab);
}
