// `npm run bench -- gemm`: matrix products on row-major matrices, and batch-1 layers that only wait for their weights.
import { readFileSync } from 'node:fs';
import { encode, GEMM_FIELDS } from '../dist/geometry.js';
import { alignedFloats, fill } from './buffers.mjs';
import { openMachine } from './machine.mjs';
import { traffic } from './memory/traffic.mjs';
import { printMatrixProduct } from './print.mjs';
import { measure } from './sampler.mjs';
import { showMachine } from './show.mjs';

/** Rows of gemm.json. `weights` names the operand whose bytes bound a product with a single row or column. */
export const gemmCases = JSON.parse(readFileSync(new URL('./gemm.json', import.meta.url), 'utf8'));

function prepare({ addon, kernels }, { m, n, k, transA = 0, transB = 0 }) {
  const a = fill(alignedFloats(addon, m * k), 1);
  const b = fill(alignedFloats(addon, k * n), 2);
  const c = alignedFloats(addon, m * n);
  const geometry = encode(GEMM_FIELDS, { batch: 1, m, n, k, transA, transB, strideA: 0, strideB: 0 });
  const run = () => kernels.gemm(a, b, c, geometry, 1, 0);
  run();
  for (let i = 0; i < 400; i++) {
    const index = Math.floor((((i + 1) * 0.6180339887498949) % 1) * c.length);
    const [row, column] = [Math.floor(index / n), index % n];
    let [sum, magnitude] = [0, 0];
    for (let p = 0; p < k; p++) {
      const term = a[transA ? p * m + row : row * k + p] * b[transB ? column * k + p : p * n + column];
      sum += term;
      magnitude += Math.abs(term);
    }
    if (!(Math.abs(c[index] - sum) <= 2 ** -24 * magnitude * (4 + Math.sqrt(k)))) {
      throw new Error(`gemm ${m}×${n}×${k}: c[${row}][${column}] is ${c[index]}, not ${sum}`);
    }
  }
  return { activate() {}, run };
}

/** A record: { name, m, n, k, side, isa, threads, ms, gflops, percent, of, … }; `of` is what the percentage relates to. */
export async function measureProduct(machine, row, { seconds }) {
  const { m, n, k, weights } = row;
  const contestants = [prepare(machine, row)];
  const bytes = 4 * (m * k + k * n);
  if (weights) contestants.push(traffic(machine, { bytes, reads: 1, writes: 0 }));
  const [own, reading] = await measure(contestants, machine.calibration, { seconds });
  const gflops = (2 * m * n * k) / own.ms / 1e6;
  const record = { ...row, side: 'gemm', isa: machine.isa, threads: machine.threads, ...own, gflops };
  if (!weights) return { ...record, percent: (100 * gflops) / machine.peak, of: 'peak' };
  const gbytes = bytes / own.ms / 1e6;
  return { ...record, gbytes, percent: (100 * gbytes * reading.ms * 1e6) / contestants[1].bytes, of: 'reading' };
}

export async function benchProducts({ size, isa, threads, seconds }) {
  const rows = gemmCases.filter(({ name }) => !size || name === size);
  if (rows.length === 0)
    throw new Error(`no product ${size}; there are ${gemmCases.map(({ name }) => name).join(', ')}`);
  const machine = openMachine({ isa, threads });
  await showMachine(machine);
  for (const row of rows) {
    const again = `gemm --size ${row.name}${isa ? ` --isa ${isa}` : ''}${threads > 1 ? ` --threads ${threads}` : ''}`;
    printMatrixProduct(await measureProduct(machine, row, { seconds }), again);
  }
}
