// exit.mjs <addon> <milliseconds>: leaves the process while worker threads load the addon, or compute, and the kernels' own
// threads compute with them.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

const [path, milliseconds] = process.argv.slice(2);
const script = fileURLToPath(new URL('multiply.mjs', import.meta.url));
for (let i = 0; i < 4; i++) new Worker(script, { workerData: { path, rounds: 1e9 } });

const addon = createRequire(import.meta.url)(path);
addon.setThreads(3);
const size = 256;
const [a, b, c] = [1, 2, 3].map(() => new Float32Array(size * size).fill(1));
const end = Date.now() + Number(milliseconds);
function multiply() {
  addon.kernels.gemm(a, b, c, Int32Array.of(1, size, size, size, 0, 0, 0, 0), 1, 0);
  if (Date.now() < end) setImmediate(multiply);
  else {
    console.log('leaving');
    process.exit(0);
  }
}
multiply();
