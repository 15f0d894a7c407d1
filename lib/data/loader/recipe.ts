import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DType, TypedArrays } from '../../dtype.js';
import { ArgumentError, DataError } from '../../errors.js';
import type { Shape } from '../../shape.js';
import { Tensor } from '../../tensor.js';

/**
 * How a thread makes an object again: it imports a module and constructs the class of that name, or calls the function, with
 * the arguments. Arguments are numbers, strings, arrays, plain objects, typed arrays, tensors, and objects with a recipe of
 * their own.
 */
export interface Recipe {
  /** Address of the module, such as `import.meta.url` (`__filename` in CommonJS), or the name of a package. */
  readonly module: string;
  /** Name of the exported class or function. */
  readonly name: string;
  readonly arguments: readonly unknown[];
}

/**
 * An object that can be sent to other threads: datasets and transforms that a DataLoader with workers gets. Those of this
 * package are; a class of a program's own says where it is exported, by `import.meta.url`, and what it is made of.
 *
 * @example
 * class Squares {
 *   constructor(length) {
 *     this.length = length;
 *   }
 *   get(index) {
 *     return { image: tensor([[[index * index]]]), label: index };
 *   }
 *   recipe() {
 *     return { module: 'file:///app/squares.js', name: 'Squares', arguments: [this.length] };
 *   }
 * }
 * new Squares(10).recipe().arguments; // [10]
 */
export interface Portable {
  recipe(): Recipe;
}

/** A value as it travels between threads, where classes and shared memory survive. */
export type Encoded =
  | { kind: 'plain'; value: unknown }
  | { kind: 'array'; items: Encoded[] }
  | { kind: 'object'; entries: [string, Encoded][] }
  | { kind: 'tensor'; dtype: DType; values: TypedArrays[DType]; shape: Shape }
  | { kind: 'recipe'; module: string; name: string; arguments: Encoded[] };

function isPortable(value: object): value is Portable {
  return typeof (value as Partial<Portable>).recipe === 'function';
}

/**
 * A value in a form that threads can be sent. Elements of arrays come to lie in shared memory, so that all threads have them
 * once.
 *
 * @throws ArgumentError naming what cannot be sent
 */
export function encode(name: string, value: unknown): Encoded {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol')) {
    return { kind: 'plain', value };
  }
  if (typeof value !== 'symbol' && isPortable(value)) {
    const { module, name: exported, arguments: given } = value.recipe();
    const address = isAbsolute(module) ? pathToFileURL(module).href : module;
    const items = given.map((each, i) => encode(`argument ${i} of ${exported}`, each));
    return { kind: 'recipe', module: address, name: exported, arguments: items };
  }
  if (typeof value === 'object') {
    if (value instanceof Tensor) {
      return { kind: 'tensor', dtype: value.dtype, values: inSharedMemory(value.storage.read()), shape: value.shape };
    }
    if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
      return { kind: 'plain', value: inSharedMemory(value as TypedArrays[DType]) };
    }
    if (value instanceof SharedArrayBuffer || value instanceof Date || value instanceof RegExp) {
      return { kind: 'plain', value };
    }
    if (Array.isArray(value)) {
      const isPlain = value.every((each) => typeof each === 'string' || typeof each === 'number');
      return isPlain
        ? { kind: 'plain', value }
        : { kind: 'array', items: value.map((each, i) => encode(`${name}[${i}]`, each)) };
    }
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) {
      const entries = Object.entries(value).map(([key, each]): [string, Encoded] => [
        key,
        encode(`${name}.${key}`, each),
      ]);
      return { kind: 'object', entries };
    }
  }
  throw new ArgumentError(
    `DataLoader: ${name} is ${describe(value)}, which cannot be sent to worker threads; use workers: 0, or a class with a ` +
      'method recipe() that says from which module, by which name and with which arguments a thread makes it',
  );
}

function describe(value: unknown): string {
  if (typeof value === 'function') return value.name ? `the function ${value.name}` : 'a function';
  return typeof value === 'symbol' ? 'a symbol' : `an object of ${(value as object).constructor.name}`;
}

function inSharedMemory<T extends TypedArrays[DType]>(values: T): T {
  if (values.buffer instanceof SharedArrayBuffer) return values;
  const ArrayOver = values.constructor as new (buffer: SharedArrayBuffer) => T;
  const copy = new ArrayOver(new SharedArrayBuffer(values.byteLength));
  (copy as Uint8Array).set(values as Uint8Array);
  return copy;
}

/** The value that was encoded, in the thread that it was sent to. */
export async function rebuild(encoded: Encoded): Promise<unknown> {
  switch (encoded.kind) {
    case 'plain':
      return encoded.value;
    case 'array':
      return Promise.all(encoded.items.map(rebuild));
    case 'object': {
      const entries = encoded.entries.map(async ([key, each]) => [key, await rebuild(each)] as const);
      return Object.fromEntries(await Promise.all(entries));
    }
    case 'tensor':
      return new Tensor(encoded.dtype, encoded.values, encoded.shape);
    case 'recipe':
      return construct(encoded);
  }
}

async function construct({ module, name, arguments: given }: Encoded & { kind: 'recipe' }): Promise<unknown> {
  const imported = await import(module);
  // what a CommonJS module exports is not always found by name
  const exported = imported[name] ?? imported.default?.[name];
  if (typeof exported !== 'function') {
    throw new DataError(`${module} exports no class or function ${name}, which a recipe() names`);
  }
  const values = await Promise.all(given.map(rebuild));
  return /^class\b/.test(Function.prototype.toString.call(exported)) ? new exported(...values) : exported(...values);
}
