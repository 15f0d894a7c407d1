// Builds build/Release/convforge.node with node-gyp: `npm run build:native`. Needs a C++ compiler, make and Python 3.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

const ARCHITECTURES = { linux: ['x64', 'arm64'], darwin: ['x64', 'arm64'] };

/** The first of the commands that is installed; entries may carry arguments ("ccache g++") or be missing. */
export function findCommand(...commands) {
  return commands.filter(Boolean).find((command) => {
    const program = command.trim().split(/\s+/)[0];
    const folders = isAbsolute(program) ? [''] : (process.env.PATH ?? '').split(delimiter);
    return folders.some((folder) => isExecutable(join(folder, program)));
  });
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Folder with include/node of this Node, if it is installed here; otherwise node-gyp downloads one. */
export function findNodeDir() {
  const { npm_config_nodedir: configured } = process.env;
  if (configured) return configured;
  const beside = resolve(dirname(process.execPath), '..');
  const complete = ['node_api.h', 'common.gypi'].every((file) => existsSync(join(beside, 'include', 'node', file)));
  return complete ? beside : undefined;
}

/** Environment for node-gyp, or the reason why it cannot work here. */
function toolchain() {
  const { platform, arch, env } = process;
  if (!ARCHITECTURES[platform]?.includes(arch)) return { reason: `the kernels support no ${platform}-${arch}` };
  const compiler = findCommand(env.CXX, 'g++', 'clang++');
  if (!compiler) return { reason: 'no C++ compiler found: g++ or clang++' };
  if (!findCommand(env.MAKE, 'make')) return { reason: 'make not found' };
  if (!findCommand(env.npm_config_python, env.PYTHON, 'python3', 'python'))
    return { reason: 'Python 3 not found, node-gyp needs it' };
  const nodeDir = findNodeDir();
  return { env: { ...env, CXX: compiler, ...(nodeDir ? { npm_config_nodedir: nodeDir } : {}) } };
}

/** Runs node-gyp; make leaves alone what is up to date. Returns why there is no native build, or undefined. */
export function buildNative({ stdio = 'inherit' } = {}) {
  const { reason, env } = toolchain();
  if (reason) return reason;
  let nodeGyp;
  try {
    nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  } catch {
    return 'node-gyp is not installed';
  }
  const args = [nodeGyp, 'configure', 'build', '--jobs=max', '--loglevel=warn'];
  const options = { cwd: root, env, stdio, encoding: 'utf8', maxBuffer: 2 ** 28 };
  const { status, stderr } = spawnSync(process.execPath, args, options);
  if (status === 0) return undefined;
  const cause = /^.*(?:error:|gyp ERR! stack Error:).*$/m.exec(stderr ?? '')?.[0];
  return cause ? `the build failed: ${cause.replace('gyp ERR! stack ', '').trim()}` : 'the build failed';
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const reason = buildNative();
  if (reason) {
    console.error(`convforge: no native build (${reason})`);
    process.exitCode = 1;
  }
}
