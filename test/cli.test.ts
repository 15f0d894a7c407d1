import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { run } from '../lib/cli/program.js';
import { backendInfo, Generator, nn, rand, version, zeros } from '../lib/index.js';
import { exportOnnx } from '../lib/onnx/index.js';
import { BORDERS, filter2d, kernels, MATCH_METHODS, readImage, writeImage } from '../lib/vision/index.js';

const photograph = fileURLToPath(new URL('../assets/images/flower.jpg', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'convforge-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));
const inFolder = (name: string) => join(folder, name);

let [out, err] = ['', ''];
beforeEach(() => {
  [out, err] = ['', ''];
  vi.spyOn(console, 'log').mockImplementation((line) => {
    out += `${line}\n`;
  });
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text;
    return true;
  });
  return () => vi.restoreAllMocks();
});

/** Runs a command that must fail, and returns what it says. */
async function failure(...args: string[]): Promise<string> {
  expect(await run(args)).toBe(1);
  expect(out).toBe('');
  const said = err;
  err = '';
  return said;
}

describe('convforge filter', () => {
  it('writes the filtered picture', async () => {
    const target = inFolder('edges.png');
    expect(await run(['filter', photograph, '--kernel', 'edges', '--border', 'replicate', '-o', target])).toBe(0);
    expect(out).toMatch(
      /^.*edges\.png: kernel edges, 3×3, border replicate; \d+\.\d % of the values lay outside 0\.\.1 and were clipped\n$/,
    );
    const expected = filter2d(await readImage(photograph), 'edges', { border: 'replicate' }).clip(0, 1);
    const worst = (await readImage(target)).sub(expected).abs().max().item();
    expect(worst).toBeLessThanOrEqual(0.51 / 255);
  });

  it('takes a constant border, grey, and kernels of the user', async () => {
    const [image, file] = [inFolder('image.png'), inFolder('kernel.json')];
    await writeImage(rand([3, 6, 8], { generator: new Generator(1) }), image);
    writeFileSync(file, '[[0.25, 0.25], [0.25, 0.25]]');
    const gray = await readImage(image, { mode: 'gray' });
    const expected = filter2d(gray, Array(2).fill([0.25, 0.25]), { border: 'constant', value: 1 });
    for (const kernel of [file, '[[0.25,0.25],[0.25,0.25]]']) {
      const target = inFolder('own.png');
      const flags = ['--border', 'constant', '--value', '1', '--gray', '--output', target];
      expect(await run(['filter', image, '-k', kernel, ...flags])).toBe(0);
      expect(out).toBe(`${target}: a kernel of 2×2, border constant\n`);
      const written = await readImage(target, { mode: 'gray' });
      expect(written.shape).toEqual([1, 6, 8]);
      expect(written.sub(expected).abs().max().item()).toBeLessThanOrEqual(0.51 / 255);
      out = '';
    }
  });

  it('names its picture after image and kernel, in the current folder', async () => {
    const before = process.cwd();
    process.chdir(folder);
    try {
      expect(await run(['filter', photograph, '-k', 'blur'])).toBe(0);
      expect(await run(['filter', photograph, '-k', '[[1]]'])).toBe(0);
    } finally {
      process.chdir(before);
    }
    expect(out).toBe(
      'flower-blur.png: kernel blur, 5×5, border reflect\nflower-filtered.png: a kernel of 1×1, border reflect\n',
    );
    expect(existsSync(inFolder('flower-blur.png'))).toBe(true);
  });

  it('says in one line what is wrong', async () => {
    const names = Object.keys(kernels).join(', ');
    expect(await failure('filter', 'nope.jpg', '-k', 'blur')).toBe(
      'convforge filter: readImage: nope.jpg cannot be read: there is no such file or folder\n',
    );
    expect(await failure('filter', photograph, '-k', 'smooth')).toBe(
      `convforge filter: --kernel: must be one of ${names}, rows such as "[[0,1],[1,0]]" or a .json file, got 'smooth'\n`,
    );
    for (const kernel of ['[[1,2],[3]]', '[[1,', '[]', '["a"]']) {
      expect(await failure('filter', photograph, '-k', kernel)).toBe(
        `convforge filter: --kernel: ${kernel} must be JSON of at least one row, all rows of the same length, of numbers\n`,
      );
    }
    expect(await failure('filter', photograph, '-k', 'nope.json')).toBe(
      'convforge filter: --kernel: nope.json cannot be read: there is no such file or folder\n',
    );
    expect(await failure('filter', photograph, '-k', 'blur', '--value', '1')).toBe(
      "convforge filter: filter2d: a value goes with border 'constant' only, got 1 with border 'reflect'\n",
    );
    expect(await failure('filter', photograph, '-k', 'blur', '--value', 'x')).toBe(
      "convforge filter: option '--value <number>' argument 'x' is invalid. It must be a number.\n",
    );
    expect(await failure('filter', photograph, '-k', 'blur', '-o', 'out.bmp')).toBe(
      'convforge filter: writeImage: the name of an image must end in .png, .jpg, .jpeg or .webp, got "out.bmp"\n',
    );
    expect(await failure('filter', photograph)).toBe(
      "convforge filter: required option '-k, --kernel <kernel>' not specified\n",
    );
    expect(await failure('filter', photograph, '-k', 'blur', '--border', 'mirror')).toBe(
      `convforge filter: option '-b, --border <border>' argument 'mirror' is invalid. Allowed choices are ${BORDERS.join(', ')}.\n`,
    );
  });
});

