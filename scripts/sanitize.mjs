// Builds the addon with the address and undefined-behaviour sanitizers and runs the tests of the kernels on it:
//   npm run sanitize [-- more vitest arguments]
// Any script can run on that build once it exists:
//   LD_PRELOAD=$(g++ -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0 \
//   CONVFORGE_NATIVE_PATH=build-sanitize/convforge.node node script.mjs
// The sanitizer's allocator must be the first library of the process, hence the preload; Node itself is not
// instrumented and never frees some of its memory, hence no leak check.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { findCommand, root } from './build-native.mjs';

const folder = join(root, 'build-sanitize');

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

if (process.platform !== 'linux' || !findCommand('g++') || !findCommand('cmake')) {
  console.error('sanitize: needs Linux, g++ and cmake');
  process.exit(1);
}

run('cmake', ['-S', root, '-B', folder, '-DCONVFORGE_SANITIZE=ON', '-DCMAKE_CXX_COMPILER=g++']);
run('cmake', ['--build', folder, '--parallel']);

const library = spawnSync('g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).stdout.trim();
const vitest = [
  'node_modules/vitest/vitest.mjs',
  'run',
  'test/conformance',
  'test/blocked',
  'test/inference/random.test.ts',
  'test/inference/session.test.ts',
  'test/train/random.test.ts',
  '--testTimeout=240000',
];
run(process.execPath, [...vitest, ...process.argv.slice(2)], {
  env: {
    ...process.env,
    LD_PRELOAD: library,
    ASAN_OPTIONS: 'detect_leaks=0',
    UBSAN_OPTIONS: 'print_stacktrace=1',
    CONVFORGE_NATIVE_PATH: join(folder, 'convforge.node'),
    CONVFORGE_BACKEND: 'native',
  },
});
