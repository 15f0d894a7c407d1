import { noGrad } from '../../autograd.js';
import { ArgumentError, check } from '../../errors.js';
import { whole } from '../../geometry.js';
import type { Module } from '../../nn/module.js';
import { slice } from '../../ops/slice.js';
import { Tensor } from '../../tensor.js';
import { extent } from '../colormap.js';
import { overlayHeatmap } from '../overlayheatmap.js';
import { imagePanel, type PanelRow } from '../panel.js';
import { textWidth } from '../svg.js';
import { type Activation, activationOf, record } from './activations.js';
import { type GradCamOptions, gradCam } from './gradcam.js';
import { checkImages, saliency } from './saliency.js';
import { scoreOf } from './score.js';

/** Options of {@link kernelsPicture}. */
export interface KernelsPictureOptions {
  /** Dotted name of the layer. Default: the first convolution. */
  layer?: string;
  /** Kernels that are shown at most, at least 1. Default 128. */
  limit?: number;
}

/** Up to so many pixels a kernel's side is drawn large. */
const SMALL_KERNEL = 5;

/**
 * The kernels of a convolution as an SVG drawing: those over colour images as small pictures, each stretched to its own range;
 * those of one channel, or of more, one plane each, from blue for negative to red for positive weights.
 *
 * @throws ArgumentError when there is no such layer, or it has no kernels [oc, ic, kh, kw], or for a limit below 1
 * @example
 * await savePicture('kernels.png', await kernelsPicture(net));
 */
export async function kernelsPicture(
  model: Module,
  { layer, limit = 128 }: KernelsPictureOptions = {},
): Promise<string> {
  whole('kernelsPicture', 'limit', limit, 1);
  const convolutions = model.modules().flatMap(([name, module]) => {
    const { weight } = module as { weight?: unknown };
    return weight instanceof Tensor && weight.rank === 4 ? [{ name, weight: weight as Tensor<'float32'> }] : [];
  });
  const found = layer === undefined ? convolutions[0] : convolutions.find(({ name }) => name === layer);
  check(
    found !== undefined,
    'kernelsPicture',
    () => (layer === undefined ? 'the model has no convolution' : `there is no convolution '${layer}'`),
    ArgumentError,
  );
  const { name, weight } = found;
  const [oc, ic, kh, kw] = weight.shape;
  const isColor = ic === 3;
  const planes = isColor ? weight : weight.detach().reshape([oc * ic, 1, kh, kw]);
  const shown = samples(planes, limit);
  const less = shown.length < planes.shape[0] ? `, the first ${shown.length} of them` : '';
  return imagePanel({
    title: `Kernels of ${name || 'the layer'}: ${oc} over ${ic} ${ic === 1 ? 'channel' : 'channels'}, ${kh}×${kw}${less}`,
    rows: [
      isColor
        ? { title: '', images: shown, range: 'each' }
        : { title: '', images: shown, colormap: 'diverging', range: 'all' },
    ],
    imageHeight: Math.max(kh, kw) <= SMALL_KERNEL ? 40 : 56,
  });
}

/** Options of {@link featureMapsPicture}. */
export interface FeatureMapsPictureOptions {
  /**
   * Dotted names of the layers. Default: of layers that follow each other with maps of the same shape the last, at most 8.
   */
  layers?: readonly string[];
  /** Maps that are shown of a layer at most, at least 1. Default 32. */
  channels?: number;
}

const MOST_LAYERS = 8;

/**
 * What a network computes for one image x [1, c, h, w], layer by layer: fewer pixels, more channels; an SVG drawing. Each map
 * is stretched to its own range.
 *
 * @throws ShapeError unless x is one image; ArgumentError for layers that there are not, or that give no maps, or for channels
 *   below 1
 * @example
 * const image = rand([1, 1, 8, 8]);
 * await savePicture('features.png', await featureMapsPicture(net, image));
 */
export async function featureMapsPicture(
  model: Module,
  x: Tensor<'float32'>,
  { layers, channels = 32 }: FeatureMapsPictureOptions = {},
): Promise<string> {
  checkImages('featureMapsPicture', x);
  whole('featureMapsPicture', 'channels', channels, 1);
  check(x.shape[0] === 1, 'featureMapsPicture', () => `shows one image, got ${x.shape[0]}`);
  const { activations } = noGrad(() => record('featureMapsPicture', model, x));
  const chosen = layers?.map((layer) => activationOf('featureMapsPicture', activations, layer)) ?? stages(activations);
  check(
    chosen.length > 0 && chosen.every(({ output }) => output.rank === 4),
    'featureMapsPicture',
    () => 'there are no feature maps [n, c, h, w] to show',
    ArgumentError,
  );
  const rows = chosen.map(({ name, module, output }): PanelRow => {
    const [, c, h, w] = output.shape;
    const maps = samples(output.reshape([c, 1, h, w]) as Tensor<'float32'>, channels).map(stretched);
    const first = maps.length < c ? `\nthe first ${maps.length}` : '';
    const title = `${name}: ${module.constructor.name}\n${c} of ${h}×${w}${first}`;
    return {
      title,
      images: maps,
      range: [0, 1],
      colormap: 'sequential',
      imageHeight: Math.min(64, Math.max(24, 4 * h)),
    };
  });
  const [, c, h, w] = x.shape;
  const input: PanelRow = { title: `input\n${c} of ${h}×${w}`, images: [pictureOf(samples(x)[0])], imageHeight: 96 };
  return imagePanel({ title: 'One image, layer by layer', rows: [input, ...rows] });
}

