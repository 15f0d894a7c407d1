import { ArgumentError, ConvforgeError, check } from '../errors.js';
import { Tensor } from '../tensor.js';
import { type DownloadedOptions, type RemoteFile, RemoteFiles } from './datafolder.js';
import { type IdxArray, readIdx } from './idx.js';
import { TensorDataset } from './tensordataset.js';
import { scaled } from './transforms/convert.js';

/** Options of {@link mnist} and {@link fashionMnist}. */
export interface MnistOptions extends DownloadedOptions {
  /** The 60,000 images for training (default) or the 10,000 for testing. */
  split?: 'train' | 'test';
}

/** Datasets in MNIST's four files; the checksums are those that the sources publish. */
const SETS = {
  mnist: {
    folder: 'mnist',
    addresses: ['https://ossci-datasets.s3.amazonaws.com/mnist', 'http://yann.lecun.com/exdb/mnist'],
    train: ['f68b3c2dcbeaaa9fbdd348bbdeb94873', 'd53e105ee54ea40749a09fcbcd1e9432'],
    test: ['9fb629c4189551a2d022fa330f9573f3', 'ec29112dd5afa0611ce80d1b7f02629c'],
  },
  fashionMnist: {
    folder: 'fashion-mnist',
    addresses: ['http://fashion-mnist.s3-website.eu-central-1.amazonaws.com'],
    train: ['8d4fb7e6c68d591d4c3dfef9ec88bf0d', '25c81989df183df01b3e8a0aad5dffbe'],
    test: ['bef4ecab320f06d8554ea6380940ec79', 'bb300cfdad3c16e7a12a480ee83cd310'],
  },
} as const;

const PREFIXES = { train: 'train', test: 't10k' } as const;

/**
 * MNIST, handwritten digits (LeCun, Cortes, Burges): images [60000 or 10000, 1, 28, 28] in 0 … 1, labels 0 … 9.
 *
 * The four original files, packed or unpacked, are looked for in `root`, or in `mnist` inside CONVFORGE_DATA or the user's
 * cache folder, to which they are downloaded when they are missing.
 *
 * @throws ArgumentError when a file is not in `root`, for another split or a mirror that is no address; DataError when it cannot
 *   be downloaded; ConvforgeError ERR_FILE_FORMAT for damaged files
 */
export async function mnist(options: MnistOptions = {}): Promise<TensorDataset> {
  return load('mnist', options);
}

/**
 * Fashion-MNIST, articles of clothing (Xiao, Rasul, Vollgraf): images [60000 or 10000, 1, 28, 28] in 0 … 1, labels 0 … 9:
 * T-shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot.
 *
 * The files have the names of MNIST's, in a folder `fashion-mnist`; the rest as in {@link mnist}.
 *
 * @throws ArgumentError when a file is not in `root`, for another split or a mirror that is no address; DataError when it cannot
 *   be downloaded; ConvforgeError ERR_FILE_FORMAT for damaged files
 */
export async function fashionMnist(options: MnistOptions = {}): Promise<TensorDataset> {
  return load('fashionMnist', options);
}

async function load(name: keyof typeof SETS, options: MnistOptions): Promise<TensorDataset> {
  const { split = 'train' } = options;
  check(
    Object.hasOwn(PREFIXES, split),
    name,
    () => `split must be train or test, got ${JSON.stringify(split)}`,
    ArgumentError,
  );
  const { folder, addresses, [split]: checksums } = SETS[name];
  const files = new RemoteFiles(name, folder, addresses, options);
  const [imageFile, labelFile] = [`${PREFIXES[split]}-images-idx3-ubyte`, `${PREFIXES[split]}-labels-idx1-ubyte`];
  // One after the other, so that the same file is named each time when several are missing.
  const images = await read(files, imageFile, checksums[0]);
  const labels = await read(files, labelFile, checksums[1]);
  const [count, h, w] = images.shape;
  if (images.shape.length !== 3 || labels.shape.length !== 1 || labels.shape[0] !== count) {
    throw new ConvforgeError('ERR_FILE_FORMAT', `${name}: ${imageFile} and ${labelFile} do not belong together`);
  }
  // in shared memory, so that the workers of a DataLoader have it once
  const pixels = scaled(images.data, new Float32Array(new SharedArrayBuffer(4 * images.data.length)));
  return new TensorDataset(
    new Tensor('float32', pixels, [count, 1, h, w]),
    new Tensor('int32', Int32Array.from(labels.data)),
  );
}

async function read(files: RemoteFiles, name: string, md5: string): Promise<IdxArray> {
  const packed: RemoteFile = { name: `${name}.gz`, md5 };
  const find = () => files.find([packed.name, name], readIdx);
  const found = await find();
  if (found) return found;
  await files.fetch(packed, `${name} or ${name}.gz`);
  return (await find()) as IdxArray;
}
