import { ArgumentError, check } from '../errors.js';
import { ReLU } from '../nn/activation.js';
import { Conv2d } from '../nn/conv2d.js';
import { Dropout } from '../nn/dropout.js';
import { constant, kaimingUniform, normal, skip } from '../nn/init.js';
import { Module } from '../nn/module.js';
import { AdaptiveAvgPool2d, MaxPool2d } from '../nn/pooling.js';
import { Sequential } from '../nn/sequential.js';
import { concat } from '../ops/concat.js';
import { relu } from '../ops/relu.js';
import type { Tensor } from '../tensor.js';

/** Options of {@link squeezenet}. */
export interface SqueezeNetOptions {
  /** '1.1' computes 2.4 times less than '1.0', and is as accurate. Default '1.1'. */
  version?: '1.0' | '1.1';
  /** Default 1000. */
  numClasses?: number;
  /** Probability of dropout before the last convolution, in [0, 1]. Default 0.5. */
  dropout?: number;
  /** Channels of the images. Default 3. */
  inChannels?: number;
}

/** Few channels, then 1×1 and 3×3 convolutions of them side by side. */
class Fire extends Module {
  readonly squeeze: Conv2d;
  readonly expand1x1: Conv2d;
  readonly expand3x3: Conv2d;

  constructor(inChannels: number, squeezed: number, expanded: number) {
    super();
    this.squeeze = new Conv2d(inChannels, squeezed, 1);
    this.expand1x1 = new Conv2d(squeezed, expanded, 1);
    this.expand3x3 = new Conv2d(squeezed, expanded, 3, { padding: 1 });
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    const y = relu(this.squeeze.forward(x));
    return concat([relu(this.expand1x1.forward(y)), relu(this.expand3x3.forward(y))], 1);
  }
}

function featuresOf(version: '1.0' | '1.1', inChannels: number): Module[] {
  const pool = () => new MaxPool2d(3, { stride: 2, ceilMode: true });
  const wide = [new Fire(256, 48, 192), new Fire(384, 48, 192), new Fire(384, 64, 256)];
  if (version === '1.0') {
    return [
      ...[new Conv2d(inChannels, 96, 7, { stride: 2 }), new ReLU(), pool()],
      ...[new Fire(96, 16, 64), new Fire(128, 16, 64), new Fire(128, 32, 128), pool()],
      ...[new Fire(256, 32, 128), ...wide, pool(), new Fire(512, 64, 256)],
    ];
  }
  return [
    ...[new Conv2d(inChannels, 64, 3, { stride: 2 }), new ReLU(), pool()],
    ...[new Fire(64, 16, 64), new Fire(128, 16, 64), pool()],
    ...[new Fire(128, 32, 128), new Fire(256, 32, 128), pool()],
    ...[...wide, new Fire(512, 64, 256)],
  ];
}

/** See {@link squeezenet}. */
export class SqueezeNet extends Module {
  readonly features: Sequential;
  readonly classifier: Sequential;

  constructor(options: SqueezeNetOptions = {}) {
    super();
    const { version = '1.1', numClasses = 1000, dropout = 0.5, inChannels = 3 } = options;
    check(
      version === '1.0' || version === '1.1',
      'SqueezeNet',
      () => `version must be '1.0' or '1.1', got ${JSON.stringify(version)}`,
      ArgumentError,
    );
    const [features, final] = skip(() => [
      new Sequential(...featuresOf(version, inChannels)),
      new Conv2d(512, numClasses, 1),
    ]);
    this.features = features;
    this.classifier = new Sequential(new Dropout(dropout), final, new ReLU(), new AdaptiveAvgPool2d(1));
    for (const [, module] of this.modules()) {
      if (!(module instanceof Conv2d)) continue;
      if (module === final) normal(module.weight, 0, 0.01);
      else kaimingUniform(module.weight);
      if (module.bias) constant(module.bias, 0);
    }
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    return this.classifier.forward(this.features.forward(x)).flatten(1);
  }
}

/**
 * SqueezeNet (Iandola et al. 2016): images [n, inChannels, h, w] → logits [n, numClasses]. 1.2 million parameters. Names in the
 * state dict and the start are torchvision's.
 *
 * @throws ArgumentError for options out of range
 * @example
 * const net = models.squeezenet({ numClasses: 5 }).eval();
 * noGrad(() => net.forward(zeros([1, 3, 64, 64]))).shape; // [1, 5]
 */
export function squeezenet(options: SqueezeNetOptions = {}): SqueezeNet {
  return new SqueezeNet(options);
}
