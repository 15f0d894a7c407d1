// fuzz.mjs <addon> <isa> <calls.json> <count>: calls native kernels with arguments broken at random, always the same ones.
// Every call must return or throw an error of ours, and write nothing outside its outputs. Prints how many did which.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [path, isa, callsPath, count] = process.argv.slice(2);
const addon = createRequire(import.meta.url)(path);
addon.setIsa(isa);

// mulberry32, a small generator of random numbers
let state = 1;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const below = (bound) => Math.floor(random() * bound);
const pick = (list) => list[below(list.length)];

const GUARD = 256;
const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array };
const guards = [];

/** An array between two canaries. */
function guarded(kind, values, length) {
  const ArrayOf = ARRAYS[kind];
  const bytes = Math.ceil((length * ArrayOf.BYTES_PER_ELEMENT) / 4) * 4;
  const buffer = new ArrayBuffer(2 * GUARD + bytes);
  new Uint8Array(buffer).fill(0xa5);
  const view = new ArrayOf(buffer, GUARD, length);
  for (let i = 0; i < length; i++) view[i] = values?.[i % Math.max(1, values.length)] ?? 0;
  guards.push(view);
  return view;
}

function checkGuards() {
  for (const view of guards) {
    if (view.buffer.byteLength === 0) continue;
    const bytes = new Uint8Array(view.buffer);
    const end = GUARD + view.byteLength;
    for (let i = 0; i < bytes.length; i++) {
      if ((i < GUARD || i >= end) && bytes[i] !== 0xa5)
        throw new Error(`wrote ${i < GUARD ? 'before' : 'after'} an array`);
    }
  }
}

const kindOf = (argument) => argument.kind;
const lengthOf = (argument) => argument.length ?? argument.values.length;
const isBuffer = (argument) => argument !== null && typeof argument === 'object' && !Array.isArray(argument);

const build = (argument) => {
  if (Array.isArray(argument)) return Int32Array.from(argument);
  return isBuffer(argument) ? guarded(kindOf(argument), argument.values, lengthOf(argument)) : argument;
};

const WRONG = [
  undefined,
  null,
  'text',
  {},
  [],
  true,
  7n,
  Symbol('s'),
  new Float64Array(99),
  new DataView(new ArrayBuffer(8)),
  () => 1,
];
const NUMBERS = [Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 1, 2, 0.5, 1e308, -1e308, 2 ** 31, 2 ** 53, -(2 ** 31)];
const SIZES = [0, 1, 2, 3, 5, 7, 16, 64, 100, 1000, 46341, 65536, 2 ** 30, 2 ** 31 - 1, -1, -2, -(2 ** 31)];

function mutateBuffer(argument) {
  const length = lengthOf(argument);
  const make = (size) => guarded(kindOf(argument), argument.values, size);
  return pick([
    () => make(pick([0, 1, length >> 1, Math.max(0, length - 1)])),
    () => make(length + 1 + below(40)),
    () => {
      const view = make(length);
      structuredClone(view, { transfer: [view.buffer] });
      return view;
    },
    () => new ARRAYS[kindOf(argument)](new SharedArrayBuffer(length * 4)),
    () => pick(WRONG),
  ])();
}

function mutateGeometry(flat) {
  const geometry = Int32Array.from(flat);
  if (below(20) === 0) return new Int32Array(pick([0, 1, geometry.length - 1, geometry.length + 1]));
  const changes = 1 + below(3);
  for (let i = 0; i < changes; i++) {
    const at = below(geometry.length);
    geometry[at] = pick([pick(SIZES), geometry[at] + 1, geometry[at] - 1, -geometry[at], 2 * geometry[at]]);
  }
  return geometry;
}

function mutate(argument) {
  if (Array.isArray(argument)) return mutateGeometry(argument);
  return isBuffer(argument) ? mutateBuffer(argument) : pick([pick(NUMBERS), pick(NUMBERS), pick(WRONG)]);
}

const calls = JSON.parse(readFileSync(callsPath, 'utf8'));
const outcomes = { accepted: 0, refused: 0 };
for (let i = 0; i < Number(count); i++) {
  const { kernel, arguments: list } = calls[i % calls.length];
  guards.length = 0;
  addon.setThreads(1 + (i % 3));
  const values = list.map(build);
  const mutations = 1 + below(2);
  for (let m = 0; m < mutations; m++) {
    // most often the geometry, whose numbers decide where a kernel reads and writes
    const geometry = list.findIndex(Array.isArray);
    const position = geometry >= 0 && random() < 0.6 ? geometry : below(list.length);
    values[position] = mutate(list[position]);
  }
  if (below(40) === 0) values.length = below(values.length);
  try {
    addon.kernels[kernel](...values);
    outcomes.accepted++;
  } catch (error) {
    if (!(error instanceof Error) || !['ERR_NATIVE', 'ERR_ARGUMENT'].includes(error.code)) throw error;
    outcomes.refused++;
  }
  try {
    checkGuards();
  } catch (error) {
    error.message = `call ${i}, ${kernel}(${values.map((v) => (ArrayBuffer.isView(v) ? `${v.constructor.name} ${v.length <= 32 ? `[${[...v]}]` : v.length}` : String(v))).join(', ')}): ${error.message}`;
    throw error;
  }
}
console.log(JSON.stringify(outcomes));
