import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nativeAddon } from '../../lib/backend/backend.js';
import { type CompiledPackage, compilePackage, runNode } from '../compiled.js';

let compiled: CompiledPackage;
beforeAll(() => {
  compiled = compilePackage();
});
afterAll(() => compiled.remove());

/** A session whose runs take some 100 ms natively, and its input. */
const SLOW = `
const layers = Array.from({ length: 60 }, () => new nn.Conv2d(96, 96, 3, { padding: 1 }));
const input = zeros([1, 96, 96, 96]);
const session = await InferenceSession.create(compile(new nn.Sequential(...layers), input), { threads: 2 });
`;

/** Runs a program that has the package's names and `SLOW`; in a thread too, where `worker` is. */
function program(code: string) {
  const url = JSON.stringify(compiled.url('index.js'));
  return runNode({
    code: `
import { Worker } from 'node:worker_threads';
import { setTimeout as pause } from 'node:timers/promises';
const prelude = ${JSON.stringify(`const { compile, InferenceSession, nn, zeros } = await import(${url});\n${SLOW}`)};
/** Runs code in a thread: a module, so that it can await. */
function thread(code) {
  const source = 'import { parentPort } from "node:worker_threads";' + prelude + code;
  return new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)));
}
const { backendInfo, compile, InferenceSession, nn, zeros } = await import(${url});
${SLOW}
${code}`,
  });
}

describe.skipIf(!nativeAddon())('a process with sessions', () => {
  it('ends when nothing is left to do, and not before a run has ended', () => {
    const { status, stdout } = program(`session.run({ input }).then(() => console.log('ended'));`);
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'ended\n' });
  });

  it('can exit in the middle of runs', () => {
    const { status, signal, stderr } = program(`
      for (let i = 0; i < 5; i++) session.run({ input });
      await pause(20);
      process.exit(3);`);
    expect({ status, signal, stderr }).toEqual({ status: 3, signal: null, stderr: '' });
  });

  it('can exit while a session is being loaded', () => {
    const { status, signal, stderr } = program(`
      InferenceSession.create(compile(new nn.Sequential(...layers), input));
      process.exit(3);`);
    expect({ status, signal, stderr }).toEqual({ status: 3, signal: null, stderr: '' });
  });

  it('goes on turning its event loop during a run', () => {
    const { stdout, stderr } = program(`
      let ticks = 0;
      const timer = setInterval(() => ticks++, 1);
      const begin = performance.now();
      await session.run({ input });
      clearInterval(timer);
      console.log(ticks > (performance.now() - begin) / 20);`);
    expect({ stdout, stderr }).toEqual({ stdout: 'true\n', stderr: '' });
  });

  it('can have sessions in threads, and end them in the middle of runs', () => {
    const { status, stdout, stderr } = program(`
      const workers = [0, 1, 2].map(() => thread('for (let i = 0; i < 3; i++) session.run({ input }); parentPort.postMessage(0);'));
      await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
      const own = session.run({ input });
      await pause(10);
      await Promise.all(workers.map((worker) => worker.terminate()));
      console.log((await own).output.shape.join());`);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '1,96,96,96\n', stderr: '' });
  });

  it('can run on a thread synchronously', () => {
    const { stdout, stderr } = program(`
      const worker = thread('parentPort.postMessage(session.runSync({ input }).output.shape.join());');
      console.log(await new Promise((resolve) => worker.once('message', resolve)));`);
    expect({ stdout, stderr }).toEqual({ stdout: '1,96,96,96\n', stderr: '' });
  });

  it('keeps its memory however often models are loaded and released', () => {
    const { stdout, stderr } = program(`
      const shape = [1, 96, 8, 8];
      const rss = [];
      for (let i = 0; i < 200; i++) {
        const loaded = await InferenceSession.create(compile(new nn.Sequential(...layers), zeros(shape)));
        await loaded.run({ input: zeros(shape) });
        await loaded.release();
        if (i === 99 || i === 199) rss.push(process.memoryUsage.rss());
      }
      console.log((rss[1] - rss[0]) / 2 ** 20);`);
    expect(stderr).toBe('');
    // Each load takes 20 MB of weights and twice as much in JavaScript, which its collector gives back in its own time.
    expect(Number(stdout)).toBeLessThan(64);
  });
});
