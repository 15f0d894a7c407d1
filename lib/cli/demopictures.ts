import { noGrad } from '../autograd.js';
import { zeros } from '../creation.js';
import type { TensorDataset } from '../data/tensordataset.js';
import { slice } from '../ops/slice.js';
import { softmax } from '../ops/softmax.js';
import type { Generator } from '../random.js';
import { Tensor } from '../tensor.js';
import { lineChart } from '../vision/chart.js';
import { confusionMatrixPicture } from '../vision/confusion.js';
import { overlayHeatmap } from '../vision/overlayheatmap.js';
import { imagePanel } from '../vision/panel.js';
import type { DigitClassifier, EpochReport } from './digitclassifier.js';
import { type SavedPicture, savePictures } from './savedpictures.js';

/** What the demo draws from. */
export interface DemoDrawing {
  net: DigitClassifier;
  heldOut: TensorDataset;
  predicted: Tensor<'int32'>;
  history: readonly EpochReport[];
  folder: string;
  generator: Generator;
}

const CLASSES = 10;
const SIDE = 8;
const NAMES = Array.from({ length: CLASSES }, (_, digit) => String(digit));

/** Draws everything into the folder, and says what is where. */
export function drawDemo(drawing: DemoDrawing): Promise<SavedPicture[]> {
  drawing.net.eval();
  return savePictures('demo', drawing.folder, [
    ['training.png', 'loss and accuracy, epoch by epoch', () => trainingCurve(drawing)],
    ['kernels.png', 'the kernels the first layer learned', () => learnedKernels(drawing)],
    ['features.png', 'a digit layer by layer: fewer pixels, more channels', () => featureMaps(drawing)],
    ['confusion.png', 'which digits are taken for which', () => confusion(drawing)],
    ['misread.png', 'the digits that were misread', () => misread(drawing)],
    ['scene.png', 'the classifier slid over a larger scene: where it sees which digit', () => sceneMaps(drawing)],
  ]);
}

function trainingCurve({ history }: DemoDrawing): string {
  return lineChart({
    title: 'Training on 8×8 handwritten digits',
    xLabel: 'epoch',
    yLabel: 'loss',
    rightLabel: 'accuracy on held-out digits, %',
    series: [
      { name: 'loss', values: history.map(({ loss }) => loss) },
      { name: 'accuracy', values: history.map(({ accuracy }) => 100 * accuracy), axis: 'right' },
    ],
  });
}

function learnedKernels({ net }: DemoDrawing): Promise<string> {
  return imagePanel({
    title: 'Kernels of the first layer, 3×3: blue is negative, red positive',
    rows: [{ title: 'conv1.weight', images: samples(net.conv1.weight), colormap: 'diverging', range: 'all' }],
    imageHeight: 48,
  });
}

function featureMaps({ net, heldOut }: DemoDrawing): Promise<string> {
  const digit = slice(heldOut.images, [[0, 1]]);
  const { conv1, conv2, pool } = noGrad(() => net.features(digit));
  const probabilities = softmax(noGrad(() => net.forward(digit))).storage.values;
  const row = (name: string, maps: Tensor<'float32'>) => {
    const [channels, h, w] = maps.shape.slice(1);
    const images = Array.from({ length: channels }, (_, c) =>
      slice(maps, [
        [0, 1],
        [c, c + 1],
      ]).reshape([h, w]),
    );
    return { title: `${name}\n${channels} channels of ${h}×${w}`, images, range: 'each' as const, imageHeight: 8 * h };
  };
  const likely = NAMES.map((name, i) => ({ name, p: probabilities[i] })).sort((a, b) => b.p - a.p)[0];
  return imagePanel({
    title: `A ${heldOut.labels.storage.values[0]}, layer by layer; read as ${likely.name} with ${(100 * likely.p).toFixed(1)} %`,
    rows: [
      { title: `input\n1 channel of ${SIDE}×${SIDE}`, images: samples(digit) },
      row('conv1, batch norm, ReLU', conv1),
      row('conv2, batch norm, ReLU', conv2),
      row('max pool', pool),
    ],
    imageHeight: 96,
  });
}

