import { extname, isAbsolute, join } from 'node:path';
import { ArgumentError, ConvforgeError, check } from '../errors.js';
import { type ReadImageOptions, readImage } from '../io/image.js';
import { formatShape, sameShape, sizeOf } from '../shape.js';
import { Tensor } from '../tensor.js';
import { checkPosition, type Dataset, type Sample } from './dataset.js';
import type { Portable, Recipe } from './loader/recipe.js';
import { scaled } from './transforms/convert.js';

/** Options of datasets of image files. */
export interface ImageFileOptions extends ReadImageOptions {
  /**
   * Keep the decoded images as bytes, so that they are decoded in the first epoch only; in memory that all workers share.
   * All images must have one size. Default false.
   */
  cache?: boolean;
}

/** Extensions that names of images end in. */
const EXTENSIONS: ReadonlySet<string> = new Set(
  ['jpg', 'jpeg', 'png', 'webp', 'gif', 'avif', 'tif', 'tiff'].map((name) => `.${name}`),
);

/** Whether a path looks like that of an image, and not like that of a hidden file. */
export function isImagePath(path: string): boolean {
  return EXTENSIONS.has(extname(path).toLowerCase()) && !/(^|[/\\])\./.test(path);
}

/** Image files and what they show. */
export interface ImageList {
  /** For messages: who made the list. */
  readonly operation: string;
  /** Folder that paths start from, unless they are absolute, or the file that the images are in. */
  readonly root: string;
  readonly paths: readonly string[];
  /** Classes by number, or with Float32Array other targets. */
  readonly labels: Int32Array | Float32Array;
  readonly classes: readonly string[];
  /** Where the files lie in the bytes of an archive; null when they are files of their own. */
  readonly archive: { readonly bytes: Uint8Array; readonly begins: Float64Array; readonly ends: Float64Array } | null;
}

/** Decoded images of one shape, and which of them are there. */
interface Cache {
  readonly shape: readonly [number, number, number];
  readonly bytes: Uint8Array;
  readonly isThere: Uint8Array;
}

/** Images in files, decoded when they are asked for: images [3 or 1, h, w] in 0 … 1. Made by {@link imageFolder} and {@link csvIndex}. */
export class ImageFiles implements Dataset, Portable {
  readonly #list: ImageList;
  readonly #mode: ReadImageOptions['mode'];
  readonly #cache: Cache | null;

  private constructor(list: ImageList, mode: ReadImageOptions['mode'], cache: Cache | null) {
    this.#list = list;
    this.#mode = mode;
    this.#cache = cache;
  }

  /** A dataset of the files of a list. */
  static async of(list: ImageList, { mode = 'rgb', cache = false }: ImageFileOptions): Promise<ImageFiles> {
    check(
      mode === 'rgb' || mode === 'gray',
      list.operation,
      () => `mode must be rgb or gray, got ${JSON.stringify(mode)}`,
      ArgumentError,
    );
    if (!cache || list.paths.length === 0) return new ImageFiles(list, mode, null);
    const first = await new ImageFiles(list, mode, null).get(0);
    const shape = first.image.shape as Cache['shape'];
    const size = list.paths.length * sizeOf(shape);
    try {
      const bytes = new Uint8Array(new SharedArrayBuffer(size));
      const isThere = new Uint8Array(new SharedArrayBuffer(list.paths.length));
      return new ImageFiles(list, mode, { shape, bytes, isThere });
    } catch (cause) {
      const mebibytes = Math.ceil(size / 2 ** 20);
      throw new ArgumentError(`${list.operation}: there is no memory for a cache of ${mebibytes} MiB`, { cause });
    }
  }

  /** Number of images. */
  get length(): number {
    return this.#list.paths.length;
  }

  /** Names of the classes, in the order of the labels; empty where labels are numbers. */
  get classes(): readonly string[] {
    return this.#list.classes;
  }

  /** Label of every image: its class, or its target. */
  get labels(): Int32Array | Float32Array {
    return this.#list.labels.slice();
  }

  /** The file of an image. */
  source(index: number): string {
    const { root, paths, archive } = this.#list;
    if (archive) return `${root}: ${paths[index]}`;
    return isAbsolute(paths[index]) ? paths[index] : join(root, paths[index]);
  }

  /**
   * The sample at a position. Throws an ArgumentError for a position outside [0, length), and a ConvforgeError
   * ERR_FILE_FORMAT naming a file that cannot be decoded.
   */
  get(index: number): Sample | Promise<Sample> {
    checkPosition(`${this.#list.operation}: get`, index, this.length);
    const cache = this.#cache;
    if (!cache || Atomics.load(cache.isThere, index) === 0) return this.#decoded(index);
    const size = sizeOf(cache.shape);
    const bytes = cache.bytes.subarray(index * size, (index + 1) * size);
    return { image: new Tensor('float32', scaled(bytes), cache.shape), label: this.#label(index) };
  }

  async #decoded(index: number): Promise<Sample> {
    const { archive } = this.#list;
    const source = archive ? archive.bytes.slice(archive.begins[index], archive.ends[index]) : this.source(index);
    let image: Tensor<'float32'>;
    try {
      image = await readImage(source, { mode: this.#mode });
    } catch (cause) {
      // bytes of an archive have no name by themselves
      if (!archive || !(cause instanceof ConvforgeError)) throw cause;
      throw new ConvforgeError(cause.code, `${this.source(index)}: ${cause.message}`, { cause });
    }
    if (this.#cache) this.#keep(this.#cache, index, image);
    return { image, label: this.#label(index) };
  }

  #keep({ shape, bytes, isThere }: Cache, index: number, image: Tensor<'float32'>): void {
    const { operation } = this.#list;
    check(
      sameShape(image.shape, shape),
      operation,
      () =>
        `the option cache needs images of one size; ${this.source(index)} is ${formatShape(image.shape)}, the first ${formatShape(shape)}`,
      ArgumentError,
    );
    const values = image.storage.values;
    const start = index * image.size;
    for (let i = 0; i < values.length; i++) bytes[start + i] = Math.round(255 * values[i]);
    Atomics.store(isThere, index, 1);
  }

  #label(index: number): number | Tensor {
    const { labels } = this.#list;
    return labels instanceof Int32Array ? labels[index] : new Tensor('float32', labels.slice(index, index + 1), []);
  }

  recipe(): Recipe {
    return { module: import.meta.url, name: 'ImageFiles', arguments: [this.#list, this.#mode, this.#cache] };
  }
}
