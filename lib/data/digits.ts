import { readFile } from 'node:fs/promises';
import { ConvforgeError } from '../errors.js';
import { Tensor } from '../tensor.js';
import { gunzip } from './gunzip.js';
import { TensorDataset } from './tensordataset.js';

const SIDE = 8;
const PIXELS = SIDE * SIDE;
/** Pixels are counts of dark sub-pixels in blocks of 4×4. */
const BRIGHTEST = 16;

/**
 * The 1,797 real handwritten digits that come with the package: images [1797, 1, 8, 8] in 0 … 1, labels 0 … 9.
 *
 * Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998
 * (its test set), CC BY 4.0.
 *
 * @throws ConvforgeError ERR_FILE_FORMAT when the file in the package is damaged
 * @example
 * const { images } = await digits();
 * images.shape; // [1797, 1, 8, 8]
 */
export async function digits(): Promise<TensorDataset> {
  const file = new URL('../../assets/digits/digits.csv.gz', import.meta.url);
  const rows = (await gunzip(await readFile(file))).toString('ascii').trimEnd().split('\n');
  const images = new Float32Array(rows.length * PIXELS);
  const labels = new Int32Array(rows.length);
  rows.forEach((row, i) => {
    const numbers = row.split(',').map(Number);
    if (numbers.length !== PIXELS + 1 || numbers.some((v) => !(v >= 0 && v <= BRIGHTEST))) {
      throw new ConvforgeError('ERR_FILE_FORMAT', `digits: line ${i + 1} is not 64 values from 0 to 16 and a label`);
    }
    for (let p = 0; p < PIXELS; p++) images[i * PIXELS + p] = numbers[p] / BRIGHTEST;
    labels[i] = numbers[PIXELS];
  });
  return new TensorDataset(new Tensor('float32', images, [rows.length, 1, SIDE, SIDE]), new Tensor('int32', labels));
}
