// Makes the binary that is shipped for this platform, `npm run prebuild`, and checks it:
//   prebuilds/linux-x64/convforge.glibc.node
// Its lowest glibc is that of the machine it is built on, so releases are built on the oldest distribution supported.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { findNodeDir, root } from './build-native.mjs';

const MOST_BYTES = 3 * 2 ** 20;
const EXPORTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];

function run(command, args, options = {}) {
  const { status, error, stdout } = spawnSync(command, args, { cwd: root, encoding: 'utf8', ...options });
  if (error || status !== 0) throw new Error(`${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}`);
  return stdout;
}

function build() {
  const prebuildify = createRequire(import.meta.url).resolve('prebuildify/bin.js');
  const nodeDir = findNodeDir();
  const env = { ...process.env, ...(nodeDir ? { npm_config_nodedir: nodeDir } : {}) };
  const libc = process.platform === 'linux' ? ['--tag-libc'] : [];
  run(process.execPath, [prebuildify, '--napi', ...libc, '--strip'], { env, stdio: 'inherit' });
}

/** Dynamic symbols of an ELF file, as nm prints them without addresses. */
function symbols(path, kind) {
  return run('nm', ['--dynamic', kind, '--format=just-symbols', '--with-symbol-versions', path]).trim().split('\n');
}

function highestGlibc(path) {
  const versions = symbols(path, '--undefined-only').map((name) => /@GLIBC_([\d.]+)$/.exec(name)?.[1]);
  const order = new Intl.Collator('en', { numeric: true });
  return versions.filter(Boolean).sort(order.compare).at(-1);
}

build();
const folder = join(root, 'prebuilds', `${process.platform}-${process.arch}`);
for (const file of readdirSync(folder)) {
  const path = join(folder, file);
  const { size } = statSync(path);
  const facts = [`${Math.round(size / 1024)} KiB`];
  if (size > MOST_BYTES) throw new Error(`${file} has ${size} bytes, more than ${MOST_BYTES}`);
  const { kernels } = createRequire(import.meta.url)(path);
  facts.push(`${Object.keys(kernels).length} kernels`);
  if (process.platform === 'linux') {
    const exported = symbols(path, '--defined-only').map((name) => name.split('@')[0]);
    const extra = exported.filter((name) => !EXPORTS.includes(name));
    if (extra.length > 0) throw new Error(`${file} exports more than Node-API's symbols: ${extra.join(', ')}`);
    facts.push(`exports ${exported.join(' and ')}`, `needs glibc ${highestGlibc(path)}`);
  }
  console.log(`${relative(root, path)}: ${facts.join(', ')}`);
}
