import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../io/files.js';
import { savePicture } from '../vision/picture.js';

/** A file and what it shows. */
export interface SavedPicture {
  readonly path: string;
  readonly shows: string;
}

/** A picture to draw: the name of its file, what it shows, and what draws it as SVG; null when there is nothing to show. */
export type Drawing = readonly [name: string, shows: string, draw: (() => string | Promise<string>) | null];

/** Draws pictures into a folder, one after the other, and says what is where. */
export async function savePictures(
  command: string,
  folder: string,
  drawings: readonly Drawing[],
): Promise<SavedPicture[]> {
  await mkdir(folder, { recursive: true }).catch((error) => fail(command, folder, 'made', error));
  const saved: SavedPicture[] = [];
  for (const [name, shows, draw] of drawings) {
    if (!draw) continue;
    const path = join(folder, name);
    await savePicture(path, await draw());
    saved.push({ path, shows });
  }
  return saved;
}

/** A line for each picture, in columns. */
export function listOf(pictures: readonly SavedPicture[]): string {
  const width = Math.max(...pictures.map(({ path }) => path.length));
  return pictures.map(({ path, shows }) => `  ${path.padEnd(width)}  ${shows}`).join('\n');
}
