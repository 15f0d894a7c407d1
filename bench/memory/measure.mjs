// `npm run bench -- memory`: ops that only move numbers, against the bandwidth of the same working set.
import { blockedElements } from '../../dist/backend/blocked.js';
import { typescriptKernels } from '../../dist/backend/typescript.js';
import { BLOCKED_FIELDS, encode } from '../../dist/geometry.js';
import { alignedFloats, fill } from '../buffers.mjs';
import { openMachine } from '../machine.mjs';
import { printMemoryOp } from '../print.mjs';
import { measure } from '../sampler.mjs';
import { showMachine } from '../show.mjs';
import { blockedOps } from './blockedops.mjs';
import { plainOps } from './ops.mjs';
import { traffic } from './traffic.mjs';

export const memoryOps = [...plainOps, ...blockedOps];

/** Feature maps whose working sets live in the second level cache, in the third, and in memory. */
export const memorySizes = {
  L2: { n: 1, c: 64, h: 28, w: 28 },
  L3: { n: 8, c: 64, h: 56, w: 56 },
  DRAM: { n: 32, c: 64, h: 112, w: 112 },
};

/** Every buffer of an op by name: make(name, length, how many times that length). */
function buffersOf(op, d, make) {
  const buffers = {};
  for (const [name, lengthOf] of Object.entries(op.buffers)) {
    const length = lengthOf(d);
    buffers[name] = make(name, length.each ?? length, length.each ? d.n : 1);
  }
  return buffers;
}

/** Arguments that are not floats. */
const INTEGERS = { indices: Int32Array, taps: Uint8Array };

function blocked(addon, kernels, plain, geometry) {
  const floats = alignedFloats(addon, blockedElements(geometry));
  kernels.toBlocked(plain, floats, encode(BLOCKED_FIELDS, geometry));
  return floats;
}

function unblocked(kernels, floats, geometry) {
  const { n, c, h, w } = geometry;
  const plain = new Float32Array(n * c * h * w);
  kernels.fromBlocked(floats, plain, encode(BLOCKED_FIELDS, geometry));
  return plain;
}

function values(op, name, length) {
  const floats = fill(new Float32Array(length), name.charCodeAt(0) + name.length);
  return op.positive?.includes(name) ? floats.map(Math.abs) : floats;
}

/**
 * An op ready to run, its answer checked, and the bytes it moves. All images are alike, so that the answer for one of
 * them, by the TypeScript kernels in float64, is that for all.
 */
function prepare({ addon, kernels }, op, size) {
  const image = { ...memorySizes[size] };
  image.size = image.h * image.w;
  const one = { ...image, n: 1 };
  const expected = buffersOf(op, one, (name, length) =>
    INTEGERS[name] ? new INTEGERS[name](length) : Float64Array.from(values(op, name, length)),
  );
  op.setUp?.(typescriptKernels, expected, one);
  op.call(typescriptKernels, expected, one);

  const buffers = buffersOf(op, image, (name, length, images) => {
    if (INTEGERS[name]) return new INTEGERS[name](length * images);
    const all = alignedFloats(addon, length * images);
    const first = values(op, name, length);
    for (let i = 0; i < images; i++) all.set(first, i * length);
    return op.inBlocks?.[name] ? blocked(addon, kernels, all, op.inBlocks[name](image)) : all;
  });
  const [setUp, call] = op.callBlocked ? [op.setUpBlocked, op.callBlocked] : [op.setUp, op.call];
  setUp?.(kernels, buffers, image);
  call(kernels, buffers, image);
  for (const name of op.outputs) {
    const plain = op.inBlocks?.[name] ? unblocked(kernels, buffers[name], op.inBlocks[name](image)) : buffers[name];
    plain.forEach((value, i) => {
      const wanted = expected[name][i % expected[name].length];
      if (Math.abs(value - wanted) <= 2 ** -17 * (1 + Math.abs(wanted))) return;
      throw new Error(`${op.name} ${size}: ${name}[${i}] is ${value}, not ${wanted}`);
    });
  }
  let [bytes, workingSet] = [0, 0];
  for (const [name, passes] of Object.entries(op.passes)) {
    bytes += passes * buffers[name].byteLength;
    workingSet += buffers[name].byteLength;
  }
  return { contestant: { activate() {}, run: () => call(kernels, buffers, image) }, bytes, workingSet };
}

/** A record: { op, size, bytes, workingSet, ms, gbytes, bandwidth, percent, … } */
export async function measureMemoryOp(machine, op, size, { seconds }) {
  const { contestant, bytes, workingSet } = prepare(machine, op, size);
  const { reads, writes, isInPlace } = op;
  const moving = traffic(machine, { bytes: workingSet, reads, writes, isInPlace });
  const [own, bare] = await measure([contestant, moving], machine.calibration, { seconds });
  const [gbytes, bandwidth] = [bytes / own.ms / 1e6, moving.bytes / bare.ms / 1e6];
  const { isa, threads } = machine;
  const where = { op: op.name, size, isa, threads, bytes, workingSet };
  return { ...where, ...own, gbytes, bandwidth, percent: (100 * gbytes) / bandwidth };
}

export async function benchMemory({ op: only, isa, threads, seconds }) {
  const ops = memoryOps.filter(({ name }) => !only || name === only);
  if (ops.length === 0) throw new Error(`no op ${only}; there are ${memoryOps.map(({ name }) => name).join(', ')}`);
  const machine = openMachine({ isa, threads });
  await showMachine(machine);
  for (const op of ops) {
    console.log(`\n${op.name}`);
    for (const size of Object.keys(memorySizes)) printMemoryOp(await measureMemoryOp(machine, op, size, { seconds }));
    console.log(
      `  npm run bench -- memory --op ${op.name}${isa ? ` --isa ${isa}` : ''}${threads > 1 ? ` --threads ${threads}` : ''}`,
    );
  }
}
