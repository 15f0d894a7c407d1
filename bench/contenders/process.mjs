import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Unsupported } from '../sides/unsupported.mjs';

const GEOMETRY = 'n ic h w oc kh kw oh ow strideH strideW dilationH dilationW padTop padLeft padBottom padRight groups';

/** A program that answers each line it is sent with one line. */
export class Conversation {
  #child;
  #lines;
  #closed;

  constructor(command, args, env) {
    this.#child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdin.on('error', () => {}); // a program that has ended is noticed at its answer
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#closed = once(this.#child, 'close');
    this.#closed.catch(() => {});
  }

  async ask(line) {
    this.#child.stdin.write(`${line}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.#child.spawnfile} ended before it answered`);
    return value;
  }

  async close() {
    this.#child.stdin.end();
    await this.#closed;
  }
}

/**
 * A side that lives in another process and speaks the protocol described in onednn.cc. It makes the same inputs itself,
 * takes its samples between calibrations of its own, and leaves its answer in a file.
 */
export function processSide({ name, detail, command, args, env }) {
  const conversation = new Conversation(command, args, env);
  const folder = mkdtempSync(join(tmpdir(), 'convforge-bench-'));
  const file = join(folder, 'result');
  return {
    name,
    detail,
    async prepare({ layer: { geometry }, pass }) {
      const numbers = GEOMETRY.split(' ').map((field) => geometry[field]);
      const answer = await conversation.ask(`prepare ${pass} ${numbers.join(' ')} ${file}`);
      const [word, ...rest] = answer.split(' ');
      if (word !== 'ready') throw new Unsupported(rest.join(' '));
      const calibration = { bestMs: Number.POSITIVE_INFINITY };
      return {
        activate() {},
        calibration,
        async sample(repeats) {
          const [ms, calibrationMs, bestMs, share] = (await conversation.ask(`sample ${repeats}`))
            .split(' ')
            .map(Number);
          calibration.bestMs = Math.min(calibration.bestMs, bestMs);
          return { ms, calibrationMs, share };
        },
        result() {
          const bytes = readFileSync(file);
          return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
        },
        algorithm: rest.join(' ').replace(/:.*/, ''), // the instruction set comes behind the colon
      };
    },
    async close() {
      await conversation.close();
      rmSync(folder, { recursive: true });
    },
  };
}
