import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { ones, rand, tensor, zeros } from '../lib/index.js';
import {
  applyColormap,
  colormaps,
  confusionMatrixPicture,
  drawBox,
  encodeImage,
  imageGrid,
  imagePanel,
  lineChart,
  overlayHeatmap,
  savePicture,
} from '../lib/vision/index.js';

const folder = mkdtempSync(join(tmpdir(), 'convforge-pictures-'));
afterAll(() => rmSync(folder, { recursive: true }));
const inFolder = (name: string) => join(folder, name);

/** Pixels of red, green and blue as sharp reads them from an encoded picture. */
const decode = async (bytes: Buffer) => [...(await sharp(bytes).removeAlpha().raw().toBuffer())];
/** An error of exactly this message. */
const saying = (message: string) => expect.objectContaining({ message });

describe('colormaps', () => {
  const luminance = ([r, g, b]: readonly number[]) => {
    const [lr, lg, lb] = [r, g, b].map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * lr + 0.7152 * lg + 0.0722 * lb;
  };

  it('get steadily lighter, the diverging one towards its middle', () => {
    for (const name of ['gray', 'sequential', 'heat'] as const) {
      const light = colormaps[name].colors.map(luminance);
      for (let i = 1; i < light.length; i++) expect(light[i]).toBeGreaterThan(light[i - 1]);
    }
    const light = colormaps.diverging.colors.map(luminance);
    for (let i = 1; i < 128; i++) {
      expect(light[i]).toBeGreaterThan(light[i - 1]);
      expect(light[255 - i]).toBeGreaterThan(light[256 - i]);
    }
  });

  it('map the range, its ends, and what lies outside', () => {
    const x = tensor([[-5, 0, 0.5, 1, 9, Number.NaN]]);
    const gray = applyColormap(x, { colormap: 'gray', range: [0, 1] });
    expect(gray.shape).toEqual([3, 1, 6]);
    expect(gray.slice([[0, 1]]).toArray()).toEqual([tensor([[0, 0, 128 / 255, 1, 1, 0]]).toArray()]);
    const signed = applyColormap(tensor([[-1, 0, 4]]), { colormap: 'diverging' });
    const [blue, white, red] = [0, 1, 2].map((i) => [0, 1, 2].map((k) => signed.data[k * 3 + i]));
    expect(Math.min(...white)).toBeGreaterThan(0.9);
    expect(red[0]).toBeGreaterThan(red[2]);
    expect(blue[2]).toBeGreaterThan(blue[0]);
    const own = { colors: [[1, 0, 0]] as const, diverging: false };
    expect(applyColormap(zeros([1, 1, 2]), { colormap: own }).toArray()).toEqual([[[1, 1]], [[0, 0]], [[0, 0]]]);
  });

  it('say what is wrong', () => {
    expect(() => applyColormap(zeros([3, 2, 2]))).toThrow(
      saying('applyColormap: x must be [h, w] or [1, h, w], got [3, 2, 2]'),
    );
    expect(() => applyColormap(zeros([2, 2]), { colormap: 'jet' as never })).toThrow(
      saying(
        'applyColormap: colormap must be one of gray, sequential, heat, diverging or { colors, diverging }, got "jet"',
      ),
    );
    expect(() => applyColormap(zeros([2, 2]), { range: [1, 0] })).toThrow(
      saying('applyColormap: range must be [low, high], finite numbers with low ≤ high, got [1,0]'),
    );
  });
});

