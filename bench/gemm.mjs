// `npm run bench -- gemm`: matrix products on row-major matrices, and batch-1 layers that only wait for their weights.
import { readFileSync } from 'node:fs';
import { packedColumns } from '../dist/backend/blocked.js';
import { encode, GEMM_FIELDS } from '../dist/geometry.js';
import { ACTIVATION_KINDS } from '../dist/kernels/operations.js';
import { alignedFloats, fill } from './buffers.mjs';
import { openMachine } from './machine.mjs';
import { traffic } from './memory/traffic.mjs';
import { printProduct } from './print.mjs';
import { measure } from './sampler.mjs';
import { showMachine } from './show.mjs';

/** Rows of gemm.json. `weights` names the operand whose bytes bound a product with a single row or column. */
export const gemmCases = JSON.parse(readFileSync(new URL('./gemm.json', import.meta.url), 'utf8'));

/** Results checked per answer. */
const CHECKED = 400;

/** The operands, and whether what is in c now is their product. */
function problemOf(addon, { m, n, k, transA = 0, transB = 0 }) {
  const a = fill(alignedFloats(addon, m * k), 1);
  const b = fill(alignedFloats(addon, k * n), 2);
  const c = alignedFloats(addon, m * n);
  const geometry = encode(GEMM_FIELDS, { batch: 1, m, n, k, transA, transB, strideA: 0, strideB: 0 });
  function check(side) {
    for (let i = 0; i < CHECKED; i++) {
      const index = Math.floor((((i + 1) * 0.6180339887498949) % 1) * c.length);
      const [row, column] = [Math.floor(index / n), index % n];
      let [sum, magnitude] = [0, 0];
      for (let p = 0; p < k; p++) {
        const term = a[transA ? p * m + row : row * k + p] * b[transB ? column * k + p : p * n + column];
        sum += term;
        magnitude += Math.abs(term);
      }
      if (!(Math.abs(c[index] - sum) <= 2 ** -24 * magnitude * (4 + Math.sqrt(k)))) {
        throw new Error(`${side} ${m}×${n}×${k}: c[${row}][${column}] is ${c[index]}, not ${sum}`);
      }
    }
  }
  return { a, b, c, geometry, check };
}

/** The product as it is, and with b packed beforehand, as a layer keeps its weights: [side, contestant]. */
function contestantsOf({ addon, kernels }, row) {
  const { a, b, c, geometry, check } = problemOf(addon, row);
  const packed = alignedFloats(addon, packedColumns(row.n) * row.k);
  kernels.gemmPackB(b, packed, geometry);
  const identity = ACTIVATION_KINDS.indexOf('identity');
  const runs = {
    gemm: () => kernels.gemm(a, b, c, geometry, 1, 0),
    packed: () => kernels.gemmPacked(a, packed, null, c, geometry, identity, 0, 0),
  };
  return Object.entries(runs).map(([side, run]) => {
    c.fill(Number.NaN);
    run();
    check(side);
    return [side, { activate() {}, run }];
  });
}

/** Records: { name, m, n, k, side, isa, threads, ms, gflops, percent, of, … }; `of` is what the percentage relates to. */
export async function measureProduct(machine, row, { seconds }) {
  const { m, n, k, weights } = row;
  const sides = contestantsOf(machine, row);
  const contestants = sides.map(([, contestant]) => contestant);
  const bytes = 4 * (m * k + k * n);
  const reading = weights && traffic(machine, { bytes, reads: 1, writes: 0 });
  if (reading) contestants.push(reading);
  const summaries = await measure(contestants, machine.calibration, { seconds });
  const { isa, threads, peak } = machine;
  return sides.map(([side], i) => {
    const { ms } = summaries[i];
    const gflops = (2 * m * n * k) / ms / 1e6;
    const record = { ...row, side, isa, threads, ...summaries[i], gflops };
    if (!reading) return { ...record, percent: (100 * gflops) / peak, of: 'peak' };
    const [gbytes, bandwidth] = [bytes / ms / 1e6, reading.bytes / summaries.at(-1).ms / 1e6];
    return { ...record, gbytes, percent: (100 * gbytes) / bandwidth, of: 'reading' };
  });
}

export async function benchProducts({ size, isa, threads, seconds }) {
  const rows = gemmCases.filter(({ name }) => !size || name === size);
  if (rows.length === 0)
    throw new Error(`no product ${size}; there are ${gemmCases.map(({ name }) => name).join(', ')}`);
  const machine = openMachine({ isa, threads });
  await showMachine(machine);
  for (const row of rows) {
    const again = `gemm --size ${row.name}${isa ? ` --isa ${isa}` : ''}${threads > 1 ? ` --threads ${threads}` : ''}`;
    printProduct(await measureProduct(machine, row, { seconds }), again);
  }
}
