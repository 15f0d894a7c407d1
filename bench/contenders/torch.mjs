import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { processSide } from './process.mjs';

const script = fileURLToPath(new URL('./torch_conv.py', import.meta.url));

/** A Python 3 with PyTorch: what PYTHON names, or the first found. */
function findPython() {
  const candidates = [process.env.PYTHON, 'python3', '/usr/bin/python3'].filter(Boolean);
  for (const python of candidates) {
    const { status, stdout } = spawnSync(python, ['-c', 'import torch; print(torch.__version__)'], {
      encoding: 'utf8',
    });
    if (status === 0) return { python, version: stdout.trim() };
  }
  throw new Error(
    `torch needs a Python 3 with PyTorch (Debian: apt-get install python3-torch); tried ${candidates.join(', ')}`,
  );
}

export function torchSide({ threads }) {
  const { python, version } = findPython();
  return processSide({
    name: 'torch',
    detail: `PyTorch ${version}, conv2d on plain tensors`,
    command: python,
    args: [script, String(threads)],
    env: { OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads) },
  });
}