describe('convforge match', () => {
  it('names the places, best first, and draws the map', async () => {
    const [scenePath, templatePath] = [inFolder('scene.png'), inFolder('template.png')];
    const scene = (await readImage(photograph)).slice([null, [150, 280], [200, 400]]);
    await writeImage(scene, scenePath);
    await writeImage(
      scene
        .slice([null, [40, 64], [70, 100]])
        .mul(0.5)
        .add(0.3),
      templatePath,
    );
    const [overlay, map] = [inFolder('match.jpg'), inFolder('map.png')];
    const args = ['match', scenePath, templatePath, '--peaks', '1', '-o', overlay, '--map', map];
    expect(await run(args)).toBe(0);
    const lines = out.split('\n');
    expect(lines[0]).toBe('     row  column   score');
    expect(lines[1]).toMatch(/^ {6}40 {6}70 {2}(0\.999\d|1\.000)$/);
    expect(lines.slice(2)).toEqual([
      `${overlay}: the map laid over the scene`,
      `${map}: the map, 107 rows by 171 columns`,
      '',
    ]);
    expect((await readImage(overlay)).shape).toEqual([3, 130, 200]);
    expect((await readImage(map)).shape).toEqual([3, 107, 171]);

    out = '';
    expect(await run(['match', scenePath, templatePath, '--gray', '--min-score', '1.1'])).toBe(0);
    expect(out).toBe('no place scores 1.1 or more\n');

    out = '';
    expect(await run(['match', scenePath, templatePath, '-m', 'crossCorrelation', '-p', '3'])).toBe(0);
    expect(out.split('\n')).toHaveLength(5);
  });

  it('says in one line what is wrong', async () => {
    const small = inFolder('small.png');
    await writeImage(rand([3, 4, 4]), small);
    expect(await failure('match', small, photograph)).toBe(
      'convforge match: matchTemplate: a template of 427×640 does not fit into a scene of 4×4\n',
    );
    expect(await failure('match', photograph)).toBe("convforge match: missing required argument 'template'\n");
    expect(await failure('match', photograph, small, '-p', '0')).toBe(
      "convforge match: option '-p, --peaks <n>' argument '0' is invalid. It must be an integer of at least 1.\n",
    );
    expect(await failure('match', photograph, small, '-m', 'sad')).toBe(
      "convforge match: option '-m, --method <method>' argument 'sad' is invalid. Allowed choices are zeroMeanNormalized, crossCorrelation.\n",
    );
  });
});

