import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Generator, loadCheckpoint } from '../../lib/index.js';
import { type CompiledPackage, child, compilePackage, environment } from '../compiled.js';
import { bitsOf, exact, historyOf, temporaryFolder } from './parts.js';

/** Trainings in processes of their own, which are killed and interrupted. */
const inFolder = temporaryFolder();
let compiled: CompiledPackage;
beforeAll(() => {
  compiled = compilePackage();
});
afterAll(() => compiled.remove());

/** Starts a training; `line` resolves at the next line that it prints, with undefined at its end. */
function start(folder: string, epochs: number, ...more: string[]) {
  const args = [child('trainer.mjs'), compiled.url('index.js'), folder, String(epochs), ...more];
  const training = spawn(process.execPath, args, {
    env: environment({ CONVFORGE_THREADS: '1' }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: training.stdout })[Symbol.asyncIterator]();
  return {
    line: async () => (await lines.next()).value as string | undefined,
    kill: (signal: NodeJS.Signals) => training.kill(signal),
    end: async (): Promise<[code: number | null, signal: string | null, last: string]> => {
      let last = '';
      for await (const line of { [Symbol.asyncIterator]: () => lines }) last = line;
      if (training.exitCode === null && training.signalCode === null) await once(training, 'exit');
      return [training.exitCode, training.signalCode, last];
    },
  };
}

const stepOf = async (folder: string) => {
  const file = join(folder, 'last.safetensors');
  return existsSync(file) ? (await loadCheckpoint(file)).training.step : 0;
};

const KILLS = 100;
const EPOCHS = 60;

it('killed a hundred times, a training ends as one that was left alone', { timeout: 600_000 }, async () => {
  const folder = inFolder('killed');
  const generator = new Generator(11);
  let before = 0;
  for (let i = 0; i < KILLS; i++) {
    const training = start(folder, EPOCHS);
    await training.line(); // from the first step on, each file is being written about as often as not
    await sleep(generator.integer(25));
    training.kill('SIGKILL');
    await training.end();
    // what cannot be loaded throws
    const step = await stepOf(folder);
    expect(step).toBeGreaterThanOrEqual(before);
    before = step;
    if (existsSync(join(folder, 'best.safetensors'))) await loadCheckpoint(join(folder, 'best.safetensors'));
  }
  expect(before).toBeGreaterThan(0);
  expect(await start(folder, EPOCHS).end()).toEqual([0, null, `finished after ${9 * EPOCHS}`]);
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);

  const whole = inFolder('whole');
  await start(whole, EPOCHS).end();
  for (const file of ['last.safetensors', 'best.safetensors']) {
    const [a, b] = await Promise.all([folder, whole].map((each) => loadCheckpoint(join(each, file))));
    expect(bitsOf(a.weights)).toEqual(bitsOf(b.weights));
    expect(exact(a.training.optimizer)).toEqual(exact(b.training.optimizer));
  }
  expect(historyOf(folder)).toEqual(historyOf(whole));
});

it('Ctrl-C stops after the step and saves', async () => {
  const folder = inFolder('interrupted');
  const training = start(folder, 100_000);
  for (let i = 0; i < 3; i++) await training.line();
  training.kill('SIGINT');
  const [code, signal, last] = await training.end();
  expect([code, signal]).toEqual([0, null]);
  const step = Number(/^interrupted after (\d+)$/.exec(last)?.[1]);
  expect(await stepOf(folder)).toBe(step);
  expect(await start(folder, Math.ceil(step / 9)).end()).toEqual([
    0,
    null,
    expect.stringMatching(/^finished after \d+$/),
  ]);
});

it('Ctrl-C once more ends at once', async () => {
  const training = start(inFolder('hanging'), 1, 'hang');
  await training.line();
  training.kill('SIGINT');
  await sleep(300); // for the first to be handled: two at the same moment would be one
  training.kill('SIGINT');
  expect((await training.end()).slice(0, 2)).toEqual([null, 'SIGINT']);
});
