import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backendInfo } from '../lib/index.js';
import { type CompiledPackage, child, compilePackage, environment, root, runNode } from './compiled.js';

/** A classifier of four classes, for pictures of 9×11 pixels. */
const MODEL = join(root, 'test', 'golden', 'onnx', 'exporter', 'classifier.onnx');
const PHOTOGRAPH = join(root, 'assets', 'images', 'flower.jpg');

let compiled: CompiledPackage;
let folder: string;
let labels: string;
const children: ChildProcess[] = [];

beforeAll(() => {
  compiled = compilePackage();
  folder = fileURLToPath(new URL('..', compiled.url('index.js')));
  cpSync(join(root, 'examples'), join(folder, 'examples'), { recursive: true });
  cpSync(join(root, 'assets'), join(folder, 'assets'), { recursive: true });
  cpSync(child('slowserver.mjs'), join(folder, 'slowserver.mjs'));
  labels = join(folder, 'labels.txt');
  writeFileSync(labels, 'north\neast\nsouth\nwest\n');
});

afterAll(() => {
  for (const each of children) each.kill();
  compiled.remove();
});

const example = (name: string) => join(folder, 'examples', name);

describe('examples/classify.mjs', () => {
  const classify = (...args: string[]) => runNode({ script: example('classify.mjs'), args });

  it('names the likeliest classes of a photograph', () => {
    const { status, stdout, stderr } = classify(MODEL, PHOTOGRAPH, labels);
    expect([status, stderr]).toEqual([0, expect.not.stringContaining('rror')]);
    const classes = [...stdout.matchAll(/^ +([\d.]+) % {2}(\w+)$/gm)].map(([, percent, name]) => ({ percent, name }));
    expect(classes.map(({ name }) => name).sort()).toEqual(['east', 'north', 'south', 'west']);
    const percents = classes.map(({ percent }) => Number(percent));
    expect(percents).toEqual([...percents].sort((a, b) => b - a));
    expect(percents.reduce((sum, percent) => sum + percent)).toBeCloseTo(100, 0);
    expect(stdout).toMatch(/the network [\d.]+ ms/);
  });

  it('says how it is called, and which input is no picture', () => {
    expect(classify()).toMatchObject({ status: 2, stderr: expect.stringContaining('usage: node') });
    const { status, stderr } = classify(join(root, 'test', 'golden', 'onnx', 'conv', 'one_dimension.onnx'), PHOTOGRAPH);
    expect([status, stderr]).toEqual([1, expect.stringContaining('input x is [2, 3, 11]; what takes pictures has')]);
  });
});

describe('examples/finetune.mjs', () => {
  it('teaches an imported network something new, and exports it', () => {
    const files = ['digits.onnx', 'mirrored.onnx'].map((name) => join(folder, name));
    const lines = () => {
      const { status, stdout, stderr } = runNode({ script: example('finetune.mjs'), args: files }, undefined, 120_000);
      expect([status, stderr]).toEqual([0, expect.not.stringContaining('rror')]);
      return [...stdout.matchAll(/^(.+): reads ([\d.]+) % of/gm)].map(([, who, percent]) => ({ who, read: +percent }));
    };
    const [upright, before, after, exported] = lines();
    expect(upright.read).toBeGreaterThan(95);
    expect(before.read).toBeLessThan(60);
    expect(after.read).toBeGreaterThan(90);
    expect([upright, before, exported].map(({ who }) => who)).toEqual([files[0], files[0], files[1]]);
    // one of the 359 held-out digits may be so close that rounding decides
    expect(Math.abs(exported.read - after.read)).toBeLessThan(0.4);
    // the file is there now, and gives the same digits away again
    expect(lines()[0]).toEqual(before);
  });
});

