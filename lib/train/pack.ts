import { ConvforgeError } from '../errors.js';
import type { StateDict } from '../nn/module.js';
import { Tensor } from '../tensor.js';

/**
 * State such as an optimizer's is a tree of tensors and plain values. A file keeps the tensors under the path to where they
 * were, and the rest as JSON, in which tensors and the numbers that JSON does not know stand as an object of one key.
 */
const TENSOR = '$tensor';
const NUMBER = '$number';

/** Takes the tensors out of a state, into `tensors` under names that begin with `path`, and returns the rest. */
export function pack(path: string, state: unknown, tensors: StateDict): unknown {
  if (state instanceof Tensor) {
    tensors[path] = state;
    return { [TENSOR]: path };
  }
  if (typeof state === 'number' && (!Number.isFinite(state) || Object.is(state, -0))) {
    return { [NUMBER]: Object.is(state, -0) ? '-0' : String(state) };
  }
  if (Array.isArray(state)) return state.map((item, i) => pack(`${path}/${i}`, item, tensors));
  if (ArrayBuffer.isView(state)) return Array.from(state as Uint8Array);
  if (typeof state !== 'object' || state === null) return state;
  return Object.fromEntries(
    Object.entries(state).map(([key, value]) => [key, pack(`${path}/${key}`, value, tensors)] as const),
  );
}

/**
 * Puts the tensors back in.
 *
 * @throws ConvforgeError ERR_FILE_FORMAT when one is not there
 */
export function unpack(packed: unknown, tensors: Readonly<StateDict>): unknown {
  if (typeof packed !== 'object' || packed === null) return packed;
  if (Array.isArray(packed)) return packed.map((item) => unpack(item, tensors));
  const { [TENSOR]: name, [NUMBER]: number } = packed as Record<string, unknown>;
  if (typeof number === 'string') return Number(number);
  if (typeof name === 'string') {
    if (!Object.hasOwn(tensors, name)) {
      throw new ConvforgeError('ERR_FILE_FORMAT', `the checkpoint names a tensor ${name}, which is not in it`);
    }
    return tensors[name];
  }
  return Object.fromEntries(Object.entries(packed).map(([key, value]) => [key, unpack(value, tensors)] as const));
}