describe('overlayHeatmap and drawBox', () => {
  it('shows a score at the middle of its window, and boxes around peaks', () => {
    const scene = zeros([1, 9, 9]);
    const map = zeros([5, 5]);
    map.data[2 * 5 + 3] = 1;
    const picture = overlayHeatmap(scene, map, { opacity: 1, range: [0, 1] });
    expect(picture.shape).toEqual([3, 9, 9]);
    const red = Array.from(picture.data.subarray(0, 81));
    expect(red.indexOf(Math.max(...red))).toBe((2 + 2) * 9 + 3 + 2);
    expect(red.filter((value) => value > 0)).toHaveLength(1);
    const boxed = overlayHeatmap(scene, map, { peaks: [{ row: 2, column: 3, score: 1 }] });
    const at = (row: number, column: number) => boxed.data[row * 9 + column];
    for (const [row, column] of [
      [2, 3],
      [2, 7],
      [6, 3],
      [6, 7],
      [4, 3],
    ])
      expect(at(row, column)).toBe(1);
    expect(at(0, 0)).toBe(0);
  });

  it('keeps the scene in grey where scores are low', () => {
    const scene = tensor([[[0.5]], [[0.25]], [[0]]]);
    const picture = overlayHeatmap(scene, zeros([1, 1]), { range: [0, 1] });
    expect(new Set(picture.data).size).toBe(1);
    const signed = overlayHeatmap(ones([1, 1]), tensor([[-1]]), { colormap: 'diverging', range: [-1, 1], opacity: 1 });
    expect(signed.data[2]).toBeGreaterThan(signed.data[0]);
    const framed = overlayHeatmap(zeros([3, 3]), tensor([[-1]]), { colormap: 'diverging' });
    expect(Array.from(framed.data).filter((value) => value > 0)).toHaveLength(3);
  });

  it('say what is wrong', () => {
    const scene = zeros([3, 4, 4]);
    expect(() => overlayHeatmap(zeros([2, 4, 4]), zeros([2, 2]))).toThrow(
      saying('overlayHeatmap: scene must be [3, h, w], [1, h, w] or [h, w], got [2, 4, 4]'),
    );
    expect(() => overlayHeatmap(scene, zeros([5, 2]))).toThrow(
      saying(
        'overlayHeatmap: map must be [oh, ow], not empty and not larger than the scene, got [5, 2] for a scene of 4×4',
      ),
    );
    expect(() => overlayHeatmap(scene, zeros([2, 2]), { opacity: 2 })).toThrow(
      saying('overlayHeatmap: opacity must be a number from 0 to 1, got 2'),
    );
    expect(() => drawBox(zeros([4, 4]), { row: 0, column: 0, height: 1, width: 1 }, [1, 1, 1])).toThrow(
      saying('drawBox: picture must be [3, h, w], got [4, 4]'),
    );
    expect(() => drawBox(scene, { row: 0.5, column: 0, height: 1, width: 1 }, [1, 1, 1])).toThrow(
      saying(
        'drawBox: row, column, height, width and thickness must be integers, the last three at least 1, got 0.5, 0, 1, 1, 2',
      ),
    );
  });

  it('draws only inside the picture', () => {
    const picture = zeros([3, 3, 3]);
    drawBox(picture, { row: -2, column: 1, height: 4, width: 9 }, [1, 0, 0], 1);
    expect(picture.slice([[0, 1]]).toArray()).toEqual([
      tensor([
        [0.1, 1, 0.1],
        [0.1, 1, 1],
        [0.1, 0.1, 0.1],
      ]).toArray(),
    ]);
  });
});

describe('imageGrid', () => {
  it('magnifies, leaves gaps and fills up the last row with paper', () => {
    const grid = imageGrid(tensor([[[[0]]], [[[0.2]]], [[[0.4]]]]), { columns: 2, gap: 1, scale: 2 });
    expect(grid.shape).toEqual([3, 5, 5]);
    const [a, b, c] = [0, 51 / 255, 102 / 255].map(Math.fround);
    expect(grid.slice([[0, 1]]).toArray()).toEqual([
      [
        [a, a, 1, b, b],
        [a, a, 1, b, b],
        [1, 1, 1, 1, 1],
        [c, c, 1, 1, 1],
        [c, c, 1, 1, 1],
      ],
    ]);
  });

  it('spans each image, all of them, or a given range', () => {
    const images = [tensor([[1, 2]]), tensor([[3, 5]])];
    const red = (range: 'each' | 'all' | [number, number]) =>
      Array.from(imageGrid(images, { gap: 0, range }).data.subarray(0, 4), (v) => Math.round(v * 255));
    expect(red('each')).toEqual([0, 255, 0, 255]);
    expect(red('all')).toEqual([0, 64, 128, 255]);
    expect(red([1, 2])).toEqual([0, 255, 255, 255]);
    const color = imageGrid([ones([3, 1, 1]).mul(0.25)], { range: [0, 0.5] });
    expect(color.toArray()).toEqual([[[0.5]], [[0.5]], [[0.5]]]);
  });

  it('says what is wrong', () => {
    expect(() => imageGrid([])).toThrow(saying('imageGrid: needs at least one image'));
    expect(() => imageGrid(zeros([3, 2, 2]))).toThrow(
      saying('imageGrid: images must be [n, c, h, w] with at least one pixel or a list, got [3, 2, 2]'),
    );
    expect(() => imageGrid([zeros([2, 2, 2])])).toThrow(
      saying('imageGrid: an image is [3, h, w], [1, h, w] or [h, w], got [2, 2, 2]'),
    );
    expect(() => imageGrid([zeros([2, 2]), zeros([2, 3])])).toThrow(
      saying('imageGrid: all images must have one shape, got [1, 2, 2] and [1, 2, 3]'),
    );
    expect(() => imageGrid([zeros([2, 2])], { columns: 0 })).toThrow(
      saying('imageGrid: columns must be an integer of at least 1, got 0'),
    );
    expect(() => imageGrid([zeros([2, 2])], { gap: -1 })).toThrow(
      saying('imageGrid: gap must be an integer of at least 0, got -1'),
    );
    expect(() => imageGrid([zeros([2, 2])], { scale: 1.5 })).toThrow(
      saying('imageGrid: scale must be an integer of at least 1, got 1.5'),
    );
    expect(() => imageGrid([zeros([3, 2, 2])], { colormap: 'heat' })).toThrow(
      saying('imageGrid: a colormap is for images of one channel, these have 3'),
    );
    expect(() => imageGrid([zeros([2, 2])], { range: 'some' as never })).toThrow(
      saying(`imageGrid: range must be [low, high], finite numbers with low ≤ high, 'all' or 'each', got "some"`),
    );
  });
});

