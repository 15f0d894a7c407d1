import { type ExecFileSyncOptionsWithStringEncoding, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { typescriptKernels } from '../lib/backend/typescript.js';
import { root } from './compiled.js';

const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** Files below the given folders, as paths from the root, built and installed ones left out. */
function filesBelow(...folders: string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
      .filter((path) => !path.includes('node_modules')),
  );
}

const withExtension = (paths: string[], ...extensions: string[]) =>
  paths.filter((path) => extensions.includes(extname(path)));

describe('the list of kernels', () => {
  const rows = [...read('native/kernels.inc').matchAll(/^KERNEL\((\w+), (.*)\)$/gm)].map(([, name, fields]) => ({
    name,
    fields: [...fields.matchAll(/FIELD\(\w+, (\w+)\)/g)].map(([, field]) => field),
  }));

  it('has as many rows as KERNEL( stands in it', () => {
    expect(rows.length).toBeGreaterThan(30);
    expect(rows.length).toBe(read('native/kernels.inc').match(/^KERNEL\(/gm)?.length);
  });

  it('names what lib/kernels exports', () => {
    expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(typescriptKernels).sort());
  });

  it.each(rows)('$name takes the same arguments in TypeScript', ({ name, fields }) => {
    const kernel = typescriptKernels[name as keyof typeof typescriptKernels] as unknown as (
      ...values: unknown[]
    ) => void;
    expect(kernel.length).toBe(fields.length);
    const text = String(kernel);
    const parameters = text
      .slice(text.indexOf('(') + 1, text.indexOf(')'))
      .split(',')
      .map((each) => each.trim());
    // a kernel that decodes its geometry calls what arrives `flat`, and `g` what it decodes to; `_` marks what it need not read
    const names = parameters
      .filter((each) => each !== '')
      .map((each) => (each === 'flat' ? 'g' : each.replace(/^_/, '')));
    expect(names).toEqual(fields);
  });
});

describe('ops', () => {
  const index = read('lib/ops/index.ts');
  const files = readdirSync(join(root, 'lib/ops')).filter((name) => name !== 'index.ts');
  const exported = (name: string) => index.includes(`from './${name.replace(/\.ts$/, '.js')}'`);
  // a public op shows how it is called; what several ops share does not
  const isPublic = (name: string) => read(`lib/ops/${name}`).includes(' * @example');

  it('that are public are exported, one line each', () => {
    const publicFiles = files.filter(isPublic);
    expect(publicFiles.length).toBeGreaterThan(50);
    expect(publicFiles.filter((name) => !exported(name))).toEqual([]);
    const lines = index.match(/^export (?!type).*from/gm) ?? [];
    expect(lines).toHaveLength(publicFiles.length);
  });

  it('that are shared helpers export types at most', () => {
    const helpers = files.filter((name) => !isPublic(name));
    expect(helpers.length).toBeGreaterThan(5);
    for (const name of helpers.filter(exported)) {
      expect(index).toMatch(new RegExp(`export type \\{[^}]*\\} from './${name.replace(/\.ts$/, '')}\\.js'`));
    }
  });
});