function confusion({ heldOut, predicted }: DemoDrawing): string {
  const answers = [...NAMES, 'none'];
  const matrix = answers.map(() => answers.map(() => 0));
  heldOut.labels.storage.values.forEach((label, i) => {
    matrix[label][predicted.storage.values[i]]++;
  });
  const isUsed = predicted.storage.values.includes(CLASSES);
  const shown = isUsed ? answers : NAMES;
  return confusionMatrixPicture(
    matrix.slice(0, shown.length).map((row) => row.slice(0, shown.length)),
    shown,
  );
}

async function misread({ heldOut, predicted }: DemoDrawing): Promise<string> {
  const labels = heldOut.labels.storage.values;
  const answers = predicted.storage.values;
  const wrong = Array.from(labels.keys()).filter((i) => labels[i] !== answers[i]);
  if (wrong.length === 0) {
    return imagePanel({
      title: 'No held-out digit was misread; here are some',
      rows: [{ title: '', images: samples(heldOut.images).slice(0, 10) }],
    });
  }
  return imagePanel({
    title: `${wrong.length} of ${labels.length} held-out digits were misread`,
    rows: [
      {
        title: '',
        images: samples(heldOut.select(wrong).images),
        captions: wrong.map((i) => `${labels[i]} read as ${NAMES[answers[i]] ?? 'none'}`),
      },
    ],
    imageHeight: 96,
  });
}

/** Scatters the ten digits over a larger canvas and lays each class's probability map over it. */
function sceneMaps({ net, heldOut, generator }: DemoDrawing): Promise<string> {
  const scene = compose(heldOut, generator);
  const [h, w] = scene.shape.slice(2);
  const probabilities = softmax(
    noGrad(() => net.slide(scene)),
    1,
  );
  const flat = scene.reshape([h, w]);
  const maps = NAMES.map((_, digit) => overlayHeatmap(flat, magnify(probabilities, digit), { range: [0, 1] }));
  return imagePanel({
    title: `The classifier of ${SIDE}×${SIDE} pixels slid over ${h}×${w}: how probable it finds each digit, where`,
    rows: [
      { title: 'scene', images: [flat] },
      { title: 'probability of', images: maps, captions: NAMES },
    ],
    imageHeight: 120,
  });
}

/** One digit of each class, each somewhere in a cell of its own on an even position, where windows start. */
function compose({ images, labels }: TensorDataset, generator: Generator): Tensor<'float32'> {
  const [rows, columns, cell] = [2, CLASSES / 2, 2 * SIDE];
  const [h, w] = [rows * cell, columns * cell];
  const scene = zeros([1, 1, h, w]);
  generator.permutation(CLASSES).forEach((place, digit) => {
    const sample = labels.storage.values.indexOf(digit);
    const top = Math.floor(place / columns) * cell + 2 * generator.integer((cell - SIDE) / 2 + 1);
    const left = (place % columns) * cell + 2 * generator.integer((cell - SIDE) / 2 + 1);
    for (let row = 0; row < SIDE; row++) {
      const from = (sample * SIDE + row) * SIDE;
      scene.storage.values.set(images.storage.values.subarray(from, from + SIDE), (top + row) * w + left);
    }
  });
  return scene;
}

/** The map of one class at every position of the window: [1, 10, oh, ow] → [2·oh − 1, 2·ow − 1], each value repeated. */
function magnify(probabilities: Tensor<'float32'>, digit: number): Tensor<'float32'> {
  const [oh, ow] = probabilities.shape.slice(2);
  const [h, w] = [2 * oh - 1, 2 * ow - 1];
  const from = probabilities.storage.values.subarray(digit * oh * ow);
  const map = Float32Array.from({ length: h * w }, (_, at) => from[(Math.floor(at / w) >> 1) * ow + ((at % w) >> 1)]);
  return new Tensor('float32', map, [h, w]);
}

/** The samples of a tensor [n, 1, h, w], one by one as [h, w]. */
function samples(x: Tensor<'float32'>): Tensor<'float32'>[] {
  const [n, , h, w] = x.shape;
  return Array.from({ length: n }, (_, i) =>
    slice(x, [[i, i + 1]])
      .detach()
      .reshape([h, w]),
  );
}
