// Looks for registers that the compiler saved to the stack inside the innermost loops of the AVX-512 kernels:
//   node scripts/check-spills.mjs [object file, by default that of build/Release]
// A microkernel keeps its sums in 28 of 32 registers. One vector more, and the loop stores and reloads on every step,
// which costs up to half of the speed and no test of results can see. Needs objdump.
import { execFileSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './build-native.mjs';

/**
 * A loop is a microkernel if it has so many multiply-adds of whole registers, and they are so much of it: half in a
 * tile, less when it spills. The transforms of Winograd's algorithm mostly add, and hold more values than there are
 * registers by nature.
 */
const MULTIPLY_ADDS = 8;
const SHARE = 0.3;

const FUNCTION = /^[0-9a-f]+ <(.+)>:$/;
const INSTRUCTION = /^\s*([0-9a-f]+):\s+(\S.*)$/;
const JUMP = /^j\w+\s+([0-9a-f]+)\b/;
// the form that adds a product to a sum; polynomials, whose constants may well be in memory, multiply the sum instead
const MULTIPLY_ADD = /^vfn?madd231ps\s.*%zmm/;

/** The functions of `objdump --disassemble` output: name and instructions, each with address and text. */
function parseFunctions(disassembly) {
  const functions = [];
  for (const line of disassembly.split('\n')) {
    const name = FUNCTION.exec(line)?.[1];
    if (name !== undefined) functions.push({ name, instructions: [] });
    const [, address, text] = INSTRUCTION.exec(line) ?? [];
    if (text !== undefined) functions.at(-1)?.instructions.push({ address: Number.parseInt(address, 16), text });
  }
  return functions;
}

/** The bodies of loops that contain no other loop: what lies between a jump backwards and its target. */
function innermostLoops(instructions) {
  const indexAt = new Map(instructions.map(({ address }, index) => [address, index]));
  const loops = [];
  instructions.forEach(({ address, text }, end) => {
    const target = Number.parseInt(JUMP.exec(text)?.[1] ?? '', 16);
    const begin = target <= address ? indexAt.get(target) : undefined;
    if (begin !== undefined) loops.push({ begin, end });
  });
  const contains = (outer, inner) => outer !== inner && outer.begin <= inner.begin && inner.end <= outer.end;
  const innermost = loops.filter((loop) => !loops.some((other) => contains(loop, other)));
  return innermost.map(({ begin, end }) => instructions.slice(begin, end + 1));
}

/**
 * What touches a whole register on the stack in a loop of at least 8 multiply-adds: per function, its name, the number
 * of such loops and the lines.
 */
export function findSpills(disassembly) {
  const found = [];
  let microkernels = 0;
  for (const { name, instructions } of parseFunctions(disassembly)) {
    // %rbp is a register like any other unless the function makes it its frame pointer
    const hasFrame = instructions.some(({ text }) => /^mov\s+%rsp,%rbp/.test(text));
    const onStack = hasFrame ? /%zmm.*\(%r[sb]p|\(%r[sb]p.*%zmm/ : /%zmm.*\(%rsp|\(%rsp.*%zmm/;
    for (const loop of innermostLoops(instructions)) {
      const multiplyAdds = loop.filter(({ text }) => MULTIPLY_ADD.test(text)).length;
      if (multiplyAdds < MULTIPLY_ADDS || multiplyAdds < SHARE * loop.length) continue;
      microkernels++;
      const lines = loop.filter(({ text }) => onStack.test(text));
      if (lines.length > 0)
        found.push({ name, lines: lines.map(({ address, text }) => `${address.toString(16)}: ${text}`) });
    }
  }
  return { microkernels, spills: found };
}

export const defaultObject = join(root, 'build/Release/obj.target/avx512/native/isa/avx512.o');

/** The result of findSpills for an object file. */
export function checkObject(object) {
  const args = ['--disassemble', '--demangle', '--no-show-raw-insn', '--wide', object];
  return findSpills(execFileSync('objdump', args, { encoding: 'utf8', maxBuffer: 2 ** 30 }));
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const object = process.argv[2] ?? defaultObject;
  if (!existsSync(object)) {
    console.error(`check-spills: there is no ${object}; npm run build:native makes one`);
    process.exit(2);
  }
  const { microkernels, spills } = checkObject(object);
  for (const { name, lines } of spills) console.error(`${name}\n  ${lines.join('\n  ')}`);
  console.log(`${microkernels} microkernel loops, ${spills.length} with registers on the stack`);
  process.exitCode = spills.length > 0 ? 1 : 0;
}
