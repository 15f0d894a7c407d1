import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { ArgumentError, ConvforgeError } from '../errors.js';
import { Tensor } from '../tensor.js';
import { readIdx } from './idx.js';
import { TensorDataset } from './tensordataset.js';

/** Options of {@link mnist}. */
export interface MnistOptions {
  /** The 60,000 images for training (default) or the 10,000 for testing. */
  split?: 'train' | 'test';
  /**
   * Folder with the four original files (`train-images-idx3-ubyte.gz` …, packed or unpacked). Default: `mnist` inside the
   * folder that the environment variable CONVFORGE_DATA names.
   */
  root?: string;
}

const FILES = {
  train: ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte'],
  test: ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'],
} as const;

/**
 * MNIST, handwritten digits (LeCun, Cortes, Burges): images [60000 or 10000, 1, 28, 28] in 0 … 1, labels 0 … 9.
 *
 * @throws ArgumentError when no folder is given or a file is not there; ConvforgeError ERR_FILE_FORMAT for damaged files
 */
export async function mnist({ split = 'train', root }: MnistOptions = {}): Promise<TensorDataset> {
  const folder = root ?? (process.env.CONVFORGE_DATA && join(process.env.CONVFORGE_DATA, 'mnist'));
  if (!folder) {
    throw new ArgumentError('mnist: give { root } or set CONVFORGE_DATA to the folder that holds a folder mnist');
  }
  const [imageFile, labelFile] = FILES[split];
  // One after the other, so that the same file is named each time when several are missing.
  const images = await load(folder, imageFile);
  const labels = await load(folder, labelFile);
  const [count, h, w] = images.shape;
  if (images.shape.length !== 3 || labels.shape.length !== 1 || labels.shape[0] !== count) {
    throw new ConvforgeError('ERR_FILE_FORMAT', `mnist: ${imageFile} and ${labelFile} do not belong together`);
  }
  const pixels = Float32Array.from(images.data, (value) => value / 255);
  return new TensorDataset(
    new Tensor('float32', pixels, [count, 1, h, w]),
    new Tensor('int32', Int32Array.from(labels.data)),
  );
}

async function load(folder: string, name: string) {
  for (const file of [join(folder, `${name}.gz`), join(folder, name)]) {
    const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (!bytes) continue;
    try {
      return readIdx(file.endsWith('.gz') ? gunzipSync(bytes) : bytes);
    } catch (error) {
      throw new ConvforgeError('ERR_FILE_FORMAT', `mnist: ${file} is damaged: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
  throw new ArgumentError(`mnist: there is no ${name} or ${name}.gz in ${folder}`);
}
