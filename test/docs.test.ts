import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as data from '../lib/data/index.js';
import * as core from '../lib/index.js';
import * as models from '../lib/models/index.js';
import * as onnx from '../lib/onnx/index.js';
import * as ops from '../lib/ops/index.js';
import * as vision from '../lib/vision/index.js';
import { root } from './compiled.js';

/** Files whose examples are run. */
const FILES = [
  ...[
    'ops',
    'nn',
    'optim',
    'optim/schedulers',
    'models',
    'vision',
    'vision/explain',
    'train',
    'train/metrics',
    'data',
    'data/loader',
    'data/transforms',
    'backend',
    'onnx',
    'onnx/export',
  ].flatMap((folder) => readdirSync(join(root, 'lib', folder)).map((name) => `${folder}/${name}`)),
  ...['creation.ts', 'random.ts', 'autograd.ts', 'tensor.ts', 'gradientcheck.ts'],
].filter((file) => file.endsWith('.ts'));

const sourceOf = (file: string) => readFileSync(join(root, 'lib', file), 'utf8');

interface Example {
  file: string;
  line: number;
  code: string;
}

/** The lines after each @example, without the comment's stars. */
function examplesOf(file: string): Example[] {
  const lines = sourceOf(file).split('\n');
  return lines.flatMap((text, index) => {
    if (!/^\s*\* @example\s*$/.test(text)) return [];
    const rest = lines.slice(index + 1);
    const end = rest.findIndex((line) => /^\s*\*\/|^\s*\* @/.test(line));
    const code = rest.slice(0, end).map((line) => line.replace(/^\s*\* ?/, ''));
    return [{ file, line: index + 1, code: code.join('\n') }];
  });
}

/** The value after `; // ` at the end of a line, if there is one and it is JSON. */
function promised(line: string): { value: unknown } | undefined {
  const comment = /; \/\/ (.+)$/.exec(line)?.[1];
  if (comment === undefined) return undefined;
  try {
    return { value: JSON.parse(comment) };
  } catch {
    return undefined;
  }
}

/** What the examples of pictures and filters take for granted. */
function standIns() {
  core.manualSeed(1);
  class Net extends core.nn.Module {
    conv1 = new core.nn.Conv2d(1, 8, 3);
    forward(x: core.Tensor<'float32'>) {
      return this.conv1.forward(x);
    }
  }
  return {
    photo: core.rand([3, 24, 32]),
    picture: core.rand([3, 200, 160]),
    scene: core.rand([3, 24, 32]),
    face: core.rand([3, 5, 7]),
    template: core.rand([3, 5, 7]),
    digit: core.rand([8, 8]),
    maps: [core.rand([6, 6]), core.rand([6, 6])],
    net: new Net(),
    losses: [2, 1, 0.5],
    accuracies: [0.3, 0.6, 0.9],
  };
}

const AsyncFunction = (async () => undefined).constructor as new (
  ...text: string[]
) => (...values: unknown[]) => Promise<unknown>;

/** Runs an example and gives back the value of its last line, when that is an expression. */
function run({ code }: Example): Promise<unknown> {
  const scope: Record<string, unknown> = { ...core, ...vision, ...data, models, onnx, ...standIns() };
  // names that the example declares itself
  for (const [, name] of code.matchAll(/^(?:const|let|class|function) (\w+)/gm)) delete scope[name];
  for (const [, names] of code.matchAll(/^const [{[]([^}\]]*)[}\]]/gm))
    for (const name of names.split(',')) delete scope[name.trim()];
  const lines = code.split('\n');
  const last = lines.length - 1;
  if (promised(lines[last])) lines[last] = `return ${lines[last]}`;
  return new AsyncFunction(...Object.keys(scope), lines.join('\n'))(...Object.values(scope));
}

/** JSON has no negative zero, and examples none to show. */
const withoutNegativeZero = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(withoutNegativeZero) : value === 0 ? 0 : value;

const examples = FILES.flatMap(examplesOf);

describe('examples in doc comments', () => {
  const before = process.cwd();
  let folder: string;

  beforeAll(() => {
    core.setBackend('typescript');
    folder = mkdtempSync(join(tmpdir(), 'convforge-'));
    symlinkSync(join(root, 'assets'), join(folder, 'assets'));
    process.chdir(folder); // for the pictures they write
  });

  afterAll(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  });

  it('are found, most with a value', () => {
    expect(examples.length).toBeGreaterThan(80);
    expect(examples.filter(({ code }) => promised(code)).length).toBeGreaterThan(70);
  });

  it.each(examples)('$file:$line', async (example) => {
    const expected = promised(example.code.split('\n').at(-1) as string);
    const value = await run(example);
    if (expected) expect(withoutNegativeZero(value)).toEqual(expected.value);
  });
});

/** Exported functions with the doc comment of their first declaration. */
function exportedFunctions(file: string): Map<string, string> {
  const found = new Map<string, string>();
  const pattern = /(\/\*\*(?:[^*]|\*(?!\/))*\*\/\n)?export (?:async )?function (\w+)/g;
  for (const [, doc = '', name] of sourceOf(file).matchAll(pattern)) if (!found.has(name)) found.set(name, doc);
  return found;
}

describe('every public op', () => {
  const files = FILES.filter((file) => file.startsWith('ops/'));
  const documented = new Map(
    files.flatMap((file) => [...exportedFunctions(file)].map(([name, doc]) => [name, { file, doc }])),
  );
  const names = Object.keys(ops);

  it('is one of many', () => {
    expect(names.length).toBeGreaterThan(55);
  });

  it.each(names)('%s says what it does, shows it, and says what it refuses', (name) => {
    const { file, doc } = documented.get(name) ?? { file: '', doc: '' };
    expect(doc, `${name} has no doc comment`).not.toBe('');
    const [summary] = doc.replace(/^\/\*\*\s*\*?\s*/, '').split('\n');
    expect(summary.length).toBeGreaterThan(10);
    const own = examples.filter(({ file: from, code }) => from === file && new RegExp(`\\b${name}\\(`).test(code));
    expect(own.length, `${name} has no @example that calls it`).toBeGreaterThan(0);
    expect(
      own.some(({ code }) => promised(code.split('\n').at(-1) as string)),
      'no example ends in a value',
    ).toBe(true);
    const checks = /\b(check\w*|resolveAx[ei]s|apply(Unary|Binary|Compare)|pair)\(/.test(
      sourceOf(file).replace(/^import.*$/gm, ''),
    );
    if (checks) expect(doc, `${basename(file)} checks its arguments`).toMatch(/@throws/);
  });
});
