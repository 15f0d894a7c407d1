import type { BlockedKernels } from '../backend/blocked.js';
import type { Kernels } from '../backend/typescript.js';
import type { TypedArray } from '../dtype.js';
import type { Node } from './graph.js';

/** Where a buffer lies when a program runs; the numbers are those of native/executor/program.h. */
export const SPACES = { arena: 0, constants: 1, inputs: 2, outputs: 3, tables: 4 } as const;

/** A place in memory of a program: a region or argument, and where in it the buffer starts. */
export interface Place {
  readonly space: keyof typeof SPACES;
  readonly index: number;
  /** In bytes. */
  readonly offset: number;
}

/** A kernel call of a program. Buffers among the arguments are known by the identity of their typed array. */
export interface Instruction {
  readonly kernel: string;
  readonly args: readonly unknown[];
  /** What the call is part of. */
  readonly node: Node | null;
}

/** Types of fields that are buffers, and of those that are single numbers; all others are geometries. */
const BUFFERS = new Set([
  ...['In', 'InI32', 'InU8', 'InElements', 'InOut', 'InOutElements'],
  ...['Out', 'OutI32', 'OutU8', 'OutElements'],
]);
const SCALARS = new Set(['double', 'int32_t']);

/**
 * A list of kernel calls that is being written. The kernels here do not compute: what they are called with is noted, so a
 * program is made by running the code of ops on them.
 */
export class Listing {
  readonly instructions: Instruction[] = [];
  /** Stands in for the kernels of the backend. */
  readonly kernels: Kernels & BlockedKernels;
  /** What calls are noted under. */
  node: Node | null = null;
  readonly #signatures: Readonly<Record<string, readonly string[]>>;
  readonly #codes: ReadonlyMap<string, number>;
  readonly #parts = new Map<TypedArray, { whole: TypedArray; offset: number }>();

  constructor(signatures: Readonly<Record<string, readonly string[]>>) {
    this.#signatures = signatures;
    const names = Object.keys(signatures);
    this.#codes = new Map(names.map((name, code) => [name, code]));
    this.kernels = Object.fromEntries(
      names.map((name) => [name, (...args: unknown[]) => this.note(name, ...args)]),
    ) as unknown as Kernels & BlockedKernels;
  }

  note(kernel: string, ...args: unknown[]): void {
    this.instructions.push({ kernel, args, node: this.node });
  }

  /** Declares that `part` lies within `whole`, `offset` bytes from its start. */
  place(part: TypedArray, whole: TypedArray, offset: number): void {
    this.#parts.set(part, { whole, offset });
  }

  /** The buffer that an array is part of, and where it starts in it. */
  within(array: TypedArray): { whole: TypedArray; offset: number } {
    const part = this.#parts.get(array);
    if (!part) return { whole: array, offset: 0 };
    const { whole, offset } = this.within(part.whole);
    return { whole, offset: offset + part.offset };
  }

  /** The buffers that an instruction touches. */
  buffersOf({ kernel, args }: Instruction): TypedArray[] {
    return this.#signatures[kernel].flatMap((type, i) => (BUFFERS.has(type) && args[i] ? [args[i] as TypedArray] : []));
  }

  /** The stream that native/executor/program.cc decodes. */
  encode(placeOf: (array: TypedArray) => Place): Float64Array {
    const stream: number[] = [this.instructions.length];
    for (const { kernel, args } of this.instructions) {
      stream.push(this.#codes.get(kernel) as number);
      this.#signatures[kernel].forEach((type, i) => {
        const value = args[i];
        if (SCALARS.has(type)) stream.push(Number(value));
        else if (!BUFFERS.has(type)) stream.push(...(value as Int32Array));
        else if (!value) stream.push(-1, 0, 0, 0, 0);
        else {
          const array = value as TypedArray;
          const { whole, offset } = this.within(array);
          const place = placeOf(whole);
          const kind = array instanceof Float32Array ? 0 : array instanceof Int32Array ? 1 : 2;
          stream.push(SPACES[place.space], place.index, place.offset + offset, array.length, kind);
        }
      });
    }
    return Float64Array.from(stream);
  }
}
