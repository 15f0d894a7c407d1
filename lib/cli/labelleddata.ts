import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset } from '../data/dataset.js';
import {
  cifar10,
  digits,
  fashionMnist,
  type ImageFiles,
  imageFolder,
  mnist,
  randomSplit,
  transforms,
} from '../data/index.js';
import type { Transform } from '../data/transforms/transform.js';
import { ArgumentError, check } from '../errors.js';
import { Generator } from '../random.js';
import type { Shape } from '../shape.js';

/** Images to train and to test on, and what they show. */
export interface LabelledData {
  readonly train: Dataset;
  readonly test: Dataset;
  readonly classes: readonly string[];
  /** Of an image, [c, h, w]. */
  readonly imageShape: Shape;
  /** Applied to all images. */
  readonly prepare: Transform | undefined;
  /** Whether what is mirrored is still what it was. */
  readonly canFlip: boolean;
}

/** Options of {@link openData}. */
export interface OpenDataOptions {
  /** Images are resized and cut to so many pixels square; undefined: they are of one size already. */
  size?: number;
  /** What is held out for testing, where the data has no such part, follows from it. */
  seed: number;
}

const DIGITS = Array.from({ length: 10 }, (_, digit) => String(digit));
const CLOTHES = ['T-shirt', 'trouser', 'pullover', 'dress', 'coat', 'sandal', 'shirt', 'sneaker', 'bag', 'boot'];
/** Share of the images that is held out. */
const HELD_OUT = 0.2;

type Parts = Pick<LabelledData, 'train' | 'test' | 'classes' | 'canFlip'>;

const NAMED: Readonly<Record<string, (seed: number) => Promise<Parts>>> = {
  digits: async (seed) => {
    const [train, test] = (await digits()).stratifiedSplit(HELD_OUT, new Generator(seed));
    return { train, test, classes: DIGITS, canFlip: false };
  },
  mnist: async () => ({ ...(await bothOf(mnist)), classes: DIGITS, canFlip: false }),
  'fashion-mnist': async () => ({ ...(await bothOf(fashionMnist)), classes: CLOTHES, canFlip: true }),
  cifar10: async () => {
    const { train, test } = await bothOf(cifar10);
    return { train, test, classes: train.classes, canFlip: true };
  },
};

const DATA_NAMES = Object.keys(NAMED);

/** Data by its name, or from a folder of images. */
export async function openData(name: string, { size, seed }: OpenDataOptions): Promise<LabelledData> {
  const parts = await (Object.hasOwn(NAMED, name) ? NAMED[name](seed) : fromFolder(name, seed));
  check(
    parts.classes.length > 1,
    '--data',
    () => `${name} has one class, ${parts.classes[0]}: there is nothing to tell apart`,
    ArgumentError,
  );
  const prepare =
    size === undefined
      ? undefined
      : new transforms.Compose([new transforms.Resize(size), new transforms.CenterCrop(size)]);
  const { image } = await parts.test.get(0);
  const imageShape = prepare ? [image.shape[0], size as number, size as number] : image.shape;
  return { ...parts, prepare, imageShape };
}

async function bothOf<D>(load: (options: { split: 'train' | 'test' }) => Promise<D>): Promise<{ train: D; test: D }> {
  return { train: await load({ split: 'train' }), test: await load({ split: 'test' }) };
}

/** `train` and `test` (or `val`) beside each other, as folders or archives; or one folder, a part of which is held out. */
async function fromFolder(root: string, seed: number): Promise<Parts> {
  check(
    (await isThere(root)) !== null,
    '--data',
    () => `must be one of ${DATA_NAMES.join(', ')}, or a folder of images, one folder a class; there is no '${root}'`,
    ArgumentError,
  );
  const train = await partOf(root, 'train');
  if (train === null) {
    const all = await imageFolder(root);
    const [rest, held] = randomSplit(all, [1 - HELD_OUT, HELD_OUT], new Generator(seed));
    check(
      held.length > 0 && rest.length > 0,
      '--data',
      () => `${root} has too few images to hold some out`,
      ArgumentError,
    );
    return { train: rest, test: held, classes: all.classes, canFlip: true };
  }
  const test = (await partOf(root, 'test')) ?? (await partOf(root, 'val')) ?? (await partOf(root, 'valid'));
  check(test !== null, '--data', () => `${root} has a part train, and none called test or val`, ArgumentError);
  check(
    test.classes.join('\n') === train.classes.join('\n'),
    '--data',
    () => `train has the classes ${train.classes.join(', ')}, what is to test it ${test.classes.join(', ')}`,
    ArgumentError,
  );
  return { train, test, classes: train.classes, canFlip: true };
}

async function partOf(root: string, part: string): Promise<ImageFiles | null> {
  for (const ending of ['', '.tar.gz', '.tgz', '.tar']) {
    const path = join(root, part + ending);
    if ((await isThere(path)) === (ending === '' ? 'folder' : 'file')) return imageFolder(path);
  }
  return null;
}

async function isThere(path: string): Promise<'folder' | 'file' | null> {
  const found = await stat(path).catch(() => null);
  return found && (found.isDirectory() ? 'folder' : 'file');
}
