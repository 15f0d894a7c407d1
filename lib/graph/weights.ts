import { packedColumns } from '../backend/blocked.js';
import type { ConstantsHandle, NativeAddon } from '../backend/native.js';
import { DTYPES, type DType, type TypedArray, type TypedArrays } from '../dtype.js';
import { CONV2D_FIELDS, type Conv2dGeometry, encode, GEMM_FIELDS } from '../geometry.js';
import {
  BINARY_OPERATIONS,
  CONVOLUTION_ALGORITHMS,
  CONVOLUTION_PASSES,
  type ConvolutionAlgorithm,
  type ConvolutionPass,
} from '../kernels/operations.js';
import { encodeStrides } from '../shape.js';
import { HollowStorage, LazyStorage, type Storage } from '../storage.js';
import type { Tensor } from '../tensor.js';
import { Listing, type Place } from './listing.js';
import { assemble, type Program } from './program.js';
import { ScaledWeight } from './scaledweight.js';

const LINE = 64;

/**
 * The weights of one session in native memory, each once however many plans read it: packed for a kernel, or as they are.
 * They are read from the model's file by the executor, so that they never lie in the JavaScript heap as well.
 */
export class Weights {
  readonly handle: ConstantsHandle;
  readonly #addon: NativeAddon;
  readonly #stored = new Map<Storage, Map<string, TypedArray>>();
  readonly #places = new Map<TypedArray, Place>();
  #listing: Listing;
  #region = 0;
  #bytes = 0;
  /** Programs that have not filled their memory yet, and the runs of those that have begun. */
  readonly #unfilled = new Map<Program, Promise<void> | null>();

  constructor(addon: NativeAddon) {
    this.#addon = addon;
    this.handle = addon.createConstants();
    this.#listing = new Listing(addon.signatures);
  }

  /** Where a buffer that this store has given out lies; undefined for other arrays. */
  placeOf(array: TypedArray): Place | undefined {
    return this.#places.get(array);
  }

