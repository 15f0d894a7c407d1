// npm's `prepare`: runs after `npm install` in a checkout and before packing. Compiles lib/ to dist/, then the native
// addon. Without a toolchain the TypeScript kernels serve, so that is one line to read and no failure.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { buildNative, root } from './build-native.mjs';

function buildTypeScript() {
  let typescript;
  try {
    typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  } catch {
    console.log('convforge: dist/ was not built (typescript is not installed)');
    return true;
  }
  return spawnSync(process.execPath, [join(typescript, 'bin', 'tsc')], { cwd: root, stdio: 'inherit' }).status === 0;
}

if (buildTypeScript()) {
  const reason = buildNative({ stdio: ['ignore', 'ignore', 'pipe'] });
  if (reason) console.log(`convforge: no native build (${reason}); running on TypeScript`);
} else {
  process.exitCode = 1;
}
