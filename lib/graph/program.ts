import type { ConstantsHandle, NativeAddon, ProgramHandle } from '../backend/native.js';
import type { TypedArray } from '../dtype.js';
import { isHollowArray } from '../storage.js';
import { type Lifetime, planArena } from './arena.js';
import type { Listing, Place } from './listing.js';

/** A listing made into a native program. */
export interface Program {
  readonly handle: ProgramHandle;
  /** Arrays to lend to each run, in order: those it was assembled with, then other memory that the listing reads. */
  readonly inputs: readonly TypedArray[];
  readonly arenaBytes: number;
}

/** What the buffers of a listing stand for. */
export interface Bindings {
  readonly inputs: readonly TypedArray[];
  readonly outputs: readonly TypedArray[];
  /** Where weights lie; undefined for everything else. */
  constant(array: TypedArray): Place | undefined;
}

const LINE = 64;
/**
 * Constants up to this many bytes are copied into each program. Larger ones are lent to the run, if it is the one that packs
 * them, and otherwise stored once for all programs of a session.
 */
export const LARGEST_TABLE_BYTES = 65536;

/** Lays out the memory of a listing and hands it to the executor. */
export function assemble(
  addon: NativeAddon,
  listing: Listing,
  bindings: Bindings,
  constants: ConstantsHandle,
): Program {
  const places = new Map<TypedArray, Place>();
  const inputs = [...bindings.inputs];
  inputs.forEach((array, index) => {
    places.set(array, { space: 'inputs', index, offset: 0 });
  });
  bindings.outputs.forEach((array, index) => {
    places.set(array, { space: 'outputs', index, offset: 0 });
  });
  const tables: TypedArray[] = [];
  let tableBytes = 0;
  const lifetimes = new Map<TypedArray, Lifetime>();
  listing.instructions.forEach((instruction, at) => {
    for (const array of listing.buffersOf(instruction)) {
      const { whole } = listing.within(array);
      const lifetime = lifetimes.get(whole);
      if (lifetime) lifetime.last = at;
      if (lifetime || places.has(whole)) continue;
      const constant = bindings.constant(whole);
      if (constant) {
        places.set(whole, constant);
      } else if (isHollowArray(whole)) {
        lifetimes.set(whole, { bytes: whole.byteLength, first: at, last: at });
      } else if (whole.byteLength > LARGEST_TABLE_BYTES) {
        places.set(whole, { space: 'inputs', index: inputs.length, offset: 0 });
        inputs.push(whole);
      } else {
        places.set(whole, { space: 'tables', index: 0, offset: tableBytes });
        tables.push(whole);
        tableBytes += Math.ceil(Math.max(1, whole.byteLength) / LINE) * LINE;
      }
    }
  });
  const arrays = [...lifetimes.keys()];
  const { offsets, bytes: arenaBytes } = planArena([...lifetimes.values()]);
  arrays.forEach((array, i) => {
    places.set(array, { space: 'arena', index: 0, offset: offsets[i] });
  });
  const contents = new Uint8Array(tableBytes);
  for (const table of tables) {
    contents.set(new Uint8Array(table.buffer, table.byteOffset, table.byteLength), places.get(table)?.offset);
  }
  const handle = addon.createProgram(
    listing.encode((array) => places.get(array) as Place),
    arenaBytes,
    inputs.map((input) => input.byteLength),
    bindings.outputs.map((output) => output.byteLength),
    contents,
    constants,
  );
  return { handle, inputs, arenaBytes };
}
