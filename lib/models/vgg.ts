import { ReLU } from '../nn/activation.js';
import { BatchNorm2d } from '../nn/batchnorm.js';
import { Conv2d } from '../nn/conv2d.js';
import { Dropout } from '../nn/dropout.js';
import { skip } from '../nn/init.js';
import { Linear } from '../nn/linear.js';
import { Module } from '../nn/module.js';
import { AdaptiveAvgPool2d, MaxPool2d } from '../nn/pooling.js';
import { Sequential } from '../nn/sequential.js';
import type { Tensor } from '../tensor.js';
import { initialise } from './initialise.js';

/** Options of {@link vgg11} and its kin. */
export interface VGGOptions {
  /** Default 1000. */
  numClasses?: number;
  /** Probability of dropout between the linear layers, in [0, 1]. Default 0.5. */
  dropout?: number;
  /** Channels of the images. Default 3. */
  inChannels?: number;
}

/** Output channels of the convolutions, and 'pool' for halvings between them. */
type Layers = readonly (number | 'pool')[];

const LAYERS = {
  11: [64, 'pool', 128, 'pool', 256, 256, 'pool', 512, 512, 'pool', 512, 512, 'pool'],
  16: [64, 64, 'pool', 128, 128, 'pool', 256, 256, 256, 'pool', 512, 512, 512, 'pool', 512, 512, 512, 'pool'],
} as const satisfies Record<number, Layers>;

/** See {@link vgg11}. */
export class VGG extends Module {
  readonly features: Sequential;
  readonly avgpool = new AdaptiveAvgPool2d(7);
  readonly classifier: Sequential;

  constructor(layers: Layers, batchNorm: boolean, options: VGGOptions = {}) {
    super();
    const { numClasses = 1000, dropout = 0.5, inChannels = 3 } = options;
    let channels = inChannels;
    const block = (out: number): Module[] => {
      const conv = new Conv2d(channels, out, 3, { padding: 1 });
      channels = out;
      return [conv, ...(batchNorm ? [new BatchNorm2d(out)] : []), new ReLU()];
    };
    [this.features, this.classifier] = skip(() => [
      new Sequential(...layers.flatMap((each) => (each === 'pool' ? [new MaxPool2d(2)] : block(each)))),
      new Sequential(
        new Linear(channels * 7 * 7, 4096),
        new ReLU(),
        new Dropout(dropout),
        new Linear(4096, 4096),
        new ReLU(),
        new Dropout(dropout),
        new Linear(4096, numClasses),
      ),
    ]);
    initialise(this);
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return this.classifier.forward(this.avgpool.forward(this.features.forward(x)).flatten(1));
  }
}

/**
 * VGG with 11 layers (Simonyan and Zisserman 2015): images [n, inChannels, h, w] of at least 32×32 → logits [n, numClasses].
 * 132.9 million parameters, most of them in the first linear layer. Names in the state dict and the start are torchvision's.
 *
 * @throws ArgumentError for options out of range
 * @example
 * const net = nn.init.skip(() => models.vgg11({ numClasses: 10 })); // weights are loaded next
 * net.stateDict()['classifier.6.weight'].shape; // [10, 4096]
 */
export function vgg11(options: VGGOptions = {}): VGG {
  return new VGG(LAYERS[11], false, options);
}

/**
 * {@link vgg11} with a batch norm after each convolution.
 *
 * @example
 * const net = nn.init.skip(() => models.vgg11Bn({ numClasses: 10 }));
 * net.stateDict()['features.1.running_var'].shape; // [64]
 */
export function vgg11Bn(options: VGGOptions = {}): VGG {
  return new VGG(LAYERS[11], true, options);
}

/**
 * VGG with 16 layers; see {@link vgg11}. 138.4 million parameters.
 *
 * @example
 * const net = nn.init.skip(() => models.vgg16({ numClasses: 10 }));
 * net.stateDict()['features.28.weight'].shape; // [512, 512, 3, 3]
 */
export function vgg16(options: VGGOptions = {}): VGG {
  return new VGG(LAYERS[16], false, options);
}

/**
 * {@link vgg16} with a batch norm after each convolution.
 *
 * @example
 * const net = nn.init.skip(() => models.vgg16Bn({ numClasses: 10 }));
 * net.stateDict()['features.40.weight'].shape; // [512, 512, 3, 3]
 */
export function vgg16Bn(options: VGGOptions = {}): VGG {
  return new VGG(LAYERS[16], true, options);
}
