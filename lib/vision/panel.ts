import { ArgumentError, check } from '../errors.js';
import { encodeImage } from '../io/image.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { extent } from './colormap.js';
import { type GridOptions, imageGrid } from './grid.js';
import { MUTED, round, svgDocument, text, textWidth } from './svg.js';

/** One row of an {@link imagePanel}. */
export interface PanelRow extends Pick<GridOptions, 'colormap' | 'range'> {
  /** Stands left of the images, such as 'conv1 8@8×8'. Line breaks are kept. */
  title: string;
  /** The images, each [3, h, w], [1, h, w] or [h, w]. Those that do not fit into the width go to a further line. */
  images: readonly Tensor[];
  /** One line of text below each image. Default none. */
  captions?: readonly string[];
  /** Height of each image in the drawing. Default that of the panel. */
  imageHeight?: number;
}

/** Options of {@link imagePanel}. */
export interface PanelOptions {
  title?: string;
  rows: readonly PanelRow[];
  /** Height of the images in the drawing, in pixels, however many they have themselves. Default 64. */
  imageHeight?: number;
  /** Width up to which images stand side by side. Default 960. */
  width?: number;
}

const MARGIN = 20;
const GAP = 6;
const ROW_GAP = 18;
const LINE_HEIGHT = 16;
/** Drawing pixels are shown as two or more on a good screen, and `savePicture` writes two. */
const DENSITY = 2;

/**
 * Rows of images with a title left of each, as an SVG drawing that holds the images: the feature maps of a network layer
 * by layer, kernels, samples with what was read in them.
 *
 * @throws ArgumentError when there is no image or captions are not as many as images; the rest as in {@link imageGrid}
 * @example
 * const svg = await imagePanel({
 *   title: 'One digit, layer by layer',
 *   rows: [{ title: 'input', images: [digit] }, { title: 'conv1 8@8×8', images: maps, colormap: 'sequential', range: 'all' }],
 * });
 */
export async function imagePanel(options: PanelOptions): Promise<string> {
  const { title = '', rows, imageHeight = 64, width = 960 } = options;
  check(rows.length > 0, 'imagePanel', () => 'needs at least one row', ArgumentError);
  for (const height of [imageHeight, ...rows.map((row) => row.imageHeight ?? imageHeight)]) {
    check(
      Number.isFinite(height) && height > 0,
      'imagePanel',
      () => `imageHeight must be a number of pixels above 0, got ${height}`,
      ArgumentError,
    );
  }
  for (const { images, captions, title: name } of rows) {
    check(images.length > 0, 'imagePanel', () => `row '${name}' needs at least one image`, ArgumentError);
    check(
      !captions || captions.length === images.length,
      'imagePanel',
      () => `row '${name}' has ${captions?.length} captions for ${images.length} images`,
      ArgumentError,
    );
  }
  const titleWidth = Math.max(...rows.flatMap((row) => row.title.split('\n').map((part) => textWidth(part))));
  const left = MARGIN + (titleWidth ? titleWidth + 14 : 0);
  const body: string[] = [];
  let [y, reach] = [MARGIN, MARGIN + textWidth(title, 17)];
  if (title) {
    body.push(text(MARGIN, y + 14, title, { size: 17, bold: true }));
    y += 36;
  }
  for (const row of rows) {
    const titleLines = row.title.split('\n');
    for (const [i, part] of titleLines.entries()) {
      body.push(text(MARGIN, y + LINE_HEIGHT * (i + 1) - 3, part, i > 0 ? { color: MUTED } : {}));
    }
    const images = await pictures(row, row.imageHeight ?? imageHeight);
    const imageLine = Math.max(...images.map(({ height }) => height));
    const lineHeight = imageLine + (row.captions ? LINE_HEIGHT : 0);
    const rowTop = y;
    let x = left;
    for (const [i, image] of images.entries()) {
      const caption = row.captions?.[i] ?? '';
      const slot = Math.max(image.width, textWidth(caption, 11));
      if (x > left && x + slot > width - MARGIN) {
        x = left;
        y += lineHeight + GAP;
      }
      const middle = x + slot / 2;
      body.push(imageElement(middle - image.width / 2, y, image));
      if (caption) body.push(text(middle, y + imageLine + 13, caption, { size: 11, anchor: 'middle', color: MUTED }));
      x += slot + GAP;
      reach = Math.max(reach, x - GAP);
    }
    y = Math.max(y + lineHeight, rowTop + LINE_HEIGHT * titleLines.length) + ROW_GAP;
  }
  return svgDocument(reach + MARGIN, y - ROW_GAP + MARGIN, body);
}

interface Picture {
  width: number;
  height: number;
  isMagnified: boolean;
  png: Buffer;
}

/**
 * Pixels become whole squares at the drawing's density, so that they stay sharp; that leaves an image a little lower than
 * asked for. Larger images are scaled down by whoever shows the drawing.
 */
async function pictures({ title, images, colormap, range }: PanelRow, height: number): Promise<Picture[]> {
  const shared = range === 'all' ? extent(images) : range;
  return Promise.all(
    images.map(async (image) => {
      check(
        image.rank >= 2 && image.size > 0,
        'imagePanel',
        () => `an image of row '${title}' is not [c, h, w] or [h, w] but ${formatShape(image.shape)}`,
      );
      const [h, w] = image.shape.slice(-2);
      const scale = Math.floor((DENSITY * height) / h);
      const png = await encodeImage(imageGrid([image], { colormap, range: shared, scale: Math.max(1, scale) }), 'png');
      const shown = scale >= 1 ? (h * scale) / DENSITY : height;
      return { width: (w * shown) / h, height: shown, isMagnified: scale >= 1, png };
    }),
  );
}

function imageElement(x: number, y: number, { width, height, isMagnified, png }: Picture): string {
  const place = `x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"`;
  const rendering = isMagnified ? ' image-rendering="pixelated"' : '';
  return `<image ${place}${rendering} preserveAspectRatio="none" href="data:image/png;base64,${png.toString('base64')}"/>`;
}
