// Worker thread: multiplies matrices with known products, `rounds` times, and posts how many came out wrong.
import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';

const addon = createRequire(import.meta.url)(workerData.path);
let wrong = 0;
for (let round = 0; round < workerData.rounds; round++) {
  addon.setThreads(1 + (round % 4));
  const [m, n, k] = [17 + (round % 90), 130 - (round % 77), 64 + (round % 64)];
  // row i of a is i + 1 everywhere, column j of b is j: each product is k · (i + 1) · j, exact in float32
  const a = Float32Array.from({ length: m * k }, (_, at) => Math.floor(at / k) + 1);
  const b = Float32Array.from({ length: k * n }, (_, at) => at % n);
  const c = new Float32Array(m * n).fill(Number.NaN);
  addon.kernels.gemm(a, b, c, Int32Array.of(1, m, n, k, 0, 0, 0, 0), 1, 0);
  if (c.some((value, at) => value !== k * (Math.floor(at / n) + 1) * (at % n))) wrong++;
}
parentPort.postMessage({ wrong, calls: workerData.rounds });
