import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CompiledPackage, compilePackage, environment, root, runNode } from './compiled.js';
import { addon, nativePath, noNative, withReason } from './conformance/backends.js';

// Selection happens once per process and reads the environment, so every case is a process of its own.

let compiled: CompiledPackage;
let folder: string;

beforeAll(() => {
  compiled = compilePackage();
  folder = mkdtempSync(join(tmpdir(), 'convforge-'));
});

afterAll(() => {
  compiled?.remove();
  if (folder) rmSync(folder, { recursive: true });
});

/** Runs `body` with the package's exports as `convforge`; what it returns comes back, or the error it threw. */
function inProcess(body: string, env: Record<string, string | undefined> = {}) {
  const code = `
    const convforge = await import(${JSON.stringify(compiled.url('index.js'))});
    try {
      console.log(JSON.stringify({ value: await (async () => { ${body} })() }));
    } catch (error) {
      const { name, code, message } = error;
      console.log(JSON.stringify({ error: { name, code, message } }));
    }`;
  const outcome = runNode({ code }, environment({ CONVFORGE_NATIVE_PATH: nativePath || undefined, ...env }));
  expect(outcome, outcome.stderr).toMatchObject({ status: 0, signal: null });
  const { value, error } = JSON.parse(outcome.stdout) as {
    value?: unknown;
    error?: { name: string; code: string; message: string };
  };
  return { value, error, stderr: outcome.stderr };
}

const INFO = 'return convforge.backendInfo();';
const COMPUTE = 'return convforge.tensor([1, 2]).add(3).toArray();';
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

