import { extname } from 'node:path';
import type { Sharp } from 'sharp';
import { checkFloat } from '../dtype.js';
import { ArgumentError, ConvforgeError, check } from '../errors.js';
import { floats } from '../ops/op.js';
import { formatShape } from '../shape.js';
import { Tensor } from '../tensor.js';
import { readBytes, writeBytes } from './files.js';
import { loadSharp } from './sharp.js';

/** Options of {@link readImage}. */
export interface ReadImageOptions {
  /** 'rgb' (default): three channels. 'gray': one, the luminance. */
  mode?: 'rgb' | 'gray';
}

const CHANNELS = { rgb: 3, gray: 1 } as const;

/** Formats that pictures are written in. */
export const IMAGE_FORMATS = ['png', 'jpg', 'webp'] as const;
export type ImageFormat = (typeof IMAGE_FORMATS)[number];

/**
 * Reads a picture from a file or from its bytes in memory: JPEG, PNG, WebP, GIF (first frame), AVIF, TIFF or SVG →
 * [channels, h, w] in 0..1. The orientation that a camera noted is applied, transparency is laid on white.
 *
 * @throws ConvforgeError ERR_FILE_FORMAT when the file is missing, damaged or no image; ArgumentError for another mode
 * @example
 * const photo = await readImage('assets/images/china.jpg');
 * photo.shape; // [3, 427, 640]
 */
export async function readImage(
  source: string | Uint8Array,
  options: ReadImageOptions = {},
): Promise<Tensor<'float32'>> {
  const { mode = 'rgb' } = options;
  check(
    Object.hasOwn(CHANNELS, mode),
    'readImage',
    () => `mode must be rgb or gray, got ${JSON.stringify(mode)}`,
    ArgumentError,
  );
  check(
    typeof source === 'string' || source instanceof Uint8Array,
    'readImage',
    () => `source must be a path or the bytes of an image file, got ${source === null ? 'null' : typeof source}`,
    ArgumentError,
  );
  const name = typeof source === 'string' ? source : `the image of ${source.length} bytes`;
  // Bytes rather than the path go to the decoder, which keeps a cache by path and would miss a file that has changed.
  const bytes = typeof source === 'string' ? await readBytes('readImage', source) : source;
  const sharp = await loadSharp();
  try {
    const { data, info } = await sharp(bytes)
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .toColourspace(mode === 'gray' ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return planes(data, info.channels, CHANNELS[mode], info.height, info.width);
  } catch (error) {
    const [reason] = (error as Error).message.trim().split('\n');
    throw new ConvforgeError('ERR_FILE_FORMAT', `readImage: ${name} cannot be decoded: ${reason}`, { cause: error });
  }
}

/** Bytes [h, w, stored], of which the first `channels` count, to numbers [channels, h, w]. */
function planes(bytes: Uint8Array, stored: number, channels: number, h: number, w: number): Tensor<'float32'> {
  const data = new Float32Array(channels * h * w);
  for (let c = 0; c < channels; c++) {
    const plane = c * h * w;
    for (let i = 0; i < h * w; i++) data[plane + i] = bytes[i * stored + c] / 255;
  }
  return new Tensor('float32', data, [channels, h, w]);
}

/**
 * Writes [3, h, w], [1, h, w] or [h, w] with values in 0..1 to a file whose extension names the format: .png, .jpg
 * (.jpeg) or .webp. Values outside 0..1 are clipped, NaN becomes 0.
 *
 * @throws ArgumentError for another extension; ShapeError and DTypeError for a tensor that is no image
 * @example
 * await writeImage(filter2d(photo, 'edges'), 'edges.png');
 */
export async function writeImage(image: Tensor, path: string): Promise<void> {
  await writeBytes('writeImage', path, await encode('writeImage', image, imageFormat('writeImage', path)));
}

/**
 * The bytes of a picture file in the given format; the rest as in {@link writeImage}.
 *
 * @throws ArgumentError for an unknown format; ShapeError and DTypeError for a tensor that is no image
 * @example
 * reply.type('image/png').send(await encodeImage(photo, 'png'));
 */
export async function encodeImage(image: Tensor, format: ImageFormat): Promise<Buffer> {
  return encode('encodeImage', image, format);
}

/** The format that a file's extension stands for. */
export function imageFormat(operation: string, path: string): ImageFormat {
  const extension = extname(path).slice(1).toLowerCase();
  const format = extension === 'jpeg' ? 'jpg' : extension;
  check(
    IMAGE_FORMATS.includes(format as ImageFormat),
    operation,
    () => `the name of an image must end in .png, .jpg, .jpeg or .webp, got ${JSON.stringify(path)}`,
    ArgumentError,
  );
  return format as ImageFormat;
}

async function encode(operation: string, image: Tensor, format: ImageFormat): Promise<Buffer> {
  check(
    IMAGE_FORMATS.includes(format),
    operation,
    () => `format must be one of ${IMAGE_FORMATS.join(', ')}, got ${JSON.stringify(format)}`,
    ArgumentError,
  );
  checkFloat(operation, image);
  const [channels, h, w] = image.rank === 2 ? [1, ...image.shape] : image.shape;
  check(
    (image.rank === 2 || image.rank === 3) && (channels === 1 || channels === 3) && h > 0 && w > 0,
    operation,
    () => `an image is [3, h, w], [1, h, w] or [h, w], got ${formatShape(image.shape)}`,
  );
  const sharp = await loadSharp();
  const picture = sharp(interleave(floats(image), channels, h * w), { raw: { width: w, height: h, channels } });
  return compress(picture, format);
}

/** The file of a picture that sharp holds. */
export function compress(picture: Sharp, format: ImageFormat): Promise<Buffer> {
  if (format === 'png') return picture.png({ compressionLevel: 9 }).toBuffer();
  // Colour at full resolution: filters and heat maps have edges that the usual halving of the colour planes would blur.
  if (format === 'jpg') return picture.jpeg({ quality: 90, chromaSubsampling: '4:4:4' }).toBuffer();
  return picture.webp({ quality: 90 }).toBuffer();
}

/** Planes of numbers in 0..1 to interleaved bytes. Clamped arrays round, clip, and turn NaN into 0. */
function interleave(planes: Float32Array, channels: number, pixels: number): Uint8ClampedArray {
  const bytes = new Uint8ClampedArray(channels * pixels);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < pixels; i++) bytes[i * channels + c] = 255 * planes[c * pixels + i];
  }
  return bytes;
}
