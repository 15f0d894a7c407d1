// PyTorch's training steps, in a process of their own that answers the same tasks as training/child.mjs.
import { fileURLToPath } from 'node:url';
import { findPython } from '../python.mjs';
import { Conversation } from './process.mjs';

const script = fileURLToPath(new URL('./torch_train.py', import.meta.url));
/** Reference BLAS reaches a twentieth of the peak, a tuned one three quarters and more. */
const LEAST_SHARE_OF_PEAK = 0.25;

/** How the libraries below PyTorch are held to an instruction set. */
const LIMITS = {
  avx2: { DNNL_MAX_CPU_ISA: 'AVX2', ATEN_CPU_CAPABILITY: 'avx2', OPENBLAS_CORETYPE: 'Haswell' },
  baseline: { DNNL_MAX_CPU_ISA: 'SSE41', ATEN_CPU_CAPABILITY: 'default', OPENBLAS_CORETYPE: 'Nehalem' },
};

/** A process of PyTorch with that many threads, with `ask` and `close` as SideProcess has them. */
export class TorchProcess {
  /** Version of PyTorch. */
  version;
  #conversation;

  /** @throws where no Python has PyTorch */
  constructor({ threads, isa }) {
    const { python, version } = findPython('torch', 'Debian: apt-get install python3-torch libopenblas0-pthread');
    const env = { OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads), ...LIMITS[isa] };
    this.version = version;
    this.#conversation = new Conversation(python, [script, String(threads)], env);
  }

  async ask(task, options) {
    const { value, error } = JSON.parse(await this.#conversation.ask(JSON.stringify({ task, options })));
    if (error !== undefined) throw new Error(error);
    return value;
  }

  close() {
    return this.#conversation.close();
  }
}

/**
 * What PyTorch runs on: { version, gflops } of a matrix product on one thread, and `library` where the system tells.
 *
 * @throws where matrix products are so slow that a comparison would be worth nothing, given the machine's peak in GFLOP/s
 */
export async function inspectTorch({ isa, peak }) {
  const torch = new TorchProcess({ threads: 1, isa });
  try {
    const product = await torch.ask('product');
    const problem = slowProducts(product, peak);
    if (problem) throw new Error(problem);
    return { version: torch.version, ...product };
  } finally {
    await torch.close();
  }
}

/** Why such matrix products must not be compared with; undefined where they may. */
export function slowProducts({ gflops, library }, peak) {
  if (gflops >= LEAST_SHARE_OF_PEAK * peak) return undefined;
  return (
    `PyTorch multiplies matrices at ${gflops.toFixed(1)} GFLOP/s of ${peak.toFixed(0)}: its BLAS${library ? ` (${library})` : ''} is not ` +
    'a tuned one, as reference BLAS, on which linear layers take 3 to 10 times as long. A comparison with that would ' +
    'flatter us. Debian: apt-get install libopenblas0-pthread'
  );
}