  /** The elements as they are. */
  plain(tensor: Tensor): TypedArray {
    return this.#once(tensor.storage, 'plain', tensor.dtype, tensor.size, (array) => {
      this.#load(tensor.storage, array, tensor.dtype);
    });
  }

  /** Weight [oc, ic / groups, kh, kw] and bias as an algorithm of blocked convolution reads them. */
  packedConvolution(
    weight: Tensor,
    bias: Tensor | null,
    geometry: Conv2dGeometry,
    algorithm: ConvolutionAlgorithm,
    floats: number,
    pass: ConvolutionPass,
  ): Float32Array {
    const { strideH, strideW, groups } = geometry;
    const biasKey = bias ? Array.from(bias.storage.read() as Float32Array).join() : '';
    const key = [pass, algorithm, floats, strideH, strideW, groups, biasKey].join(' ');
    return this.#once(weight.storage, key, 'float32', floats, (packed) => {
      this.#listing.kernels.blockedConv2dPack(
        this.#source(weight) as Float32Array,
        bias && (bias.storage.read() as Float32Array),
        packed,
        encode(CONV2D_FIELDS, geometry),
        CONVOLUTION_PASSES.indexOf(pass),
        CONVOLUTION_ALGORITHMS.indexOf(algorithm),
      );
    });
  }

  /** A matrix [k, n], or stored transposed as [n, k], as gemmPacked reads it. */
  packedMatrix(weight: Tensor, n: number, k: number, transposed: boolean): Float32Array {
    return this.#once(weight.storage, `matrix ${transposed}`, 'float32', packedColumns(n) * k, (packed) => {
      const geometry = { batch: 1, m: 1, n, k, transA: 0, transB: Number(transposed), strideA: 0, strideB: 0 };
      this.#listing.kernels.gemmPackB(this.#source(weight) as Float32Array, packed, encode(GEMM_FIELDS, geometry));
    });
  }

  /**
   * Takes memory for all that was asked for since the last time, and makes the program that fills it. Plans that read it
   * may run once {@link fill} or {@link fillSync} has.
   */
  commit(): void {
    if (this.#bytes === 0) return;
    this.#addon.addConstants(this.handle, this.#bytes);
    const listing = this.#listing;
    this.#listing = new Listing(this.#addon.signatures);
    this.#region++;
    this.#bytes = 0;
    const constant = (array: TypedArray) => this.#places.get(array);
    const program = assemble(this.#addon, listing, { inputs: [], outputs: [], constant }, this.handle);
    this.#unfilled.set(program, null);
  }

  /** Whether nothing is left to fill. */
  get isFilled(): boolean {
    return this.#unfilled.size === 0;
  }

  /** Fills all memory that was committed, off this thread; what another call has begun is waited for. */
  async fill(run: (program: Program) => Promise<unknown>): Promise<void> {
    const filling = [...this.#unfilled].map(([program, begun]) => {
      const filled = begun ?? run(program).then(() => this.#finish(program));
      this.#unfilled.set(program, filled);
      return filled;
    });
    await Promise.all(filling);
  }

  /** The same on this thread. Where it is under way already, the same numbers are written twice. */
  fillSync(run: (program: Program) => void): void {
    for (const program of [...this.#unfilled.keys()]) {
      run(program);
      this.#finish(program);
    }
  }

  /** Gives all memory back once what has begun is finished. */
  async release(): Promise<void> {
    await Promise.allSettled(this.#unfilled.values());
    for (const program of this.#unfilled.keys()) this.#addon.release(program.handle);
    this.#addon.release(this.handle);
  }

  #finish(program: Program): void {
    this.#unfilled.delete(program);
    this.#addon.release(program.handle);
  }

  #once<D extends DType>(
    storage: Storage,
    form: string,
    dtype: D,
    size: number,
    fill: (array: TypedArrays[D]) => void,
  ): TypedArrays[D] {
    // Instruction sets differ in what they read.
    const key = `${this.#addon.isa()} ${form}`;
    const forms = this.#stored.get(storage) ?? new Map<string, TypedArray>();
    this.#stored.set(storage, forms);
    let array = forms.get(key);
    if (!array) {
      array = new HollowStorage(dtype, size).values;
      forms.set(key, array);
      this.#places.set(array, { space: 'constants', index: this.#region, offset: this.#bytes });
      this.#bytes += Math.ceil(Math.max(1, array.byteLength) / LINE) * LINE;
      fill(array as TypedArrays[D]);
    }
    return array as TypedArrays[D];
  }

  /** The elements of a weight where a packing kernel can read them: in the arena, or in memory that the run borrows. */
  #source(weight: Tensor): TypedArray {
    const { storage, dtype, size } = weight;
    if (!(storage instanceof LazyStorage) || (!storage.source && !(storage instanceof ScaledWeight)))
      return storage.values;
    const staged = new HollowStorage(dtype, size).values;
    this.#load(storage, staged, dtype);
    return staged;
  }

  #load(storage: Storage, to: TypedArray, dtype: DType): void {
    if (storage instanceof ScaledWeight) {
      const rows = storage.scale.length;
      const length = storage.size / rows;
      const g = encodeStrides(
        [rows, length],
        [
          [length, 1],
          [1, 0],
        ],
      );
      const from = this.#source(storage.base) as Float32Array;
      const scale = Float32Array.from(storage.scale);
      this.#listing.kernels.binary(BINARY_OPERATIONS.indexOf('mul'), from, scale, to as Float32Array, g);
      return;
    }
    const bytes = new HollowStorage('uint8', storage.size * DTYPES[dtype].bytes).values;
    this.#listing.place(bytes, to, 0);
    const source = storage instanceof LazyStorage ? storage.source : null;
    if (source && 'fd' in source) {
      this.#listing.note('load', bytes, null, source.fd, source.offset);
      return;
    }
    const values = source ?? storage.values;
    this.#listing.note('load', bytes, new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 0, 0);
  }
}
