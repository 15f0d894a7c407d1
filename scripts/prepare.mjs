// npm's `prepare`: runs after `npm install` in a checkout and before packing. Compiles lib/ to dist/, then the native
// addon. Without a toolchain the TypeScript kernels serve, so that is one line to read and no failure.
import { buildTypeScript } from './build.mjs';
import { buildNative } from './build-native.mjs';

const failure = buildTypeScript();
if (failure) {
  console.error(`convforge: dist/ was not built (${failure})`);
  process.exitCode = 1;
} else {
  const reason = buildNative({ stdio: ['ignore', 'ignore', 'pipe'] });
  if (reason) console.log(`convforge: no native build (${reason}); running on TypeScript`);
}