describe('examples/train.mjs', () => {
  it('trains, goes on where it was, and tells what it learned', () => {
    const run = join(folder, 'training');
    const train = (epochs: number) => {
      const args = [run, String(epochs)];
      const { status, stdout, stderr } = runNode({ script: example('train.mjs'), args }, undefined, 120_000);
      expect([status, stderr]).toEqual([0, expect.stringContaining(`epoch ${epochs}/${epochs}: loss`)]);
      return { stdout, stderr };
    };
    expect(train(1).stdout).toContain('finished; best after epoch 1: ');
    const { stdout, stderr } = train(2);
    expect(stderr).not.toContain('epoch 1/2');
    expect(Number(/best after epoch 2: ([\d.]+) %/.exec(stdout)?.[1])).toBeGreaterThan(90);
    expect(stdout).toMatch(/accuracy 0\.9\d{3} of 359 samples\namong the 2 best: 9\d\.\d\d %/);
    expect(existsSync(join(run, 'explained.png'))).toBe(true);
  });
});

/** Starts a program that prints an address or a port, and gives back the address. */
async function serve(script: string, args: string[], changes = {}): Promise<string> {
  const server = spawn(process.execPath, [script, ...args], {
    env: environment({ PORT: '0', ...changes }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(server);
  const [line] = await once(createInterface({ input: server.stdout }), 'line');
  return line.startsWith('http') ? line : `http://localhost:${line}`;
}

interface Health {
  status: string;
  running: number;
  answered: number;
  abandoned: number;
}
interface Answer {
  classes: { label: string; probability: number }[];
  milliseconds: number;
}

const health = async (address: string) => (await (await fetch(`${address}/health`)).json()) as Health;
const answerOf = async (response: Response) => (await response.json()) as Answer;

describe('examples/server.mjs', () => {
  it('classifies pictures, and says what is wrong with a request', async () => {
    const address = await serve(example('server.mjs'), [MODEL, labels]);
    const post = (body: Uint8Array<ArrayBuffer> | string) => fetch(`${address}/classify`, { method: 'POST', body });
    const bytes = new Uint8Array(readFileSync(PHOTOGRAPH));
    const answers = await Promise.all([bytes, bytes].map(async (body) => answerOf(await post(body))));
    for (const { classes, milliseconds } of answers) {
      expect(classes.map(({ label }) => label).sort()).toEqual(['east', 'north', 'south', 'west']);
      expect(milliseconds).toBeGreaterThan(0);
    }
    const problem = await post('no picture');
    expect([problem.status, await problem.text()]).toEqual([415, expect.stringContaining('cannot be decoded')]);
    const large = await post(new Uint8Array(2 ** 24 + 1));
    expect(large.status).toBe(413);
    const unknown = await fetch(`${address}/elsewhere`);
    expect([unknown.status, await unknown.json()]).toEqual([404, { error: 'there is no GET /elsewhere' }]);
    expect(await health(address)).toEqual({ status: 'ok', running: 0, answered: 2, abandoned: 0 });
  });

  const reason =
    backendInfo().backend === 'native' ? '' : ' (skipped: without native kernels networks run on the event loop)';
  it.skipIf(reason)(`answers while it computes, and stops when the client has gone${reason}`, async () => {
    const address = await serve(join(folder, 'slowserver.mjs'), [example('server.mjs')]);
    const post = (signal?: AbortSignal) =>
      fetch(`${address}/classify`, { method: 'POST', body: new Uint8Array(readFileSync(PHOTOGRAPH)), signal });
    const { milliseconds } = await answerOf(await post());

    const answer = post();
    let latest = 0;
    let seen = 0;
    for (let isDone = false; !isDone; ) {
      const start = performance.now();
      const { running } = await health(address);
      latest = Math.max(latest, performance.now() - start);
      seen = Math.max(seen, running);
      isDone = await Promise.race([answer.then(() => true), sleep(5, false)]);
    }
    expect(seen).toBe(1);
    // decoding and scaling a photograph is on the event loop, the network is not
    expect(latest).toBeLessThan(Math.max(100, milliseconds / 2));

    const client = new AbortController();
    const abandoned = post(client.signal);
    while ((await health(address)).running === 0) await sleep(5);
    await sleep(50);
    client.abort();
    await expect(abandoned).rejects.toThrow(/abort/i);
    const start = performance.now();
    while ((await health(address)).running > 0) await sleep(5);
    expect(performance.now() - start).toBeLessThan(Math.max(200, milliseconds / 2));
    expect(await health(address)).toMatchObject({ answered: 2, abandoned: 1, running: 0 });
  });
});
