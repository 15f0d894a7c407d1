import { fileURLToPath } from 'node:url';
import { findPython } from '../python.mjs';
import { processSide } from './process.mjs';

const script = fileURLToPath(new URL('./torch_conv.py', import.meta.url));

export function torchSide({ threads }) {
  const { python, version } = findPython('torch', 'Debian: apt-get install python3-torch');
  return processSide({
    name: 'torch',
    detail: `PyTorch ${version}, conv2d on plain tensors`,
    command: python,
    args: [script, String(threads)],
    env: { OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads) },
  });
}
