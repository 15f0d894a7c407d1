// Compiles lib/ to dist/ and adds what `require` needs: `npm run build`.
//
// The code exists once, as ES modules; a .cjs entry requires it (Node 20.19 and later can), so that there is one Tensor
// class however the package is loaded. TypeScript wants declarations of the matching kind, hence the .d.cts copies.
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

/** Builds dist/. Returns why it could not, or undefined. */
export function buildTypeScript() {
  let typescript;
  try {
    typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  } catch {
    return 'typescript is not installed';
  }
  rmSync(dist, { recursive: true, force: true });
  const { status } = spawnSync(process.execPath, [join(typescript, 'bin', 'tsc')], { cwd: root, stdio: 'inherit' });
  if (status !== 0) return 'the compiler found errors';
  addCommonJs();
  chmodSync(join(dist, 'cli', 'main.js'), 0o755);
  return undefined;
}

function addCommonJs() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const { require: entry } of Object.values(exports)) {
    if (entry) writeFileSync(join(root, entry.default), "'use strict';\nmodule.exports = require('./index.js');\n");
  }
  for (const file of readdirSync(dist, { recursive: true })) {
    if (!file.endsWith('.d.ts')) continue;
    const declarations = readFileSync(join(dist, file), 'utf8');
    const forRequire = declarations.replace(/(['"])(\.{1,2}\/[^'"]+)\.js\1/g, '$1$2.cjs$1');
    writeFileSync(join(dist, file.replace(/\.d\.ts$/, '.d.cts')), forRequire);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const reason = buildTypeScript();
  if (reason) {
    console.error(`convforge: dist/ was not built (${reason})`);
    process.exitCode = 1;
  }
}