/** A file of the given text in place of the native build. */
function brokenBuild(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('CONVFORGE_BACKEND=typescript', () => {
  it('runs on TypeScript without a warning and says that it was asked for', () => {
    const { value, stderr } = inProcess(INFO, { CONVFORGE_BACKEND: 'typescript' });
    const reasons = ['the TypeScript backend was asked for'];
    expect(value).toEqual({ backend: 'typescript', isa: null, threads: 1, precision: 'fast', version, reasons });
    expect(stderr).toBe('');
  });

  it('has no instruction sets to choose from', () => {
    const env = { CONVFORGE_BACKEND: 'typescript' };
    expect(inProcess('return convforge.availableIsas();', env).value).toEqual([]);
    expect(inProcess("convforge.setIsa('avx2');", env).error).toEqual({
      name: 'NativeError',
      code: 'ERR_NATIVE',
      message: 'setIsa: the TypeScript backend has no instruction sets',
    });
  });

  it('accepts a number of threads, which has no effect', () => {
    const env = { CONVFORGE_BACKEND: 'typescript' };
    expect(inProcess('convforge.setThreads(4); return convforge.backendInfo().threads;', env).value).toBe(1);
    expect(inProcess('convforge.setThreads(0);', env).error?.code).toBe('ERR_ARGUMENT');
  });
});

describe('settings that do not exist', () => {
  it('are refused at first use with the names there are, at every use again', () => {
    const body = `
      const messages = [];
      for (let i = 0; i < 2; i++) try { convforge.backendInfo(); } catch (error) { messages.push(error.message, error.code); }
      return messages;`;
    const message = 'CONVFORGE_BACKEND: must be native or typescript, got cuda';
    const { value } = inProcess(body, { CONVFORGE_BACKEND: 'cuda' });
    expect(value).toEqual([message, 'ERR_ARGUMENT', message, 'ERR_ARGUMENT']);
  });

  it('do not keep the package from being imported', () => {
    expect(inProcess('return Object.keys(convforge).length > 50;', { CONVFORGE_BACKEND: 'cuda' }).value).toBe(true);
  });

  it('setBackend refuses other names', () => {
    const { error } = inProcess("convforge.setBackend('wasm');", { CONVFORGE_BACKEND: 'typescript' });
    expect(error).toEqual({
      name: 'ArgumentError',
      code: 'ERR_ARGUMENT',
      message: `setBackend: backend must be 'native' or 'typescript', got "wasm"`,
    });
  });
});

describe('a native build that cannot be loaded', () => {
  const broken = () => ({
    garbage: brokenBuild('garbage.node', 'this is not a library'),
    empty: brokenBuild('empty.node', ''),
    missing: join(folder, 'missing.node'),
    foreign: brokenBuild('foreign.cjs', 'module.exports = { kernels: { gemm() {} } };'),
    nothing: brokenBuild('nothing.json', 'null'),
  });

  it('leaves the work to TypeScript, with one warning that names the file', () => {
    for (const [name, path] of Object.entries(broken())) {
      const { value, stderr } = inProcess(`${COMPUTE.replace('return', 'const result =')} ${COMPUTE}`, {
        CONVFORGE_NATIVE_PATH: path,
      });
      expect(value, name).toEqual([4, 5]);
      expect(stderr.match(/ConvforgeWarning/g), stderr).toHaveLength(1);
      expect(stderr).toContain(
        '[CONVFORGE_TYPESCRIPT] ConvforgeWarning: running on TypeScript kernels, many times slower',
      );
      expect(stderr).toContain(path);
    }
  });

  it('is named among the reasons', () => {
    for (const [name, path] of Object.entries(broken())) {
      const { value } = inProcess(INFO, { CONVFORGE_NATIVE_PATH: path });
      const info = value as { backend: string; isa: null; threads: number; reasons: string[] };
      expect(info, name).toMatchObject({ backend: 'typescript', isa: null, threads: 1 });
      expect(info.reasons).toHaveLength(1);
      expect(info.reasons[0]).toContain(path);
      expect(info.reasons[0]).not.toContain('\n');
    }
  });

  it('of another version says which kernel it lacks', () => {
    const { value } = inProcess(INFO, { CONVFORGE_NATIVE_PATH: broken().foreign });
    expect((value as { reasons: string[] }).reasons[0]).toMatch(/not a build of this version, it has no kernel \w+$/);
  });

  it('is an error with remedies when native was asked for', () => {
    const { garbage } = broken();
    for (const body of [INFO, COMPUTE, "convforge.setBackend('native');"]) {
      const { error, stderr } = inProcess(body, { CONVFORGE_BACKEND: 'native', CONVFORGE_NATIVE_PATH: garbage });
      expect(error).toMatchObject({ name: 'NativeError', code: 'ERR_NATIVE' });
      expect(error?.message).toContain(garbage);
      expect(error?.message).toContain(
        "Build them with 'npm run build:native' in a checkout, or leave CONVFORGE_BACKEND unset",
      );
      expect(stderr).toBe('');
    }
  });

  it('is an error for setBackend, which then changes nothing', () => {
    const body = `
      try { convforge.setBackend('native'); } catch (error) { return [error.code, convforge.backendInfo().backend, ${COMPUTE.slice(7, -1)}]; }`;
    const env = { CONVFORGE_BACKEND: 'typescript', CONVFORGE_NATIVE_PATH: broken().garbage };
    expect(inProcess(body, env).value).toEqual(['ERR_NATIVE', 'typescript', [4, 5]]);
  });

  it('warns in the main thread only', () => {
    const body = `
      const { Worker } = await import('node:worker_threads');
      const code = \`import(${JSON.stringify(compiled.url('index.js'))}).then((c) => require('node:worker_threads').parentPort.postMessage(c.backendInfo().backend))\`;
      const worker = new Worker(code, { eval: true, execArgv: [] });
      return await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));`;
    const { value, stderr } = inProcess(body, { CONVFORGE_NATIVE_PATH: broken().garbage });
    expect(value).toBe('typescript');
    expect(stderr).toBe('');
  });
});

describe.skipIf(noNative)(withReason('the native backend'), () => {
  const isas = addon?.isas ?? [];

  it('is the default, on the best instruction set and all cores, without a warning', () => {
    for (const backend of [undefined, '', 'native']) {
      const { value, stderr } = inProcess(INFO, { CONVFORGE_BACKEND: backend });
      const threads = addon?.defaultThreads;
      expect(value).toEqual({ backend: 'native', isa: isas[0], threads, precision: 'fast', version, reasons: [] });
      expect(stderr).toBe('');
    }
  });

  // when the tests run on another build, the checkout may have none
  it.skipIf(process.env.CONVFORGE_NATIVE_PATH)('is found in the checkout without being named', () => {
    expect(inProcess(INFO, { CONVFORGE_NATIVE_PATH: undefined }).value).toMatchObject({ backend: 'native' });
  });

  it('is found by a path relative to the working directory', () => {
    const path = relative(process.cwd(), nativePath);
    expect((inProcess(INFO, { CONVFORGE_NATIVE_PATH: path }).value as { backend: string }).backend).toBe('native');
  });

  it('takes its instruction set from CONVFORGE_ISA', () => {
    for (const isa of isas) {
      expect((inProcess(INFO, { CONVFORGE_ISA: isa }).value as { isa: string }).isa).toBe(isa);
      expect(inProcess(COMPUTE, { CONVFORGE_ISA: isa }).value).toEqual([4, 5]);
    }
  });

  it('refuses one this machine does not have, at every use', () => {
    const body = `
      const messages = [];
      for (let i = 0; i < 2; i++) try { convforge.backendInfo(); } catch (error) { messages.push(error.message); }
      return messages;`;
    const message = `CONVFORGE_ISA: this machine runs ${isas.join(', ')}, got "sse9"`;
    expect(inProcess(body, { CONVFORGE_ISA: 'sse9' }).value).toEqual([message, message]);
  });

  it('takes its number of threads from CONVFORGE_THREADS', () => {
    expect((inProcess(INFO, { CONVFORGE_THREADS: '3' }).value as { threads: number }).threads).toBe(3);
    for (const threads of ['0', '-1', '1.5', 'many', '1025']) {
      expect(inProcess(INFO, { CONVFORGE_THREADS: threads }).error).toEqual({
        name: 'ArgumentError',
        code: 'ERR_ARGUMENT',
        message: `CONVFORGE_THREADS: threads must be an integer from 1 to 1024, got ${threads}`,
      });
    }
  });

  it('heeds both also when it is switched to later', () => {
    const env = { CONVFORGE_BACKEND: 'typescript', CONVFORGE_ISA: 'baseline', CONVFORGE_THREADS: '2' };
    const body = "convforge.setBackend('native'); return convforge.backendInfo();";
    expect(inProcess(body, env).value).toMatchObject({ backend: 'native', isa: 'baseline', threads: 2, reasons: [] });
  });

  it('setIsa and setThreads change it, and refuse what cannot be', () => {
    expect(inProcess("convforge.setIsa('baseline'); return convforge.backendInfo().isa;").value).toBe('baseline');
    expect(inProcess('convforge.setThreads(5); return convforge.backendInfo().threads;').value).toBe(5);
    expect(inProcess('return convforge.availableIsas();').value).toEqual(isas);
    expect(inProcess("convforge.setIsa('sse9');").error).toEqual({
      name: 'ArgumentError',
      code: 'ERR_ARGUMENT',
      message: `setIsa: this machine runs ${isas.join(', ')}, got "sse9"`,
    });
    for (const threads of ['0', '1025', '1.5', 'NaN', '"2"']) {
      const { error } = inProcess(`convforge.setThreads(${threads});`);
      expect(error?.code, threads).toBe('ERR_ARGUMENT');
    }
  });

  it('can be switched away from and back to; tensors stay valid, settings stay', () => {
    const body = `
      const x = convforge.randn([64, 100]);
      convforge.setThreads(1);
      convforge.setIsa('baseline');
      const native = x.mul(2).sum().item();
      convforge.setBackend('typescript');
      const typescript = x.mul(2).sum().item();
      convforge.setBackend('native');
      const { isa, threads } = convforge.backendInfo();
      return { same: Math.abs(native - typescript) < 1e-2, again: x.mul(2).sum().item() === native, isa, threads };`;
    expect(inProcess(body).value).toEqual({ same: true, again: true, isa: 'baseline', threads: 1 });
  });

  it('computes float64 on TypeScript', () => {
    const body = "return convforge.tensor([1, 2], { dtype: 'float64' }).div(3).toArray();";
    expect(inProcess(body).value).toEqual([1 / 3, 2 / 3]);
  });

  it('runs in worker threads beside the main thread', () => {
    const body = `
      const { Worker } = await import('node:worker_threads');
      const code = \`import(${JSON.stringify(compiled.url('index.js'))}).then((c) => require('node:worker_threads').parentPort.postMessage([c.backendInfo().backend, c.ones([300, 300]).matmul(c.ones([300, 300])).sum().item()]))\`;
      const workers = [1, 2, 3].map(() => new Worker(code, { eval: true, execArgv: [] }));
      const results = workers.map((worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject)));
      const own = convforge.ones([300, 300]).matmul(convforge.ones([300, 300])).sum().item();
      return [own, await Promise.all(results)];`;
    const result = ['native', 27_000_000];
    expect(inProcess(body).value).toEqual([27_000_000, [result, result, result]]);
  });
});
