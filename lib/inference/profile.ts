import { writeFile } from 'node:fs/promises';
import type { TimedCall } from '../graph/plan.js';

/** One line of a {@link Profile}. */
export interface ProfileRow {
  /** Name of the node in the model; '' for conversions of inputs and outputs. */
  readonly name: string;
  readonly op: string;
  /** Algorithm, where there was a choice. */
  readonly detail: string;
  /** Kernel calls of the node. */
  readonly calls: number;
  /** Milliseconds. */
  readonly time: number;
}

/** Where the time of a run went. Printing it gives a table. */
export class Profile {
  readonly rows: readonly ProfileRow[];
  /** Milliseconds from the first kernel call to the end of the last. */
  readonly total: number;
  readonly #calls: readonly TimedCall[];

  constructor(calls: readonly TimedCall[]) {
    this.#calls = calls;
    const rows = new Map<unknown, { name: string; op: string; detail: string; calls: number; time: number }>();
    for (const { node, kernel, detail, duration } of calls) {
      const key = node ?? kernel;
      const row = rows.get(key) ?? { name: node?.name ?? '', op: node?.op.name ?? kernel, detail, calls: 0, time: 0 };
      row.calls++;
      row.time += duration / 1000;
      rows.set(key, row);
    }
    this.rows = [...rows.values()];
    this.total = this.rows.reduce((sum, { time }) => sum + time, 0);
  }

  /** The run as Chrome's trace format, which chrome://tracing and Perfetto open. */
  toChromeTrace(): object {
    return {
      displayTimeUnit: 'ms',
      traceEvents: this.#calls.map(({ node, kernel, detail, start, duration }) => ({
        name: node?.name || kernel,
        cat: node?.op.name ?? kernel,
        ph: 'X',
        ts: start,
        dur: duration,
        pid: 1,
        tid: 1,
        args: { kernel, ...(detail ? { algorithm: detail } : {}) },
      })),
    };
  }

  /** Writes {@link toChromeTrace} to a file. */
  async save(path: string): Promise<void> {
    await writeFile(path, JSON.stringify(this.toChromeTrace()));
  }

  toString(): string {
    const rows = this.rows.toSorted((a, b) => b.time - a.time);
    const cells = rows.map(({ name, op, detail, time }) => [
      time.toFixed(3),
      `${((100 * time) / this.total).toFixed(1)} %`,
      op,
      detail,
      name,
    ]);
    const table = [['ms', 'share', 'op', 'algorithm', 'node'], ...cells, [this.total.toFixed(3), '', '', '', 'total']];
    const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
    return table
      .map((row) =>
        row
          .map((cell, i) => (i < 2 ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
          .join('  ')
          .trimEnd(),
      )
      .join('\n');
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}
