import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ArgumentError, ConvforgeError, check } from '../errors.js';
import { fail } from '../io/files.js';
import { gunzip } from './gunzip.js';
import { type ImageFileOptions, ImageFiles, type ImageList, isImagePath } from './imagefiles.js';
import { readTar, type TarEntry } from './tar.js';

const ARCHIVE = /\.(tar|tar\.gz|tgz)$/i;

/**
 * Images in a folder for each class, as torchvision's ImageFolder reads them: `root/cat/1.jpg`, `root/dog/2.png`. Classes are
 * numbered in the order of their sorted names. JPEG, PNG, WebP, GIF, AVIF and TIFF files are found at any depth and decoded
 * when they are asked for.
 *
 * `root` may also be an archive of such folders, .tar, .tar.gz or .tgz, which is read into memory; folders around those of
 * the classes are skipped.
 *
 * @throws ConvforgeError ERR_FILE_FORMAT when the folder cannot be read; ArgumentError when there are no images in it, or none
 *   in one of the classes
 */
export async function imageFolder(root: string, options: ImageFileOptions = {}): Promise<ImageFiles> {
  const status = await stat(root).catch((error) => fail('imageFolder', root, 'read', error));
  check(
    status.isDirectory() || ARCHIVE.test(root),
    'imageFolder',
    () => `${root} is neither a folder nor an archive .tar, .tar.gz or .tgz`,
    ArgumentError,
  );
  return ImageFiles.of(await (status.isDirectory() ? listFolder(root) : listArchive(root)), options);
}

async function listFolder(root: string): Promise<ImageList> {
  const { folders: classes } = await visibleIn(root);
  const paths: string[] = [];
  /** Notes the images below a folder by their paths from the root, with `/` between folders. */
  const visit = async (folder: string): Promise<void> => {
    const { folders, files } = await visibleIn(join(root, folder));
    for (const name of files) if (isImagePath(name)) paths.push(`${folder}/${name}`);
    for (const name of folders) await visit(`${folder}/${name}`);
  };
  for (const name of classes) await visit(name);
  const classOf = (path: string) => path.slice(0, path.indexOf('/'));
  return { ...classified(root, paths.sort(), classes.sort(), classOf), archive: null };
}

/** Names of what lies in a folder and is not hidden. */
async function visibleIn(folder: string): Promise<{ folders: string[]; files: string[] }> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error) =>
    fail('imageFolder', folder, 'read', error),
  );
  const folders: string[] = [];
  const files: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    ((await isFolder(entry, join(folder, entry.name))) ? folders : files).push(entry.name);
  }
  return { folders, files };
}

/** Whether an entry is a folder, or a link to one. A link that leads nowhere is a file, which then cannot be read. */
async function isFolder(entry: Dirent, path: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return stat(path).then(
    (target) => target.isDirectory(),
    () => false,
  );
}

async function listArchive(root: string): Promise<ImageList> {
  const bytes = await readFile(root).catch((error) => fail('imageFolder', root, 'read', error));
  let entries: TarEntry[];
  try {
    entries = [...readTar(/z$/i.test(root) ? await gunzip(bytes) : bytes)];
  } catch (cause) {
    const { message } = cause as Error;
    throw new ConvforgeError('ERR_FILE_FORMAT', `imageFolder: ${root} is damaged: ${message}`, { cause });
  }
  const images = entries
    .map(({ path, data }) => ({ path: path.replace(/^(\.\/)+/, ''), data }))
    .filter(({ path }) => isImagePath(path) && path.includes('/'))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const paths = images.map(({ path }) => path);
  const depth = sharedFolders(paths);
  const classOf = (path: string) => path.split('/')[depth];
  const classes = [...new Set(paths.map(classOf))].sort();
  const begins = new Float64Array(images.length);
  const ends = new Float64Array(images.length);
  const files = new Uint8Array(new SharedArrayBuffer(images.reduce((sum, { data }) => sum + data.length, 0)));
  let at = 0;
  images.forEach(({ data }, i) => {
    begins[i] = at;
    files.set(data, at);
    at += data.length;
    ends[i] = at;
  });
  return { ...classified(root, paths, classes, classOf), archive: { bytes: files, begins, ends } };
}

/** Number of folders that all images have in common, less than the one that names the class. */
function sharedFolders(paths: readonly string[]): number {
  if (paths.length === 0) return 0;
  const folders = paths.map((path) => path.split('/').slice(0, -1));
  const shallowest = Math.min(...new Set(folders.map(({ length }) => length)));
  let depth = 0;
  while (depth < shallowest - 1 && folders.every((each) => each[depth] === folders[0][depth])) depth++;
  return depth;
}

function classified(
  root: string,
  paths: readonly string[],
  classes: readonly string[],
  classOf: (path: string) => string,
): Omit<ImageList, 'archive'> {
  check(paths.length > 0, 'imageFolder', () => `there are no images in folders of ${root}`, ArgumentError);
  const numbers = new Map(classes.map((name, number) => [name, number]));
  const labels = Int32Array.from(paths, (path) => numbers.get(classOf(path)) as number);
  const found = new Set(labels);
  const empty = classes.filter((_, number) => !found.has(number));
  check(
    empty.length === 0,
    'imageFolder',
    () => `there are no images of the class${empty.length > 1 ? 'es' : ''} ${empty.join(', ')} in ${root}`,
    ArgumentError,
  );
  return { operation: 'imageFolder', root, paths, labels, classes };
}
