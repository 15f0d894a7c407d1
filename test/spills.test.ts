import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkObject, defaultObject, findSpills } from '../scripts/check-spills.mjs';

const TILE = Array.from({ length: 8 }, (_, i) => `vfmadd231ps %zmm30,%zmm31,%zmm${i}`);

/** What objdump prints for a function with these instructions, four bytes each; a jump names the index of its target. */
function disassembled(name: string, instructions: readonly string[]): string {
  const address = (index: number) => (0x40 + 4 * index).toString(16);
  const jump = (text: string) => text.replace(/@(\d+)/, (_, index) => `${address(Number(index))} <${name}+0x${index}>`);
  const lines = instructions.map((text, i) => `     ${address(i)}:\t${jump(text)}`);
  return `\n0000000000000040 <${name}>:\n${lines.join('\n')}\n`;
}

describe('check-spills', () => {
  const loop = (...inside: string[]) => ['xor    %eax,%eax', ...TILE, ...inside, 'dec    %rcx', 'jne    @1', 'ret'];

  it('passes a loop that stays in registers', () => {
    const text = disassembled('tile', ['push   %rbp', ...loop('vpbroadcastd 0x8(%rbp),%zmm30')]);
    expect(findSpills(text)).toEqual({ microkernels: 1, spills: [] });
  });

  it('reports what a loop stores and reloads, by function and line', () => {
    const text = disassembled('a::tile<14>', loop('vmovaps %zmm9,0x40(%rsp)', 'vaddps -0x10(%rsp),%zmm1,%zmm1'));
    const lines = ['64: vmovaps %zmm9,0x40(%rsp)', '68: vaddps -0x10(%rsp),%zmm1,%zmm1'];
    expect(findSpills(text)).toEqual({ microkernels: 1, spills: [{ name: 'a::tile<14>', lines }] });
  });

  it('takes %rbp for the stack only where it is the frame pointer', () => {
    const inside = loop('vmovaps %zmm9,-0x40(%rbp)');
    expect(findSpills(disassembled('f', inside)).spills).toEqual([]);
    const framed = disassembled('f', [...inside, 'mov    %rsp,%rbp']);
    expect(findSpills(framed).spills).toHaveLength(1);
  });

  it('looks at innermost loops with many multiply-adds only', () => {
    const store = 'vmovaps %zmm9,0x40(%rsp)';
    expect(findSpills(disassembled('save', [store, ...loop()])).spills).toEqual([]);
    expect(findSpills(disassembled('outer', [...loop().slice(0, -1), store, 'jne    @0'])).spills).toEqual([]);
    expect(findSpills(disassembled('copy', [store, 'jne    @0']))).toEqual({ microkernels: 0, spills: [] });
    const ymm = loop(store).map((line) => line.replaceAll('zmm', 'ymm'));
    expect(findSpills(disassembled('narrow', ymm))).toEqual({ microkernels: 0, spills: [] });
  });

  const reason = [
    [process.platform !== 'linux' || process.arch !== 'x64', 'AVX-512 objects are built for x86-64'],
    [!existsSync(defaultObject), 'no node-gyp build in build/Release'],
    [!hasObjdump(), 'objdump is not installed'],
  ].find(([applies]) => applies)?.[1];

  it.skipIf(reason)(`finds nothing in the AVX-512 kernels${reason ? ` (skipped: ${reason})` : ''}`, () => {
    const { microkernels, spills } = checkObject(defaultObject);
    expect(spills).toEqual([]);
    expect(microkernels, 'loops recognised as microkernels').toBeGreaterThan(20);
  });

  it('exits with 2 when there is no object', () => {
    const script = join(fileURLToPath(new URL('..', import.meta.url)), 'scripts/check-spills.mjs');
    expect(() => execFileSync(process.execPath, [script, 'no-such-object.o'], { stdio: 'pipe' })).toThrow(
      expect.objectContaining({ status: 2 }),
    );
  });
});

function hasObjdump(): boolean {
  try {
    execFileSync('objdump', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