/** Where maps change their shape, what comes before the change. */
function stages(activations: readonly Activation[]): Activation[] {
  const maps = activations.filter(({ output }) => output.rank === 4 && output.shape[2] * output.shape[3] > 1);
  const last = maps.filter(({ output }, i) => `${output.shape}` !== `${maps[i + 1]?.output.shape}`);
  return last.slice(-MOST_LAYERS);
}

/** Room for the titles of rows and between columns, in pixels. */
const TITLE_WIDTH = 220;
const COLUMN_GAP = 8;

/** Options of {@link explanationPicture}. */
export interface ExplanationPictureOptions extends GradCamOptions {
  /** Names of the classes. Default their numbers. */
  labels?: readonly string[];
  /** A line below each image. Default: the name of its class. */
  captions?: readonly string[];
  /** Default 'What speaks for the answer'. */
  title?: string;
  /** Height of the images in the drawing, in pixels. Default 112. */
  imageHeight?: number;
}

/**
 * Images x [n, c, h, w], which pixels matter for the class that each is taken for (or for `target`), and Grad-CAM of that
 * class laid over them; an SVG drawing. See {@link saliency} and {@link gradCam}.
 *
 * @throws what these throw; ArgumentError when captions are not as many as images
 * @example
 * const classifier = new nn.Sequential(new nn.Conv2d(1, 4, 3), new nn.ReLU(), new nn.Flatten(), new nn.Linear(144, 2));
 * const svg = await explanationPicture(classifier, rand([2, 1, 8, 8]), { labels: ['cat', 'dog'] });
 */
export async function explanationPicture(
  model: Module,
  x: Tensor<'float32'>,
  options: ExplanationPictureOptions = {},
): Promise<string> {
  const { labels, captions, layer, title = 'What speaks for the answer', imageHeight = 112 } = options;
  checkImages('explanationPicture', x);
  const { output } = noGrad(() => record('explanationPicture', model, x));
  const { classes } = scoreOf('explanationPicture', output, options.target);
  const pixels = samples(saliency(model, x, { target: classes }));
  const evidence = samples(gradCam(model, x, { target: classes, layer }));
  const images = samples(x).map(pictureOf);
  // The same in all rows, so that what belongs together stands in one column.
  const names = captions ?? classes.map((label) => labels?.[label] ?? String(label));
  const [, , h, w] = x.shape;
  const column = Math.max((imageHeight * w) / h, ...names.map((name) => textWidth(name, 11))) + COLUMN_GAP;
  return imagePanel({
    title,
    imageHeight,
    width: TITLE_WIDTH + images.length * column,
    rows: [
      { title: 'image', images, captions: names },
      { title: 'pixels that matter\n(saliency)', images: pixels, colormap: 'heat', range: 'each', captions: names },
      {
        title: 'evidence\n(Grad-CAM)',
        images: images.map((image, i) => overlayHeatmap(image, evidence[i], { range: [0, 1] })),
        captions: names,
      },
    ],
  });
}

/** The parts of a tensor along its first axis, the first `most` of them. */
function samples(x: Tensor<'float32'>, most = Infinity): Tensor<'float32'>[] {
  return Array.from({ length: Math.min(most, x.shape[0]) }, (_, i) => slice(x.detach(), [[i, i + 1]]).squeeze(0));
}

/** An image [c, h, w] as it can be shown: in 0 … 1, of one channel or three. Normalised ones are stretched. */
function pictureOf(image: Tensor<'float32'>): Tensor<'float32'> {
  const shown = image.shape[0] === 1 || image.shape[0] === 3 ? image : image.mean(0, { keepDims: true });
  const [low, high] = extent([shown]);
  return low >= 0 && high <= 1 ? shown : stretched(shown);
}

/** Values from the least to the greatest as 0 … 1; all 0 when they are the same, as in a map that nothing excites. */
function stretched(x: Tensor<'float32'>): Tensor<'float32'> {
  const [low, high] = extent([x]);
  return x.sub(low).div(high > low ? high - low : 1);
}
