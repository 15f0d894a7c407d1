import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/**
 * A process for one side: its allocator, its threads and what it leaves behind are not the other's. It is sent
 * { task, options } and sends { value } or { error } back.
 */
export class SideProcess {
  #child;

  /** `isa`: what our kernels may use at most; `env` is added to the environment. `script` calls {@link answerTasks}. */
  constructor({ script = new URL('./child.mjs', import.meta.url), isa, env, execArgv = [] } = {}) {
    const limit = isa ? { CONVFORGE_ISA: isa } : {};
    const all = { ...process.env, ...limit, ...env };
    this.#child = fork(fileURLToPath(script), { execArgv, env: all, serialization: 'advanced' });
  }

  /** The value of a task. @throws what the task threw, or that the process has ended */
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

/** What a process does that was started as a {@link SideProcess}: answers each request by the task of that name. */
export function answerTasks(tasks) {
  process.on('message', async ({ task, options }) => {
    try {
      process.send({ value: await tasks[task](options) });
    } catch (error) {
      process.send({ error: error.message });
    }
  });
}
