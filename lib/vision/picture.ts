import { extname } from 'node:path';
import { ArgumentError, ConvforgeError, check } from '../errors.js';
import { writeBytes } from '../io/files.js';
import { compress, imageFormat, writeImage } from '../io/image.js';
import { loadSharp } from '../io/sharp.js';
import { Tensor } from '../tensor.js';

/** SVG's own resolution is 72 dots per inch; twice that is sharp on today's screens. */
const SVG_DENSITY = 144;

/**
 * Saves a picture: an SVG drawing (from `lineChart`, `confusionMatrixPicture`, `imagePanel`) or an image tensor. A
 * drawing goes to .svg as it is, or to .png, .jpg or .webp with two dots a pixel, its text in this machine's fonts; a
 * tensor as with {@link writeImage}.
 *
 * @throws ArgumentError when the extension is none of these, or .svg for a tensor; ConvforgeError ERR_FILE_FORMAT when
 *   the drawing cannot be read or the file cannot be written
 * @example
 * await savePicture('training.svg', lineChart({ series: [{ name: 'loss', values: losses }] }));
 */
export async function savePicture(path: string, picture: string | Tensor): Promise<void> {
  if (picture instanceof Tensor) return writeImage(picture, path);
  check(
    typeof picture === 'string' && picture.trimStart().startsWith('<svg'),
    'savePicture',
    () => 'picture must be an SVG drawing, which starts with <svg, or a tensor',
    ArgumentError,
  );
  if (extname(path).toLowerCase() === '.svg') return writeBytes('savePicture', path, picture);
  const format = imageFormat('savePicture', path);
  const sharp = await loadSharp();
  const drawing = sharp(Buffer.from(picture), { density: SVG_DENSITY }).flatten({ background: '#ffffff' });
  const bytes = await compress(drawing, format).catch((error: Error) => {
    const [reason] = error.message.trim().split('\n');
    throw new ConvforgeError('ERR_FILE_FORMAT', `savePicture: the drawing cannot be rendered: ${reason}`, {
      cause: error,
    });
  });
  await writeBytes('savePicture', path, bytes);
}
