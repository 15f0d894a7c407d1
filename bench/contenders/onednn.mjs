import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { processSide } from './process.mjs';

const source = fileURLToPath(new URL('./onednn.cc', import.meta.url));
const folder = fileURLToPath(new URL('./build/', import.meta.url));
const program = `${folder}onednn`;

/** Compiles onednn.cc unless that has been done. */
function build() {
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return;
  mkdirSync(folder, { recursive: true });
  const compiler = process.env.CXX || 'g++';
  const args = ['-O2', '-std=c++17', '-march=native', '-fopenmp', source, '-ldnnl', '-o', program];
  const { status, stderr, error } = spawnSync(compiler, args, { encoding: 'utf8' });
  if (status === 0) return;
  const cause = error?.message ?? /^.*error:.*$/m.exec(stderr)?.[0] ?? stderr;
  throw new Error(
    `onednn needs a C++ compiler and oneDNN's headers (Debian: apt-get install g++ libdnnl-dev): ${cause.trim()}`,
  );
}

/** What oneDNN calls the instruction sets, to hold it to the same. */
const ISA_LIMIT = { avx2: 'AVX2', baseline: 'SSE41' };

const onednn = (name, algorithm, detail) =>
  function openOnednn({ isa, threads }) {
    build();
    const env = { OMP_NUM_THREADS: String(threads), OMP_WAIT_POLICY: 'passive' };
    if (ISA_LIMIT[isa]) env.DNNL_MAX_CPU_ISA = ISA_LIMIT[isa];
    return processSide({ name, detail, command: program, args: [algorithm], env });
  };

export const onednnSide = onednn(
  'onednn',
  'auto',
  'oneDNN, its own layouts and choice of algorithm, weights reordered',
);
export const onednnWinogradSide = onednn('onednn-winograd', 'winograd', "the same, told to use Winograd's algorithm");