describe('native sources', () => {
  const native = filesBelow('native');
  const sources = JSON.parse(read('native/sources.json')) as {
    runtime: string[];
    addon: string[];
    isa: Record<string, { source: string }>;
  };

  it('are all in sources.json, each once', () => {
    const listed = [...sources.runtime, ...sources.addon, ...Object.values(sources.isa).map(({ source }) => source)];
    const found = withExtension(native, '.cc');
    expect(found.length).toBeGreaterThan(10);
    expect([...listed].sort()).toEqual(found.sort());
  });

  it('include every header and fragment, by the path from native/', () => {
    const code = withExtension(native, '.cc', '.h', '.inl', '.inc');
    const included = new Set(
      code.flatMap((path) => [...read(path).matchAll(/^#include "([^"]+)"/gm)].map(([, name]) => name)),
    );
    const fragments = withExtension(native, '.h', '.inl', '.inc').map((path) => path.slice('native/'.length));
    expect(fragments.length).toBeGreaterThan(20);
    expect(fragments.filter((path) => !included.has(path))).toEqual([]);
    expect([...included].filter((path) => !fragments.includes(path))).toEqual([]);
  });
});

describe('source files', () => {
  const code = withExtension(
    filesBelow('lib', 'native', 'test', 'bench', 'scripts', 'examples'),
    ...['.ts', '.js', '.mjs', '.cjs', '.cc', '.h', '.inl', '.inc', '.py'],
  );

  it('are shorter than 500 lines', () => {
    expect(code.length).toBeGreaterThan(150);
    const lengths = code.map((path) => ({ path, lines: read(path).split('\n').length }));
    expect(lengths.filter(({ lines }) => lines >= 500)).toEqual([]);
  });
});

/** Files under version control, or why they cannot be told. */
function trackedFiles(): { files: string[] } | { reason: string } {
  try {
    const options: ExecFileSyncOptionsWithStringEncoding = {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    };
    // new files that are not ignored are about to be tracked
    const list = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], options);
    const deleted = execFileSync('git', ['ls-files', '--deleted', '-z'], options).split('\0');
    return { files: list.split('\0').filter((path) => path !== '' && !deleted.includes(path)) };
  } catch {
    return { reason: 'not a git checkout' };
  }
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** What belongs to one machine: where this checkout lies, homes of users, and addresses of package registries. */
function privatePatterns(): RegExp[] {
  const here = root.replace(/[/\\]$/, '');
  const folders = [here, dirname(here), homedir()].filter((path) => path.length > 1);
  const registries = [process.env.npm_config_registry].filter((address) => address !== undefined);
  return [
    ...folders.map((path) => new RegExp(`${escaped(path)}(?=[/\\\\"'\`\\s]|$)`)),
    ...registries.map((address) => new RegExp(escaped(address.replace(/\/$/, '')))),
    /\/(home|Users)\/[a-z][\w.-]*\//,
    /[A-Z]:\\Users\\/,
    /https?:\/\/[^/\s"']*(registry|artifactory|nexus|verdaccio)[^/\s"']*/,
  ];
}

describe('tracked files', () => {
  const tracked = trackedFiles();
  const reason = 'reason' in tracked ? tracked.reason : undefined;

  it.skipIf(reason)(`name no path of a machine and no package registry${reason ? ` (skipped: ${reason})` : ''}`, () => {
    const binary = ['.jpg', '.jpeg', '.png', '.webp', '.gz', '.ico', '.node', '.onnx', '.safetensors'];
    const files = 'files' in tracked ? tracked.files.filter((path) => !binary.includes(extname(path))) : [];
    expect(files.length).toBeGreaterThan(200);
    const patterns = privatePatterns();
    const findings = files.flatMap((path) => {
      const text = read(path);
      return patterns.flatMap((pattern) => (pattern.test(text) ? [`${path}: ${pattern.exec(text)?.[0]}`] : []));
    });
    expect(findings).toEqual([]);
  });

  it('are looked at with patterns that find what they should', () => {
    const patterns = privatePatterns();
    const found = (text: string) => patterns.some((pattern) => pattern.test(text));
    for (const text of [
      `see ${root}lib`,
      `"${['', 'home', 'someone', 'project'].join('/')}"`,
      `https://${'registry'}.example.org/x`,
    ]) {
      expect(found(text), text).toBe(true);
    }
    expect(found('a/home/page and https://example.org')).toBe(false);
  });
});

describe('package.json', () => {
  const manifest = JSON.parse(read('package.json')) as {
    scripts: Record<string, string>;
    files: string[];
    gypfile: boolean;
  };

  it('runs nothing when it is installed', () => {
    expect(Object.keys(manifest.scripts).length).toBeGreaterThan(5);
    for (const hook of ['preinstall', 'install', 'postinstall']) expect(manifest.scripts).not.toHaveProperty(hook);
    // npm builds a package with a binding.gyp on its own
    expect(manifest.gypfile).toBe(false);
    expect(manifest.files.length).toBeGreaterThan(2);
    expect(manifest.files.filter((name) => /gyp|\*/.test(name))).toEqual([]);
  });
});
