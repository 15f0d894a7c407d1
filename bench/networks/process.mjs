import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('./child.mjs', import.meta.url));

/** A process for one side: its allocator, its threads and what it leaves behind are not the other's. */
export class SideProcess {
  #child;

  /** `isa`: what our kernels may use at most. */
  constructor({ isa, execArgv = [] } = {}) {
    const env = isa ? { ...process.env, CONVFORGE_ISA: isa } : process.env;
    this.#child = fork(script, { execArgv, env, serialization: 'advanced' });
  }

  /** The value of a task (child.mjs). @throws what the task threw, or that the process has ended */
  async ask(task, options) {
    const child = this.#child;
    const stop = new AbortController();
    const { signal } = stop;
    try {
      child.send({ task, options });
      const ended = once(child, 'exit', { signal }).then(([code, name]) => {
        throw new Error(`the process of ${task} ended with ${code ?? name}`);
      });
      const [{ value, error }] = await Promise.race([once(child, 'message', { signal }), ended]);
      if (error !== undefined) throw new Error(error);
      return value;
    } finally {
      stop.abort();
    }
  }

  async close() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill();
    await exit;
  }
}

/** The value of one task in a fresh process. */
export async function inFreshProcess(task, options, settings) {
  const side = new SideProcess(settings);
  try {
    return await side.ask(task, options);
  } finally {
    await side.close();
  }
}