describe('convforge inspect', () => {
  const model = inFolder('model.onnx');
  beforeAll(() => {
    const net = new nn.Sequential(new nn.Conv2d(3, 8, 3, { padding: 1 }), new nn.ReLU(), new nn.AdaptiveAvgPool2d(1));
    writeFileSync(model, exportOnnx(net, zeros([1, 3, 8, 8])));
  });

  it('tells nodes, shapes, parameters and multiply-adds', async () => {
    expect(await run(['inspect', model, '--threads', '1'])).toBe(0);
    const [input, output, , header, ...rows] = out.trimEnd().split('\n');
    expect([input, output]).toEqual([
      'input input: float32 [batch, 3, 8, 8]',
      'output output: float32 [batch, 8, 1, 1]',
    ]);
    expect(header).toMatch(/^node +op +output +algorithm +parameters +multiply-adds$/);
    expect(rows[0]).toMatch(/fusedConv2d +\[1, 8, 8, 8\] .* 224 +13,824$/);
    expect(rows.at(-2)).toMatch(/^2 nodes .* 224 +13,824$/);
    expect(rows.at(-1)).toMatch(/^weights 0\.0 MB/);
  });

  it('takes other shapes, times a run, and writes a trace', async () => {
    const trace = inFolder('trace.json');
    expect(await run(['inspect', model, '--shape', 'input=4,3,8,8', '--profile', '--trace', trace])).toBe(0);
    expect(out).toContain('[4, 8, 8, 8]');
    expect(out).toMatch(/ms +share +op +algorithm +node/);
    const { traceEvents } = JSON.parse(readFileSync(trace, 'utf8'));
    expect(traceEvents.length).toBeGreaterThan(1);
  });

  it('says in one line what is wrong', async () => {
    expect(await failure('inspect', inFolder('none.onnx'))).toMatch(
      /^convforge inspect: .*there is no such file or folder\n$/,
    );
    writeFileSync(inFolder('broken.onnx'), 'no model');
    expect(await failure('inspect', inFolder('broken.onnx'))).toMatch(/^convforge inspect: readModel: .+\n$/);
    expect(await failure('inspect', model, '--shape', 'x=1')).toBe(
      "convforge inspect: --shape: there is no input 'x'; the inputs are input\n",
    );
    expect(await failure('inspect', model, '--shape', 'input')).toContain('It must be like input=1,3,224,224.');
    expect(await failure('inspect', model, '--shape', 'input=1,4,8,8')).toMatch(/expects 3 input channels/);
  });
});

describe('convforge doctor', () => {
  it('tells backend, platform and image library', async () => {
    expect(await run(['doctor'])).toBe(0);
    const { backend, isa, reasons } = backendInfo();
    expect(out).toContain(`convforge  ${version}\n`);
    expect(out).toContain(`node       ${process.version}, Node-API ${process.versions.napi}\n`);
    expect(out).toMatch(new RegExp(`^platform   ${process.platform}, ${process.arch}`, 'm'));
    expect(out).toMatch(/^images {5}sharp \d/m);
    if (backend === 'native') expect(out).toMatch(new RegExp(`^backend    native, ${isa}, \\d+ threads?$`, 'm'));
    else {
      expect(out).toContain('backend    TypeScript: everything works, many times slower than native\n');
      for (const reason of reasons) expect(out).toContain(`because    ${reason}\n`);
      expect(out).toMatch(/^what to do /m);
    }
  });

  /** What the command says in a process of these settings. */
  async function doctorWith(settings: Record<string, string>): Promise<string> {
    for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
    vi.resetModules();
    const fresh = await import('../lib/cli/program.js');
    expect(await fresh.run(['doctor'])).toBe(0);
    vi.resetModules();
    vi.unstubAllEnvs();
    return out;
  }

  it('says why it is TypeScript, and what to do', async () => {
    const said = await doctorWith({ CONVFORGE_BACKEND: 'typescript' });
    expect(said).toContain('because    the TypeScript backend was asked for\n');
    expect(said).toContain('what to do unset CONVFORGE_BACKEND to use the native build\n');
  });

  it('reports a native build that is demanded and missing', async () => {
    const said = await doctorWith({ CONVFORGE_BACKEND: 'native', CONVFORGE_NATIVE_PATH: inFolder('missing.node') });
    expect(said).toContain('backend    none\n');
    expect(said).toMatch(/^because {4}native kernels were asked for and cannot be loaded: .*missing\.node/m);
    expect(said).toMatch(/^what to do unset CONVFORGE_NATIVE_PATH, or let it name a build for this platform$/m);
  });
});

describe('convforge', () => {
  it('has help, version, and an answer to what it does not know', async () => {
    expect(await run(['--version'])).toBe(0);
    expect(out).toBe(`${version}\n`);
    out = '';
    expect(await run(['--help'])).toBe(0);
    for (const command of ['filter', 'match', 'doctor']) expect(out).toMatch(new RegExp(`^  ${command} `, 'm'));
    out = '';
    expect(await run(['match', '--help'])).toBe(0);
    for (const method of MATCH_METHODS) expect(out).toContain(`"${method}"`);
    out = '';
    expect(await failure('sharpen')).toBe("convforge: unknown command 'sharpen'\n");
    expect(await failure()).toMatch(/^Usage: convforge /);
  });

  it('shows the stack of an error when debugging', async () => {
    vi.stubEnv('CONVFORGE_DEBUG', '1');
    const said = await failure('filter', 'nope.jpg', '-k', 'blur');
    vi.unstubAllEnvs();
    expect(said).toMatch(/^convforge filter: .*nope\.jpg cannot be read: .*\n +at /);
    expect(said).toContain('files.ts');
  });
});
