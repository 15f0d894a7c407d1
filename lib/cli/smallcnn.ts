import * as nn from '../nn/index.js';
import type { Tensor } from '../tensor.js';
import type { NetworkNeeds } from './networks.js';

/**
 * A small classifier for images of any size from 4×4 on: 3×3 convolutions of 32, 64 and 128 channels with batch norm and
 * ReLU, half the pixels after the second, the mean over what is left, one dense layer.
 */
export class SmallCnn extends nn.Module {
  readonly features: nn.Sequential;
  readonly dropout = new nn.Dropout(0.2);
  readonly fc: nn.Linear;

  constructor({ inChannels, numClasses }: NetworkNeeds) {
    super();
    this.features = new nn.Sequential(
      ...block(inChannels, 32),
      ...block(32, 64),
      new nn.MaxPool2d(2),
      ...block(64, 128),
    );
    this.fc = new nn.Linear(128, numClasses);
  }

  /** Images [n, inChannels, h, w] → scores [n, numClasses]. */
  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return this.fc.forward(this.dropout.forward(this.features.forward(x).mean([2, 3])));
  }
}

function block(from: number, to: number): nn.Module[] {
  return [new nn.Conv2d(from, to, 3, { padding: 1, bias: false }), new nn.BatchNorm2d(to), new nn.ReLU()];
}
