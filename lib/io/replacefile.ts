import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Writes a file by way of a new one in the same folder, which takes the old one's place in one step. Whenever the process or
 * the machine stops, the path holds either all of the old bytes or all of the new ones.
 */
export async function replaceFile(path: string, bytes: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Removes what processes that were killed while they replaced the given file have left beside it. */
export async function removeLeftovers(path: string): Promise<void> {
  const folder = dirname(path);
  const isLeftover = (name: string) =>
    name.startsWith(`${basename(path)}.`) && /^[0-9a-f-]{36}\.tmp$/.test(name.slice(basename(path).length + 1));
  const names = (await readdir(folder)).filter(isLeftover);
  await Promise.all(names.map((name) => rm(join(folder, name), { force: true })));
}

/** Without this a new name can be lost when the machine stops, though the file's bytes are safe. */
async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders; its file system keeps the order by itself.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