describe('lineChart', () => {
  const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, content]) => content);

  it('labels axes with round numbers', () => {
    const svg = lineChart({
      title: 'loss & <accuracy>',
      xLabel: 'epoch',
      yLabel: 'loss',
      rightLabel: '%',
      series: [
        { name: 'loss', values: [2.3, 1.1, 0.4, 0.21, 0.1] },
        { name: 'accuracy', values: [31, 60, 85, 93, 97.5], axis: 'right' },
      ],
    });
    expect(texts(svg)).toEqual([
      ...['loss &amp; &lt;accuracy&gt;', 'loss', 'accuracy (right)', 'loss', '%'],
      ...['0', '0.5', '1.0', '1.5', '2.0', '2.5'],
      ...['20', '40', '60', '80', '100'],
      ...['1', '2', '3', '4', '5', 'epoch'],
    ]);
    expect(svg.match(/<path/g)).toHaveLength(2);
  });

  it('draws gaps, single points, constants, tiny and huge values', async () => {
    const svg = lineChart({
      series: [
        { name: 'gaps', values: [Number.NaN, 3e-7, Number.NaN, 2.5e-6, 1e-6], x: [1, 2.5, 3, 4, 5] },
        { name: 'constant', values: [1e-6] },
      ],
    });
    expect(svg).not.toContain('NaN');
    expect(texts(svg)).toContain('2.5e-6');
    for (const values of [[0], [7], [-4e9, 3e9], Array.from({ length: 200_000 }, (_, i) => Math.sin(i))]) {
      expect(lineChart({ series: [{ name: 'one', values, axis: 'right' }] })).not.toMatch(/NaN|Infinity/);
    }
    await savePicture(inFolder('chart.png'), svg);
    const { width, height } = await sharp(inFolder('chart.png')).metadata();
    expect([width, height]).toEqual([1440, 800]);
  });

  it('says what is wrong', () => {
    const one = { name: 'a', values: [1] };
    expect(() => lineChart({ series: [] })).toThrow(saying('lineChart: needs at least one series'));
    expect(() => lineChart({ series: [{ name: 'a', values: [Number.NaN] }] })).toThrow(
      saying("lineChart: series 'a' has no finite value to draw"),
    );
    expect(() => lineChart({ series: [{ ...one, x: [1, 2] }] })).toThrow(
      saying("lineChart: x of series 'a' must be 1 finite numbers, one for each value"),
    );
    expect(() => lineChart({ series: [one], width: 100 })).toThrow(
      saying('lineChart: width and height must be at least 200 pixels, got 100 and 400'),
    );
  });
});

