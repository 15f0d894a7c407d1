import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ArgumentError, ConvforgeError, check } from '../errors.js';
import { type DownloadOptions, download } from './download.js';
import { gunzip } from './gunzip.js';

/** Options of the datasets that are downloaded. */
export interface DownloadedOptions {
  /**
   * Folder of the files. Default: the dataset's folder inside the one that the environment variable CONVFORGE_DATA names, or
   * inside the user's cache folder.
   */
  root?: string;
  /** Download what is missing. Default: only where `root` is not given. */
  download?: boolean;
  /** Address of a folder with the same files, to download from instead of the original one. */
  mirror?: string;
  /** Called as bytes of a download arrive. */
  onProgress?: DownloadOptions['onProgress'];
  /** Stops a download. */
  signal?: AbortSignal;
}

/** A file of a dataset and where it comes from. */
export interface RemoteFile {
  readonly name: string;
  readonly md5: string;
}

/** Where datasets are kept: the folder CONVFORGE_DATA, or the user's cache folder. */
export function dataFolder(dataset: string): string {
  if (process.env.CONVFORGE_DATA) return join(process.env.CONVFORGE_DATA, dataset);
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  const caches: Partial<Record<NodeJS.Platform, string>> = {
    darwin: join(homedir(), 'Library', 'Caches'),
    win32: LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'),
  };
  return join(caches[process.platform] ?? XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'convforge', dataset);
}

/** A dataset whose files lie in a folder, or can be downloaded to it. */
export class RemoteFiles {
  readonly #dataset: string;
  readonly #addresses: readonly string[];
  readonly #options: DownloadedOptions;
  readonly folder: string;

  constructor(dataset: string, folder: string, addresses: readonly string[], options: DownloadedOptions) {
    check(
      options.mirror === undefined || URL.canParse(options.mirror),
      dataset,
      () => `mirror must be an address such as https://…, got ${JSON.stringify(options.mirror)}`,
      ArgumentError,
    );
    this.#dataset = dataset;
    this.#addresses = options.mirror === undefined ? addresses : [options.mirror];
    this.#options = options;
    this.folder = options.root ?? dataFolder(folder);
  }

  /** What `parse` makes of the first of these files that is there, unpacked where its name ends in .gz; null for none. */
  async find<T>(names: readonly string[], parse: (bytes: Buffer, file: string) => T): Promise<T | null> {
    for (const name of names) {
      const file = join(this.folder, name);
      const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
        throw error;
      });
      if (!bytes) continue;
      try {
        return parse(name.endsWith('.gz') ? await gunzip(bytes) : bytes, file);
      } catch (error) {
        throw new ConvforgeError(
          'ERR_FILE_FORMAT',
          `${this.#dataset}: ${file} is damaged: ${(error as Error).message}`,
          { cause: error },
        );
      }
    }
    return null;
  }

  /** Downloads a file, or says that it is missing: under its name, or as `others` describes what would do as well. */
  async fetch(file: RemoteFile, others: string): Promise<void> {
    const { root, download: isWanted = root === undefined, onProgress, signal } = this.#options;
    if (!isWanted) {
      throw new ArgumentError(`${this.#dataset}: there is no ${others} in ${this.folder}`);
    }
    const urls = this.#addresses.map((address) => new URL(file.name, address.replace(/\/*$/, '/')).href);
    await download(urls, join(this.folder, file.name), { md5: file.md5, onProgress, signal });
  }
}
