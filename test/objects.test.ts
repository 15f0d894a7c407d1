import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Sources {
  flags: string[];
  isa: Record<string, { arch: string[]; source: string; flags: string[] }>;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = JSON.parse(readFileSync(join(root, 'native/sources.json'), 'utf8')) as Sources;

function objectOf(isa: string): string {
  return join(root, 'build/Release/obj.target', isa, sources.isa[isa].source.replace(/\.cc$/, '.o'));
}

function hasTool(name: string): boolean {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** C functions, of which a process has one each: copies that compilers make on their own, pow and sqrt of doubles. */
const ALLOWED_IMPORTS = ['memcpy', 'memmove', 'memset', 'pow', 'sqrt', '_GLOBAL_OFFSET_TABLE_', '__stack_chk_fail'];

// An inline function of a header is emitted in every object that uses it and the linker keeps one copy. If that copy
// came from an object built for AVX-512, the baseline path would crash on machines without it.
describe('objects of one instruction set keep to themselves', () => {
  for (const [isa, { arch }] of Object.entries(sources.isa)) {
    const object = objectOf(isa);
    const reason = [
      [process.platform !== 'linux', 'reads ELF objects'],
      [!arch.includes(process.arch), `not built for ${process.arch}`],
      [!existsSync(object), 'no node-gyp build in build/Release'],
      [!hasTool('nm') || !hasTool('readelf'), 'binutils are not installed'],
    ].find(([applies]) => applies)?.[1];

    it.skipIf(reason)(`${isa}${reason ? ` (skipped: ${reason})` : ''}`, () => {
      // "<address> <kind> <name>", where undefined symbols have no address
      const symbols = execFileSync('nm', [object], { encoding: 'utf8' })
        .trim()
        .split('\n')
        .map((line) => line.trim().split(/\s+/).slice(-2));
      const named = (kinds: string) => symbols.filter(([kind]) => kinds.includes(kind)).map(([, name]) => name);

      expect(named('WwVvu'), 'weak or shared by the linker').toEqual([]);
      expect(named('TDBRGSC'), 'visible to other objects').toEqual([
        expect.stringMatching(new RegExp(`^_ZN${isa.length}${isa}7installE`)),
      ]);
      expect(named('DdBb'), 'writable data').toEqual([]);
      expect(
        named('U').filter((name) => !ALLOWED_IMPORTS.includes(name)),
        'functions called outside',
      ).toEqual([]);
      const sections = execFileSync('readelf', ['--wide', '--sections', object], { encoding: 'utf8' });
      expect(sections, 'code that runs when the addon is loaded').not.toMatch(/\.init_array|\.ctors/);
    });
  }
});

describe('AArch64 translation units compile', () => {
  const reason = hasTool('clang++') ? undefined : 'clang++ is not installed';
  for (const [isa, { arch, source, flags }] of Object.entries(sources.isa)) {
    if (!arch.includes('arm64')) continue;
    it.skipIf(reason)(`${isa}${reason ? ` (skipped: ${reason})` : ''}`, { timeout: 120_000 }, () => {
      const folder = mkdtempSync(join(tmpdir(), 'convforge-'));
      try {
        // Freestanding: the sources need no C++ library, so none for AArch64 has to be installed.
        const target = ['--target=aarch64-linux-gnu', '-ffreestanding', '-nostdlibinc', '-Werror'];
        const output = ['-O0', '-Inative', '-c', source, '-o', join(folder, 'object.o')];
        execFileSync('clang++', [...target, ...sources.flags, ...flags, ...output], { cwd: root, encoding: 'utf8' });
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
