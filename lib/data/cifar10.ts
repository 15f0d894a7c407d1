import { ArgumentError, ConvforgeError, check } from '../errors.js';
import { Tensor } from '../tensor.js';
import { type DownloadedOptions, type RemoteFile, RemoteFiles } from './datafolder.js';
import { ImageDataset } from './imagedataset.js';
import { readTar } from './tar.js';

/** Options of {@link cifar10}. */
export interface Cifar10Options extends DownloadedOptions {
  /** The 50,000 images for training (default) or the 10,000 for testing. */
  split?: 'train' | 'test';
}

const ARCHIVE: RemoteFile = { name: 'cifar-10-binary.tar.gz', md5: 'c32a1d4ab5d03f1284b67883e8d87530' };
const ADDRESSES = ['https://www.cs.toronto.edu/~kriz'];
/** Folder of the files in the archive. */
const FOLDER = 'cifar-10-batches-bin';
const FILES = {
  train: [1, 2, 3, 4, 5].map((number) => `data_batch_${number}.bin`),
  test: ['test_batch.bin'],
} as const;
const CLASSES = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
const [CHANNELS, SIDE] = [3, 32];
const PIXELS = CHANNELS * SIDE * SIDE;

/**
 * CIFAR-10, photographs of ten kinds of things (Krizhevsky, "Learning multiple layers of features from tiny images", 2009):
 * 50,000 or 10,000 images [3, 32, 32], labels 0 … 9.
 *
 * The archive of the binary version, or its files unpacked, are looked for in `root`, or in `cifar10` inside CONVFORGE_DATA
 * or the user's cache folder, to which the archive is downloaded when it is missing.
 *
 * @throws ArgumentError when the files are not in `root`, for another split or a mirror that is no address; DataError when they
 *   cannot be downloaded; ConvforgeError ERR_FILE_FORMAT for damaged files
 */
export async function cifar10(options: Cifar10Options = {}): Promise<ImageDataset> {
  const { split = 'train' } = options;
  check(
    Object.hasOwn(FILES, split),
    'cifar10',
    () => `split must be train or test, got ${JSON.stringify(split)}`,
    ArgumentError,
  );
  const names: readonly string[] = FILES[split];
  const files = new RemoteFiles('cifar10', 'cifar10', ADDRESSES, options);
  const parts = (await unpacked(files, names)) ?? (await packed(files, names));
  if (parts) return datasetOf(parts);
  await files.fetch(ARCHIVE, `${names[0]} or ${ARCHIVE.name}`);
  return datasetOf((await packed(files, names)) as Uint8Array[]);
}

async function unpacked(files: RemoteFiles, names: readonly string[]): Promise<Uint8Array[] | null> {
  const parts: Uint8Array[] = [];
  for (const name of names) {
    const part = await files.find([name, `${FOLDER}/${name}`], checked);
    if (!part) return null;
    parts.push(part);
  }
  return parts;
}

function packed(files: RemoteFiles, names: readonly string[]): Promise<Uint8Array[] | null> {
  return files.find([ARCHIVE.name], (bytes) => {
    const entries = new Map([...readTar(bytes)].map(({ path, data }) => [path, data]));
    return names.map((name) => {
      const data = entries.get(`${FOLDER}/${name}`);
      if (!data) throw new ConvforgeError('ERR_FILE_FORMAT', `it has no ${FOLDER}/${name}`);
      return checked(data);
    });
  });
}

/** Records of a label and the pixels of an image. */
function checked(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0 || bytes.length % (1 + PIXELS) !== 0) {
    throw new ConvforgeError(
      'ERR_FILE_FORMAT',
      `${bytes.length} bytes are no whole number of records of ${1 + PIXELS}`,
    );
  }
  for (let at = 0; at < bytes.length; at += 1 + PIXELS) {
    if (bytes[at] >= CLASSES.length) {
      throw new ConvforgeError('ERR_FILE_FORMAT', `record ${at / (1 + PIXELS)} has label ${bytes[at]}`);
    }
  }
  return bytes;
}

function datasetOf(parts: readonly Uint8Array[]): ImageDataset {
  const count = parts.reduce((sum, { length }) => sum + length / (1 + PIXELS), 0);
  // in shared memory, so that the workers of a DataLoader have it once
  const pixels = new Uint8Array(new SharedArrayBuffer(count * PIXELS));
  const labels = new Int32Array(count);
  let i = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 1 + PIXELS, i++) {
      labels[i] = part[at];
      pixels.set(part.subarray(at + 1, at + 1 + PIXELS), i * PIXELS);
    }
  }
  const images = new Tensor('uint8', pixels, [count, CHANNELS, SIDE, SIDE]);
  return new ImageDataset(images, new Tensor('int32', labels), CLASSES);
}
