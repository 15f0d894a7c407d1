import { ArgumentError, check } from '../errors.js';
import { ReLU6 } from '../nn/activation.js';
import { BatchNorm2d } from '../nn/batchnorm.js';
import { Conv2d } from '../nn/conv2d.js';
import { Dropout } from '../nn/dropout.js';
import { skip } from '../nn/init.js';
import { Linear } from '../nn/linear.js';
import { Module } from '../nn/module.js';
import { Sequential } from '../nn/sequential.js';
import { adaptiveAvgPool2d } from '../ops/adaptiveavgpool2d.js';
import type { Tensor } from '../tensor.js';
import { initialise } from './initialise.js';

/** Options of {@link mobilenetV2}. */
export interface MobileNetV2Options {
  /** Default 1000. */
  numClasses?: number;
  /** Factor of the number of channels of every layer, above 0. Default 1. */
  widthMult?: number;
  /** Probability of dropout before the last layer, in [0, 1]. Default 0.2. */
  dropout?: number;
  /** Channels of the images. Default 3. */
  inChannels?: number;
}

/** Blocks: how much wider they are inside, their channels, how many of them, and the stride of the first. */
const BLOCKS = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** The nearest multiple of 8, but not below 90 % of the value. */
function makeDivisible(value: number): number {
  const nearest = Math.max(8, Math.floor((value + 4) / 8) * 8);
  return nearest < 0.9 * value ? nearest + 8 : nearest;
}

function convNormActivation(
  inChannels: number,
  outChannels: number,
  kernel: number,
  stride = 1,
  groups = 1,
): Sequential {
  const options = { stride, padding: (kernel - 1) / 2, groups, bias: false };
  return new Sequential(
    new Conv2d(inChannels, outChannels, kernel, options),
    new BatchNorm2d(outChannels),
    new ReLU6(),
  );
}

/** Wider by a 1×1 convolution, a depthwise one, narrower by a 1×1 one without activation. */
class InvertedResidual extends Module {
  readonly conv: Sequential;
  readonly #isResidual: boolean;

  constructor(inChannels: number, outChannels: number, stride: number, expansion: number) {
    super();
    const hidden = inChannels * expansion;
    this.#isResidual = stride === 1 && inChannels === outChannels;
    this.conv = new Sequential(
      ...(expansion === 1 ? [] : [convNormActivation(inChannels, hidden, 1)]),
      convNormActivation(hidden, hidden, 3, stride, hidden),
      new Conv2d(hidden, outChannels, 1, { bias: false }),
      new BatchNorm2d(outChannels),
    );
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    const y = this.conv.forward(x);
    return this.#isResidual ? x.add(y) : y;
  }
}

/** See {@link mobilenetV2}. */
export class MobileNetV2 extends Module {
  readonly features: Sequential;
  readonly classifier: Sequential;

  constructor(options: MobileNetV2Options = {}) {
    super();
    const { numClasses = 1000, widthMult = 1, dropout = 0.2, inChannels = 3 } = options;
    check(
      widthMult > 0 && widthMult < Number.POSITIVE_INFINITY,
      'MobileNetV2',
      () => `widthMult must be above 0, got ${widthMult}`,
      ArgumentError,
    );
    let channels = makeDivisible(32 * widthMult);
    const last = makeDivisible(1280 * Math.max(1, widthMult));
    [this.features, this.classifier] = skip(() => {
      const stem = convNormActivation(inChannels, channels, 3, 2);
      const blocks = BLOCKS.flatMap(([expansion, width, count, stride]) =>
        Array.from({ length: count }, (_, i) => {
          const outChannels = makeDivisible(width * widthMult);
          const block = new InvertedResidual(channels, outChannels, i === 0 ? stride : 1, expansion);
          channels = outChannels;
          return block;
        }),
      );
      const features = new Sequential(stem, ...blocks, convNormActivation(channels, last, 1));
      return [features, new Sequential(new Dropout(dropout), new Linear(last, numClasses))];
    });
    initialise(this);
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return this.classifier.forward(adaptiveAvgPool2d(this.features.forward(x), 1).flatten(1));
  }
}

/**
 * MobileNetV2 (Sandler et al. 2018): images [n, inChannels, h, w] → logits [n, numClasses]. 3.5 million parameters. Names in
 * the state dict and the start are torchvision's.
 *
 * @throws ArgumentError for options out of range
 * @example
 * const net = models.mobilenetV2({ numClasses: 5, widthMult: 0.5 }).eval();
 * noGrad(() => net.forward(zeros([1, 3, 32, 32]))).shape; // [1, 5]
 */
export function mobilenetV2(options: MobileNetV2Options = {}): MobileNetV2 {
  return new MobileNetV2(options);
}
