import { type Kernels, typescriptKernels } from '../../lib/backend/typescript.js';

type Values = Float32Array | Float64Array | Int32Array | Uint8Array;
type Kind = 'float32' | 'int32' | 'uint8';

/** What a kernel is given. Geometries and scalars are passed as they are. */
export type Argument =
  | { role: 'in' | 'inout'; values: Float32Array | Int32Array | Uint8Array }
  | { role: 'out'; kind: Kind; length: number }
  | Int32Array
  | number
  | null;

export interface Call {
  kernel: keyof Kernels;
  arguments: readonly Argument[];
}

export const input = (values: Float32Array | Int32Array | Uint8Array): Argument => ({ role: 'in', values });
/** An array that the kernel reads and changes. */
export const inout = (values: Float32Array | Int32Array | Uint8Array): Argument => ({ role: 'inout', values });
/** An array that the kernel writes in full; it starts as garbage. */
export const output = (length: number, kind: Kind = 'float32'): Argument => ({ role: 'out', kind, length });

const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array };
const GARBAGE = { float32: Number.NaN, int32: -77_777, uint8: 0xab };

type AnyKernel = (...values: unknown[]) => void;

function isBuffer(argument: Argument): argument is Exclude<Argument, Int32Array | number | null> {
  return argument !== null && typeof argument === 'object' && 'role' in argument;
}

/**
 * The outputs of the TypeScript kernel in float64. `of` is applied to every floating-point input: with Math.abs the
 * outputs of a sum become S, the sum of the absolute values of its terms.
 */
export function oracle({ kernel, arguments: list }: Call, of: (value: number) => number = (value) => value): Values[] {
  const outputs: Values[] = [];
  const widened = list.map((argument) => {
    if (!isBuffer(argument)) return argument;
    if (argument.role === 'out') {
      const { kind, length } = argument;
      const values = kind === 'float32' ? new Float64Array(length) : new ARRAYS[kind](length);
      values.fill(GARBAGE[kind]);
      outputs.push(values);
      return values;
    }
    const { values } = argument;
    const copy = values instanceof Float32Array ? Float64Array.from(values, of) : values.slice();
    if (argument.role === 'inout') outputs.push(copy);
    return copy;
  });
  (typescriptKernels[kernel] as AnyKernel)(...widened);
  return outputs;
}

/**
 * How buffers lie in memory. `guarded`: one element off any alignment, with a canary on both sides. `tight`: alone in an
 * ArrayBuffer of exactly their size, so that the address sanitizer sees a read past the end.
 */
export type Layout = 'guarded' | 'tight';

const GUARD_ELEMENTS = 17; // an odd number, so that what follows is not aligned to a vector of any width
const CANARY = 0xfff00001; // as float32 a NaN: a kernel that computes with it cannot hide that

interface Placed {
  view: Values;
  whole: Uint8Array;
  before: Uint8Array;
  role: 'in' | 'inout' | 'out';
}

function place(argument: Exclude<Argument, Int32Array | number | null>, layout: Layout): Placed {
  const array = argument.role === 'out' ? ARRAYS[argument.kind] : (argument.values.constructor as typeof Float32Array);
  const length = argument.role === 'out' ? argument.length : argument.values.length;
  const guard = layout === 'guarded' ? GUARD_ELEMENTS * 4 : 0;
  const bytes = length * array.BYTES_PER_ELEMENT;
  const buffer = new ArrayBuffer(layout === 'guarded' ? 2 * guard + Math.ceil(bytes / 4) * 4 : bytes);
  if (layout === 'guarded') {
    const words = new Uint32Array(buffer);
    for (let i = 0; i < words.length; i++) words[i] = CANARY + i;
  }
  const view = new array(buffer, guard, length);
  if (argument.role === 'out') view.fill(GARBAGE[argument.kind]);
  else view.set(argument.values);
  const whole = new Uint8Array(buffer);
  return { view, whole, before: whole.slice(), role: argument.role };
}

/** What was found wrong with a buffer after a call, apart from the values of an output. */
function damage({ view, whole, before, role }: Placed): string | undefined {
  const begin = view.byteOffset;
  const end = begin + view.byteLength;
  const changed = (from: number, to: number) =>
    Buffer.compare(whole.subarray(from, to), before.subarray(from, to)) !== 0;
  if (changed(0, begin)) return 'wrote before the start of an array';
  if (changed(end, whole.length)) return 'wrote past the end of an array';
  if (role === 'in' && changed(begin, end)) return 'changed an input';
  return undefined;
}

/** Calls a kernel of some implementation. `damage` is set when it touched memory that is not its output. */
export function run(kernels: Kernels, call: Call, layout: Layout): { outputs: Values[]; damage: string | undefined } {
  const buffers: Placed[] = [];
  const values = call.arguments.map((argument) => {
    if (!isBuffer(argument)) return argument;
    const buffer = place(argument, layout);
    buffers.push(buffer);
    return buffer.view;
  });
  (kernels[call.kernel] as AnyKernel)(...values);
  return {
    outputs: buffers.filter(({ role }) => role !== 'in').map(({ view }) => view),
    damage: buffers.map(damage).find((found) => found !== undefined),
  };
}