describe('confusionMatrixPicture, imagePanel and savePicture', () => {
  it('draws counts, recall and precision', () => {
    const svg = confusionMatrixPicture(
      [
        [48, 2, 0],
        [1, 49, 0],
        [0, 0, 0],
      ],
      ['cat', 'dog', 'a very long name'],
    );
    for (const content of ['Accuracy 97.0 %: 97 of 100', '48', '2', '96.0 %', '98.0 %', '–', 'a very long name']) {
      expect(svg).toContain(`>${content}<`);
    }
    const many = Array.from({ length: 500 }, (_, i) => `${i}`);
    expect(
      confusionMatrixPicture(
        many.map(() => many.map(() => 0)),
        many,
      ),
    ).toContain('Accuracy –: 0 of 0');
    expect(() => confusionMatrixPicture([[1]], ['a', 'b'])).toThrow(
      saying('confusionMatrixPicture: a matrix for 2 labels must have 2 rows of 2 counts, got rows of 1'),
    );
    expect(() => confusionMatrixPicture([[-1]], ['a'])).toThrow(
      saying('confusionMatrixPicture: counts must be integers of at least 0'),
    );
  });

  it('holds images in rows, and a further line for those that do not fit', async () => {
    const images = Array.from({ length: 12 }, () => rand([8, 8]));
    const svg = await imagePanel({
      title: 'maps',
      rows: [{ title: 'conv1\n8@8×8', images, captions: images.map((_, i) => `map ${i}`), range: 'all' }],
      width: 500,
    });
    expect(svg.match(/<image /g)).toHaveLength(12);
    expect(svg).toContain('>map 11<');
    const [width, height] = [...svg.matchAll(/ (?:width|height)="(\d+)"/g)].map(([, size]) => Number(size));
    expect(width).toBeLessThanOrEqual(500);
    await savePicture(inFolder('panel.png'), svg);
    expect(await sharp(inFolder('panel.png')).metadata()).toMatchObject({ width: 2 * width, height: 2 * height });
    await savePicture(inFolder('panel.svg'), svg);
    expect(readFileSync(inFolder('panel.svg'), 'utf8')).toBe(svg);
  });

  it('shows pixels as sharp squares in their colours', async () => {
    const svg = await imagePanel({
      rows: [
        {
          title: '',
          images: [
            tensor([
              [0, 1],
              [1, 0],
            ]),
          ],
        },
      ],
      imageHeight: 4,
    });
    await savePicture(inFolder('squares.png'), svg);
    const { data, info } = await sharp(inFolder('squares.png')).greyscale().raw().toBuffer({ resolveWithObject: true });
    const row = Array.from(data.subarray(40 * info.width + 40, 40 * info.width + 48));
    expect(row).toEqual([0, 0, 0, 0, 255, 255, 255, 255]);
  });

  it('say what is wrong', async () => {
    await expect(imagePanel({ rows: [] })).rejects.toThrow(saying('imagePanel: needs at least one row'));
    await expect(imagePanel({ rows: [{ title: 'a', images: [] }] })).rejects.toThrow(
      saying("imagePanel: row 'a' needs at least one image"),
    );
    await expect(imagePanel({ rows: [{ title: 'a', images: [zeros([2, 2])], captions: [] }] })).rejects.toThrow(
      saying("imagePanel: row 'a' has 0 captions for 1 images"),
    );
    await expect(imagePanel({ rows: [{ title: 'a', images: [zeros([2])] }] })).rejects.toThrow(
      saying("imagePanel: an image of row 'a' is not [c, h, w] or [h, w] but [2]"),
    );
    await expect(imagePanel({ rows: [{ title: 'a', images: [zeros([2, 2])], imageHeight: 0 }] })).rejects.toThrow(
      saying('imagePanel: imageHeight must be a number of pixels above 0, got 0'),
    );
    await expect(savePicture('a.png', 'text')).rejects.toThrow(
      saying('savePicture: picture must be an SVG drawing, which starts with <svg, or a tensor'),
    );
    await expect(savePicture('a.gif', '<svg/>')).rejects.toThrow(
      saying('savePicture: the name of an image must end in .png, .jpg, .jpeg or .webp, got "a.gif"'),
    );
    await expect(savePicture(inFolder('a.png'), '<svg ')).rejects.toThrow(
      /^savePicture: the drawing cannot be rendered: /,
    );
    await expect(savePicture('a.svg', zeros([2, 2]))).rejects.toThrow(
      saying('writeImage: the name of an image must end in .png, .jpg, .jpeg or .webp, got "a.svg"'),
    );
  });

  it('decode to the colours that were put in', async () => {
    expect(await decode(await encodeImage(imageGrid([tensor([[0, 1]])]), 'png'))).toEqual([0, 0, 0, 255, 255, 255]);
  });
});
