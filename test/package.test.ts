import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/**
 * The published package: packed from a staged copy of the checkout, installed into an empty folder with scripts disabled,
 * and used from ES modules, from CommonJS and from TypeScript, with its prebuilt binary and without.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'convforge-package-'));
const stage = join(work, 'stage');
const app = join(work, 'app');
const installed = join(app, 'node_modules', 'convforge');
const platform = `${process.platform}-${process.arch}`;
const binary = join(root, 'build', 'Release', 'convforge.node');
const hasBinary = existsSync(binary);

interface PackedFile {
  path: string;
}
let packed: { filename: string; unpackedSize: number; files: PackedFile[] };

function run(command: string, args: string[], cwd: string, env: NodeJS.ProcessEnv = {}): string {
  return execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs a script in the app and returns what it printed as JSON. */
function script(name: string, source: string): Record<string, unknown> {
  writeFileSync(join(app, name), source);
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { stdout, stderr, status } = spawnSync(process.execPath, [name], { cwd: app, encoding: 'utf8', env });
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

beforeAll(() => {
  mkdirSync(stage);
  mkdirSync(app);
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] };
  const made = ['dist', 'prebuilds'];
  const copied = ['package.json', 'README.md', 'LICENSE', 'tsconfig.json', 'lib', 'scripts', 'binding.gyp'];
  for (const name of [...copied, ...files.filter((file) => !made.includes(file))]) {
    cpSync(join(root, name), join(stage, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(stage, 'node_modules'), 'dir');
  run(process.execPath, ['scripts/build.mjs'], stage);
  if (hasBinary) {
    // The file that `npm run prebuild` makes, by the name it gives it, without compiling everything once more.
    const tag = process.platform === 'linux' ? '.glibc' : '';
    mkdirSync(join(stage, 'prebuilds', platform), { recursive: true });
    cpSync(binary, join(stage, 'prebuilds', platform, `convforge${tag}.node`));
  }
  packed = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', work], stage))[0];
  writeFileSync(join(app, 'package.json'), '{ "private": true }');
  run(
    'npm',
    [
      'install',
      '--ignore-scripts',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      join(work, packed.filename),
      '@types/node@20',
    ],
    app,
  );
}, 300_000);

afterAll(() => rmSync(work, { recursive: true, force: true }));

const esm = `
import { backendInfo, conv2d, crossEntropy, nn, ones, SGD, tensor } from 'convforge';
import { digits } from 'convforge/data';
import { encodeSafetensors } from 'convforge/io';
import { lenet5 } from 'convforge/models';
import { exportOnnx, readModel } from 'convforge/onnx';
import { filter2d } from 'convforge/vision';
const net = new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.Flatten(), new nn.Linear(72, 10));
const { images, labels } = (await digits()).select([0, 1, 2, 3]);
const optimizer = new SGD(net.parameters(), { lr: 0.1 });
const losses = [0, 1].map(() => {
  const loss = crossEntropy(net.forward(images), labels);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss.item();
});
console.log(JSON.stringify({
  info: backendInfo(),
  y: conv2d(ones([1, 1, 3, 3]), ones([1, 1, 2, 2])).toArray(),
  learns: losses[1] < losses[0],
  weights: encodeSafetensors(net.stateDict()).length > 0,
  logits: lenet5().forward(ones([1, 1, 28, 28])).shape,
  filtered: filter2d(tensor([[1, 2], [3, 4]]), 'identity').toArray(),
  nodes: readModel(exportOnnx(net, images)).nodes.map(({ opType }) => opType),
}));
`;

const cjs = `
const { Tensor, backendInfo } = require('convforge');
const { DataLoader, digits, transforms } = require('convforge/data');
const io = require('convforge/io');
const onnx = require('convforge/onnx');
const models = require('convforge/models');
const vision = require('convforge/vision');
(async () => {
  const esm = await import('convforge');
  const dataset = await digits();
  const { images } = dataset;
  let loaded = 0;
  const transform = new transforms.RandomCrop(8, { padding: 1 });
  for await (const [x] of new DataLoader(dataset, { batchSize: 500, workers: 1, transform })) loaded += x.shape[0];
  console.log(JSON.stringify({
    info: backendInfo(),
    sameClass: esm.Tensor === Tensor && images instanceof Tensor,
    loaded,
    functions: [typeof io.loadSafetensors, typeof vision.matchTemplate, typeof onnx.toModule, typeof models.resnet18],
  }));
})();
`;

describe('the packed package', () => {
  it('has what it needs and nothing that would run or compile on install', () => {
    const paths = packed.files.map(({ path }) => path);
    for (const needed of [
      'dist/index.js',
      'dist/index.cjs',
      'dist/index.d.ts',
      'dist/index.d.cts',
      'README.md',
      'LICENSE',
    ]) {
      expect(paths).toContain(needed);
    }
    expect(paths).toContain('assets/digits/digits.csv.gz');
    expect(paths).not.toContain('binding.gyp');
    expect(paths.filter((path) => /^(test|lib|bench|examples|node_modules|build)\//.test(path))).toEqual([]);
    const { scripts = {} } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    expect(Object.keys(scripts)).not.toEqual(expect.arrayContaining(['install']));
    expect(['preinstall', 'install', 'postinstall'].filter((name) => name in scripts)).toEqual([]);
    expect(packed.unpackedSize).toBeLessThan(20 * 2 ** 20);
  });

  it.skipIf(!hasBinary)(
    'runs natively from its prebuilt binary (skipped where there is no native build to pack)',
    () => {
      const result = script('native.mjs', esm);
      expect(result).toMatchObject({ info: { backend: 'native', reasons: [] }, learns: true, weights: true });
      expect(result.y).toEqual([
        [
          [
            [4, 4],
            [4, 4],
          ],
        ],
      ]);
      expect(script('native.cjs', cjs)).toMatchObject({
        info: { backend: 'native' },
        sameClass: true,
        loaded: 1797,
      });
    },
  );

  it('runs on TypeScript when there is no binary, and says why', () => {
    rmSync(join(installed, 'prebuilds'), { recursive: true, force: true });
    const result = script('fallback.mjs', esm);
    expect(result).toMatchObject({ info: { backend: 'typescript', isa: null }, learns: true, weights: true });
    expect((result.info as { reasons: string[] }).reasons).toEqual([`no native build for ${platform}`]);
    expect(result.nodes).toEqual(['Conv', 'Reshape', 'Gemm']);
    expect(result.logits).toEqual([1, 10]);
    expect(result.filtered).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(script('fallback.cjs', cjs)).toMatchObject({
      sameClass: true,
      loaded: 1797,
      functions: ['function', 'function', 'function', 'function'],
    });
  });

  it('has types for import and for require', () => {
    const usage = (load: string) => `${load}
const x: Tensor<'float32'> = tensor(new Float32Array(4), [1, 1, 2, 2]);
const y: Tensor<'float32'> = conv2d(x, x, null, { stride: 1, padding: 'same' });
const counts: Tensor<'int32'> = y.argmax();
const labels: Int32Array = counts.data;
// @ts-expect-error a tensor of another element type
const wrong: Tensor<'int32'> = x;
// @ts-expect-error no such option
conv2d(x, x, null, { strides: 1 });
export { labels, wrong };
`;
    writeFileSync(
      join(app, 'usage.mts'),
      usage("import { conv2d, tensor, type Tensor } from 'convforge';\nimport 'convforge/vision';"),
    );
    writeFileSync(
      join(app, 'usage.cts'),
      usage("import { conv2d, tensor, type Tensor } from 'convforge';\nimport 'convforge/io';"),
    );
    const options = {
      module: 'node16',
      moduleResolution: 'node16',
      target: 'es2022',
      strict: true,
      noEmit: true,
      types: ['node'],
    };
    writeFileSync(
      join(app, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: options, files: ['usage.mts', 'usage.cts'] }),
    );
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', app], { encoding: 'utf8' });
    expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
  });

  it('has a command that runs', () => {
    const command = join(app, 'node_modules', '.bin', 'convforge');
    expect(run(command, ['doctor'], app)).toMatch(/backend/i);
    expect(run(command, ['--version'], app).trim()).toBe(
      JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version,
    );
  });
});
