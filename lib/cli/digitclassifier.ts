import { noGrad } from '../autograd.js';
import { full } from '../creation.js';
import { TensorDataset } from '../data/tensordataset.js';
import * as nn from '../nn/index.js';
import { concat } from '../ops/concat.js';
import { conv2d } from '../ops/conv2d.js';
import { crossEntropy } from '../ops/crossentropy.js';
import { pad } from '../ops/pad.js';
import { reshape } from '../ops/reshape.js';
import { slice } from '../ops/slice.js';
import { AdamW } from '../optim/adam.js';
import type { Generator } from '../random.js';
import type { Tensor } from '../tensor.js';

/** The ten digits, and "no digit here", which a classifier that slides over a scene must know too. */
const CLASSES = 11;
const NO_DIGIT = 10;

/**
 * The demo's network for digits of 8×8 pixels: fewer pixels and more channels from layer to layer, then two dense layers.
 * Nothing is padded, so every output depends on one 8×8 window and the same weights can slide over any larger image.
 */
export class DigitClassifier extends nn.Module {
  readonly conv1 = new nn.Conv2d(1, 32, 3);
  readonly bn1 = new nn.BatchNorm2d(32);
  readonly conv2 = new nn.Conv2d(32, 64, 3);
  readonly bn2 = new nn.BatchNorm2d(64);
  readonly pool = new nn.MaxPool2d(2);
  readonly dropout = new nn.Dropout(0.4);
  readonly fc1 = new nn.Linear(256, 64);
  readonly fc2 = new nn.Linear(64, CLASSES);

  /** Feature maps of each stage: [n, 32, 6, 6], [n, 64, 4, 4], [n, 64, 2, 2] for digits of 8×8. */
  features(x: Tensor<'float32'>): { conv1: Tensor<'float32'>; conv2: Tensor<'float32'>; pool: Tensor<'float32'> } {
    const conv1 = this.bn1.forward(this.conv1.forward(x)).relu();
    const conv2 = this.bn2.forward(this.conv2.forward(conv1)).relu();
    return { conv1, conv2, pool: this.pool.forward(conv2) };
  }

  /** Digits [n, 1, 8, 8] → logits [n, 11]. */
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    const flat = this.dropout.forward(this.features(x).pool.flatten(1));
    return this.fc2.forward(this.fc1.forward(flat).relu());
  }

  /**
   * An image of any size [n, 1, h, w] → logits [n, 11, (h − 8) / 2 + 1, (w − 8) / 2 + 1]: the dense layers become
   * convolutions of 2×2 and 1×1, and each position classifies the window that starts at twice its row and column.
   */
  slide(x: Tensor<'float32'>): Tensor<'float32'> {
    const asConvolution = ({ weight, bias }: nn.Linear, ic: number, size: number, input: Tensor<'float32'>) =>
      conv2d(input, reshape(weight, [weight.shape[0], ic, size, size]), bias);
    const hidden = asConvolution(this.fc1, 64, 2, this.features(x).pool).relu();
    return asConvolution(this.fc2, 64, 1, hidden);
  }
}

/** How one pass over the training data went. */
export interface EpochReport {
  epoch: number;
  loss: number;
  /** Share of held-out digits that are read rightly, 0 … 1. */
  accuracy: number;
}

/** Options of {@link trainDigits}. */
export interface TrainDigitsOptions {
  epochs: number;
  generator: Generator;
  onBatch?: (images: number) => void;
  onEpoch?: (report: EpochReport) => void;
}

const SIDE = 8;
const BATCH = 32;
const LEARNING_RATE = 3e-3;

/** Trains with AdamW and a learning rate that falls along a cosine, on digits that are moved a little. */
export function trainDigits(
  net: DigitClassifier,
  train: TensorDataset,
  heldOut: TensorDataset,
  { epochs, generator, onBatch, onEpoch }: TrainDigitsOptions,
): void {
  const optimizer = new AdamW(net.parameters(), { lr: LEARNING_RATE });
  const steps = epochs * Math.ceil(train.length / BATCH);
  let step = 0;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    net.train();
    let total = 0;
    for (const digits of train.batches({ batchSize: BATCH, shuffle: true, generator })) {
      const { images, labels } = withNoDigits(digits, generator);
      optimizer.lr = (LEARNING_RATE / 2) * (1 + Math.cos((Math.PI * step++) / steps));
      const loss = crossEntropy(net.forward(images), labels);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      total += loss.item() * digits.length;
      onBatch?.(digits.length);
    }
    onEpoch?.({
      epoch,
      loss: total / train.length,
      accuracy: accuracyOf(classify(net, heldOut.images), heldOut.labels),
    });
  }
}

/** The most likely class of each image: a digit, or 10 for none. */
export function classify(net: DigitClassifier, images: Tensor<'float32'>): Tensor<'int32'> {
  net.eval();
  return noGrad(() => net.forward(images)).argmax(1);
}

/** Share of equal elements, 0 … 1. */
export function accuracyOf(predicted: Tensor<'int32'>, labels: Tensor<'int32'>): number {
  let right = 0;
  for (let i = 0; i < labels.size; i++) if (predicted.data[i] === labels.data[i]) right++;
  return right / labels.size;
}

const SHIFT_PROBABILITY = 0.3;
const NO_DIGIT_SAMPLES = 12;
/** From so many pixels off its place on, a digit no longer counts as being there. */
const OFF_PLACE = 3;

/** A batch of digits, moved a little, and some of them moved so far that the answer should be "no digit here". */
function withNoDigits({ images, labels }: TensorDataset, generator: Generator): TensorDataset {
  const nudge = () => (generator.uniform() < SHIFT_PROBABILITY ? 2 * generator.integer(2) - 1 : 0);
  const far = () => (OFF_PLACE + generator.integer(SIDE - OFF_PLACE)) * (2 * generator.integer(2) - 1);
  const any = () => generator.integer(2 * SIDE - 1) - (SIDE - 1);
  const samples = slice(images, [[0, NO_DIGIT_SAMPLES]]);
  const [rows, columns] = generator.integer(2) ? [far(), any()] : [any(), far()];
  const count = samples.shape[0];
  return new TensorDataset(
    concat([shift(images, nudge(), nudge()), shift(samples, rows, columns)]),
    concat([labels, full([count], NO_DIGIT, { dtype: 'int32' })]),
  );
}

/** Moves images [n, 1, 8, 8] down and to the right; what comes in is black. */
function shift(images: Tensor<'float32'>, down: number, right: number): Tensor<'float32'> {
  const [top, left] = [SIDE - down, SIDE - right];
  return slice(pad(images, SIDE), [null, null, [top, top + SIDE], [left, left + SIDE]]);
}
