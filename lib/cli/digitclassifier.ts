import { noGrad } from '../autograd.js';
import type { TensorDataset } from '../data/tensordataset.js';
import * as nn from '../nn/index.js';
import { conv2d } from '../ops/conv2d.js';
import { crossEntropy } from '../ops/crossentropy.js';
import { reshape } from '../ops/reshape.js';
import { AdamW } from '../optim/adam.js';
import type { Generator } from '../random.js';
import type { Tensor } from '../tensor.js';

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
  readonly fc2 = new nn.Linear(64, 10);

  /** Feature maps of each stage: [n, 32, 6, 6], [n, 64, 4, 4], [n, 64, 2, 2] for digits of 8×8. */
  features(x: Tensor<'float32'>): { conv1: Tensor<'float32'>; conv2: Tensor<'float32'>; pool: Tensor<'float32'> } {
    const conv1 = this.bn1.forward(this.conv1.forward(x)).relu();
    const conv2 = this.bn2.forward(this.conv2.forward(conv1)).relu();
    return { conv1, conv2, pool: this.pool.forward(conv2) };
  }

  /** Digits [n, 1, 8, 8] → logits [n, 10]. */
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    const flat = this.dropout.forward(this.features(x).pool.flatten(1));
    return this.fc2.forward(this.fc1.forward(flat).relu());
  }

  /**
   * An image of any size [n, 1, h, w] → logits [n, 10, (h − 8) / 2 + 1, (w − 8) / 2 + 1]: the dense layers become
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

const BATCH = 32;
const LEARNING_RATE = 3e-3;

/** Trains with AdamW and a learning rate that falls along a cosine. */
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
    for (const { images, labels } of train.batches({ batchSize: BATCH, shuffle: true, generator })) {
      optimizer.lr = (LEARNING_RATE / 2) * (1 + Math.cos((Math.PI * step++) / steps));
      const loss = crossEntropy(net.forward(images), labels);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      total += loss.item() * labels.size;
      onBatch?.(labels.size);
    }
    onEpoch?.({ epoch, loss: total / train.length, accuracy: accuracyOf(classify(net, heldOut.images), heldOut.labels) });
  }
}

/** The most likely class of each image. */
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
