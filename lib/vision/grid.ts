import { checkFloat } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { whole } from '../geometry.js';
import { floats } from '../ops/op.js';
import { formatShape, sameShape } from '../shape.js';
import { Tensor } from '../tensor.js';
import {
  type Colormap,
  type ColormapName,
  colorAt,
  extent,
  type Rgb,
  resolveColormap,
  resolveRange,
  type ValueRange,
} from './colormap.js';

/** Options of {@link imageGrid}. */
export interface GridOptions {
  /** Images in a row. Default: as many as make the grid about square. */
  columns?: number;
  /** Pixels between images, not magnified. Default 2. */
  gap?: number;
  /** Each pixel becomes a square of so many. Default 1. */
  scale?: number;
  /** Colours for images of one channel. Default 'gray'. Colour images take none. */
  colormap?: ColormapName | Colormap;
  /**
   * Values from black to white, or from the colormap's first colour to its last: [low, high]; 'all': the least and the
   * greatest of all images together, which keeps them comparable; 'each': of every image by itself, which shows its
   * structure. Default [0, 1].
   */
  range?: ValueRange | 'all' | 'each';
  /** Colour of the gaps. Default white. */
  background?: Rgb;
}

/**
 * Lays out images in a grid: a tensor [n, c, h, w], or a list of [c, h, w] or [h, w], all of one size with 1 or 3
 * channels → picture [3, H, W]. Made for learned kernels, feature maps and batches of samples.
 *
 * @throws ArgumentError for an empty list or options out of range; ShapeError when images differ in shape or have another
 *   number of channels
 * @example
 * const { weight } = net.conv1; // [32, 1, 3, 3]
 * await writeImage(imageGrid(weight, { scale: 16, colormap: 'diverging', range: 'all' }), 'kernels.png');
 */
export function imageGrid(images: Tensor | readonly Tensor[], options: GridOptions = {}): Tensor<'float32'> {
  const list = imageList(images);
  const [channels, h, w] = list[0].shape;
  const columns = options.columns ?? Math.ceil(Math.sqrt(list.length));
  const { gap = 2, scale = 1, background = [1, 1, 1] } = options;
  whole('imageGrid', 'columns', columns, 1);
  whole('imageGrid', 'gap', gap, 0);
  whole('imageGrid', 'scale', scale, 1);
  check(
    channels === 1 || options.colormap === undefined,
    'imageGrid',
    () => 'a colormap is for images of one channel, these have 3',
    ArgumentError,
  );
  const map = resolveColormap('imageGrid', options.colormap ?? 'gray');
  const ranges = valueRanges(list, options.range ?? [0, 1], map);
  const rows = Math.ceil(list.length / columns);
  const used = Math.min(columns, list.length);
  const [height, width] = [rows * (h * scale + gap) - gap, used * (w * scale + gap) - gap];
  const picture = new Float32Array(3 * height * width);
  for (let k = 0; k < 3; k++) picture.fill(background[k], k * height * width, (k + 1) * height * width);
  for (const [index, image] of list.entries()) {
    const top = Math.floor(index / columns) * (h * scale + gap);
    const left = (index % columns) * (w * scale + gap);
    const color = pixelColors(image, ranges[index], map);
    for (let y = 0; y < h * scale; y++) {
      for (let x = 0; x < w * scale; x++) {
        const pixel = color(Math.floor(y / scale) * w + Math.floor(x / scale));
        for (let k = 0; k < 3; k++) picture[(k * height + top + y) * width + left + x] = pixel[k];
      }
    }
  }
  return new Tensor('float32', picture, [3, height, width]);
}

/** The images as [c, h, w] each. */
function imageList(images: Tensor | readonly Tensor[]): Tensor[] {
  if (images instanceof Tensor) {
    check(
      images.rank === 4 && images.size > 0,
      'imageGrid',
      () => `images must be [n, c, h, w] with at least one pixel or a list, got ${formatShape(images.shape)}`,
    );
  }
  const list =
    images instanceof Tensor
      ? Array.from({ length: images.shape[0] }, (_, i) =>
          images
            .detach()
            .slice([[i, i + 1]])
            .squeeze(0),
        )
      : images.map((image) => (image.rank === 2 ? image.detach().unsqueeze(0) : image.detach()));
  check(list.length > 0, 'imageGrid', () => 'needs at least one image', ArgumentError);
  const [{ shape }] = list;
  check(
    shape.length === 3 && (shape[0] === 1 || shape[0] === 3) && shape[1] > 0 && shape[2] > 0,
    'imageGrid',
    () => `an image is [3, h, w], [1, h, w] or [h, w], got ${formatShape(shape)}`,
  );
  for (const image of list) {
    checkFloat('imageGrid', image);
    check(
      sameShape(image.shape, shape),
      'imageGrid',
      () => `all images must have one shape, got ${formatShape(shape)} and ${formatShape(image.shape)}`,
    );
  }
  return list;
}

function valueRanges(list: readonly Tensor[], range: ValueRange | 'all' | 'each', map: Colormap): ValueRange[] {
  check(
    Array.isArray(range) || range === 'all' || range === 'each',
    'imageGrid',
    () => `range must be [low, high], finite numbers with low ≤ high, 'all' or 'each', got ${JSON.stringify(range)}`,
    ArgumentError,
  );
  if (range === 'each') return list.map((image) => resolveRange('imageGrid', extent([image]), map));
  const shared = resolveRange('imageGrid', range === 'all' ? extent(list) : range, map);
  return list.map(() => shared);
}

/** The colour of the pixel at a position of an image's planes. */
function pixelColors(image: Tensor, range: ValueRange, map: Colormap): (position: number) => Rgb {
  const values = floats(image);
  const size = image.shape[1] * image.shape[2];
  if (image.shape[0] === 1) return (position) => colorAt(map, range, values[position]);
  const [low, high] = range;
  const stretch = (value: number) => (high > low ? (value - low) / (high - low) : 0.5);
  return (position) => [
    stretch(values[position]),
    stretch(values[size + position]),
    stretch(values[2 * size + position]),
  ];
}
