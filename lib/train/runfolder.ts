import { appendFile, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ArgumentError, NativeError } from '../errors.js';
import { fail } from '../io/files.js';
import { removeLeftovers, replaceFile } from '../io/replacefile.js';
import type { EpochRecord } from './state.js';

/** The files of a training: checkpoints, history, curves. */
export class RunFolder {
  readonly path: string;
  readonly last: string;
  readonly best: string;
  readonly history: string;
  readonly curves: string;
  readonly picture: string;

  constructor(path: string) {
    this.path = path;
    this.last = join(path, 'last.safetensors');
    this.best = join(path, 'best.safetensors');
    this.history = join(path, 'history.jsonl');
    this.curves = join(path, 'curves.svg');
    this.picture = join(path, 'curves.png');
  }

  /** Makes the folder, and clears away what killed processes have left. */
  async prepare(): Promise<void> {
    await mkdir(this.path, { recursive: true }).catch((error) => fail('fit', this.path, 'made', error));
    for (const file of this.#files) await removeLeftovers(file);
  }

  /** The checkpoint to go on from: the best one, if the process was killed before its first last one; null without any. */
  async checkpoint(): Promise<string | null> {
    for (const path of [this.last, this.best]) if (await exists(path)) return path;
    return null;
  }

  /** Removes the files of an earlier training, if that is wanted. */
  async clear(overwrite: boolean): Promise<void> {
    if (!overwrite && ((await exists(this.last)) || (await exists(this.best)))) {
      throw new ArgumentError(
        `fit: ${this.path} holds checkpoints of an earlier training; go on with it by resume: true, or let it be replaced by overwrite: true`,
      );
    }
    for (const file of this.#files) await rm(file, { force: true });
  }

  get #files(): readonly string[] {
    return [this.last, this.best, this.history, this.curves, this.picture];
  }

  /** Replaces a file in one step, or says in words why it cannot be written. */
  async write(path: string, bytes: Uint8Array | string): Promise<void> {
    await replaceFile(path, bytes).catch((error) => fail('fit', path, 'written', error));
  }

  /** Makes the history what a checkpoint says it is: a process that was killed may have written half a line more. */
  async writeHistory(history: readonly EpochRecord[]): Promise<void> {
    await this.write(this.history, history.map(lineOf).join(''));
  }

  async appendHistory(record: EpochRecord): Promise<void> {
    await appendFile(this.history, lineOf(record)).catch((error) => fail('fit', this.history, 'written', error));
  }

  /** Draws the history: as SVG after each epoch, at the end also as PNG where the image library can be loaded. */
  async drawCurves(history: readonly EpochRecord[], { png = false } = {}): Promise<void> {
    const { trainingCurves } = await import('./curves.js');
    const drawing = trainingCurves(history);
    if (drawing === null) return;
    await this.write(this.curves, drawing);
    if (!png) return;
    const { savePicture } = await import('../vision/picture.js');
    await savePicture(this.picture, drawing).catch((error: unknown) => {
      if (!(error instanceof NativeError)) throw error;
    });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function lineOf(record: EpochRecord): string {
  return `${JSON.stringify(record)}\n`;
}
