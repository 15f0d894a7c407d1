import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** The package compiled to JavaScript in a folder of its own, for processes and threads that a test starts. */
export interface CompiledPackage {
  /** Module of the package, such as `index.js`, as a URL to import. */
  url(module: string): string;
  remove(): void;
}

export function compilePackage(): CompiledPackage {
  const folder = mkdtempSync(join(tmpdir(), 'convforge-'));
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  const options = ['--project', root, '--outDir', join(folder, 'dist'), '--declaration', 'false'];
  execFileSync(process.execPath, [join(typescript, 'bin', 'tsc'), ...options]);
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'));
  // what the package finds beside its package.json: libraries and native builds
  for (const name of ['node_modules', 'build', 'prebuilds']) {
    if (existsSync(join(root, name))) symlinkSync(join(root, name), join(folder, name), 'dir');
  }
  return {
    url: (module) => pathToFileURL(join(folder, 'dist', module)).href,
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** Ends of a process that a test started. */
export interface Outcome {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Settings a test run may have been started with, which must not decide how child processes behave. */
const SETTINGS = ['CONVFORGE_BACKEND', 'CONVFORGE_ISA', 'CONVFORGE_THREADS'];

/** Environment of a child process: that of this one without convforge's settings, then `changes`. */
export function environment(changes: Record<string, string | undefined> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !SETTINGS.includes(name) && !name.startsWith('VITEST'),
  );
  const merged = { ...Object.fromEntries(inherited), ...changes };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined));
}

/** Runs Node with the given arguments, or with `code` as a module. */
export function runNode(
  program: { script: string; args?: string[] } | { code: string },
  env: NodeJS.ProcessEnv = environment(),
  timeout = 60_000,
): Outcome {
  const args =
    'code' in program ? ['--input-type=module', '--eval', program.code] : [program.script, ...(program.args ?? [])];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8', timeout });
  return { status, signal, stdout, stderr };
}

/** A script of test/children. */
export const child = (name: string) => join(root, 'test', 'children', name);
