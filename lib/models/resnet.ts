import { ArgumentError, check } from '../errors.js';
import { BatchNorm2d } from '../nn/batchnorm.js';
import { Conv2d } from '../nn/conv2d.js';
import { constant, kaimingNormal, skip } from '../nn/init.js';
import { Linear } from '../nn/linear.js';
import { Module } from '../nn/module.js';
import { AdaptiveAvgPool2d, MaxPool2d } from '../nn/pooling.js';
import { Sequential } from '../nn/sequential.js';
import { relu } from '../ops/relu.js';
import type { Tensor } from '../tensor.js';

/** Options of {@link resnet18} and its kin. */
export interface ResNetOptions {
  /** Default 1000, of the variants for CIFAR 10. */
  numClasses?: number;
  /** Channels of the images. Default 3. */
  inChannels?: number;
  /** Let each block begin as the identity, its last batch norm with a weight of 0 (Goyal et al. 2017). Default false. */
  zeroInitResidual?: boolean;
  /** Groups of the 3×3 convolutions in bottlenecks (ResNeXt). Default 1. */
  groups?: number;
  /** Channels of such a group in the first stage, relative to 64. Default 64. */
  widthPerGroup?: number;
}

/** What makes one ResNet another. */
export interface ResNetConfig {
  /** Two 3×3 convolutions a block, or a 3×3 one between two of 1×1. */
  readonly block: 'basic' | 'bottleneck';
  /** Blocks of the four stages. */
  readonly stages: readonly [number, number, number, number];
  /** For images of 32×32 pixels: a 3×3 convolution with stride 1 first, and no max pooling. Default false. */
  readonly cifar?: boolean;
}

const conv3x3 = (inChannels: number, outChannels: number, stride = 1, groups = 1) =>
  new Conv2d(inChannels, outChannels, 3, { stride, padding: 1, groups, bias: false });
const conv1x1 = (inChannels: number, outChannels: number, stride = 1) =>
  new Conv2d(inChannels, outChannels, 1, { stride, bias: false });

/** What a shortcut has to do so that it fits: nothing, or a strided 1×1 convolution. */
function downsample(inChannels: number, outChannels: number, stride: number): Sequential | null {
  if (stride === 1 && inChannels === outChannels) return null;
  return new Sequential(conv1x1(inChannels, outChannels, stride), new BatchNorm2d(outChannels));
}

class BasicBlock extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly downsample: Sequential | null;

  constructor(inChannels: number, planes: number, stride: number) {
    super();
    this.conv1 = conv3x3(inChannels, planes, stride);
    this.bn1 = new BatchNorm2d(planes);
    this.conv2 = conv3x3(planes, planes);
    this.bn2 = new BatchNorm2d(planes);
    this.downsample = downsample(inChannels, planes, stride);
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    const y = relu(this.bn1.forward(this.conv1.forward(x)));
    return relu(this.bn2.forward(this.conv2.forward(y)).add(this.downsample?.forward(x) ?? x));
  }
}

/** With the stride in the 3×3 convolution, as torchvision has it. */
class Bottleneck extends Module {
  static readonly expansion = 4;
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly conv3: Conv2d;
  readonly bn3: BatchNorm2d;
  readonly downsample: Sequential | null;

  constructor(inChannels: number, planes: number, stride: number, groups: number, widthPerGroup: number) {
    super();
    const width = Math.floor((planes * widthPerGroup) / 64) * groups;
    const outChannels = planes * Bottleneck.expansion;
    this.conv1 = conv1x1(inChannels, width);
    this.bn1 = new BatchNorm2d(width);
    this.conv2 = conv3x3(width, width, stride, groups);
    this.bn2 = new BatchNorm2d(width);
    this.conv3 = conv1x1(width, outChannels);
    this.bn3 = new BatchNorm2d(outChannels);
    this.downsample = downsample(inChannels, outChannels, stride);
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    const narrow = relu(this.bn1.forward(this.conv1.forward(x)));
    const y = relu(this.bn2.forward(this.conv2.forward(narrow)));
    return relu(this.bn3.forward(this.conv3.forward(y)).add(this.downsample?.forward(x) ?? x));
  }
}

/** See {@link resnet18}. */
export class ResNet extends Module {
  readonly conv1: Conv2d;
  readonly bn1 = new BatchNorm2d(64);
  readonly maxpool: MaxPool2d | null;
  readonly layer1: Sequential;
  readonly layer2: Sequential;
  readonly layer3: Sequential;
  readonly layer4: Sequential;
  readonly avgpool = new AdaptiveAvgPool2d(1);
  readonly fc: Linear;

  constructor({ block, stages, cifar = false }: ResNetConfig, options: ResNetOptions = {}) {
    super();
    const { numClasses = cifar ? 10 : 1000, inChannels = 3, zeroInitResidual = false } = options;
    const { groups = 1, widthPerGroup = 64 } = options;
    check(
      block === 'bottleneck' || (groups === 1 && widthPerGroup === 64),
      'ResNet',
      () => `groups and widthPerGroup are for bottlenecks, got ${groups} and ${widthPerGroup}`,
      ArgumentError,
    );
    let channels = 64;
    const stage = (i: number): Sequential => {
      const planes = 64 * 2 ** i;
      const blocks = Array.from({ length: stages[i] }, (_, k) => {
        const stride = i > 0 && k === 0 ? 2 : 1;
        const made =
          block === 'basic'
            ? new BasicBlock(channels, planes, stride)
            : new Bottleneck(channels, planes, stride, groups, widthPerGroup);
        channels = block === 'basic' ? planes : planes * Bottleneck.expansion;
        return made;
      });
      return new Sequential(...blocks);
    };
    this.conv1 = skip(() =>
      cifar ? conv3x3(inChannels, 64) : new Conv2d(inChannels, 64, 7, { stride: 2, padding: 3, bias: false }),
    );
    this.maxpool = cifar ? null : new MaxPool2d(3, { stride: 2, padding: 1 });
    [this.layer1, this.layer2, this.layer3, this.layer4] = skip(() => [0, 1, 2, 3].map(stage));
    this.fc = new Linear(channels, numClasses);
    for (const [, module] of this.modules()) {
      if (module instanceof Conv2d) kaimingNormal(module.weight, { mode: 'fanOut', nonlinearity: 'relu' });
      if (!zeroInitResidual) continue;
      const last = module instanceof BasicBlock ? module.bn2 : module instanceof Bottleneck ? module.bn3 : null;
      if (last?.weight) constant(last.weight, 0);
    }
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    const stem = relu(this.bn1.forward(this.conv1.forward(x)));
    let y = this.maxpool?.forward(stem) ?? stem;
    for (const layer of [this.layer1, this.layer2, this.layer3, this.layer4]) y = layer.forward(y);
    return this.fc.forward(this.avgpool.forward(y).flatten(1));
  }
}

/**
 * ResNet-18 (He et al. 2016): images [n, inChannels, h, w] → logits [n, numClasses]. 11.7 million parameters. Names in the
 * state dict and the start are torchvision's.
 *
 * @throws ArgumentError for options out of range
 * @example
 * const net = models.resnet18({ numClasses: 5 }).eval();
 * noGrad(() => net.forward(zeros([1, 3, 32, 32]))).shape; // [1, 5]
 */
export function resnet18(options: ResNetOptions = {}): ResNet {
  return new ResNet({ block: 'basic', stages: [2, 2, 2, 2] }, options);
}

/**
 * ResNet-34; see {@link resnet18}. 21.8 million parameters.
 *
 * @example
 * const net = nn.init.skip(() => models.resnet34()); // weights are loaded next
 * net.stateDict()['layer3.5.conv2.weight'].shape; // [256, 256, 3, 3]
 */
export function resnet34(options: ResNetOptions = {}): ResNet {
  return new ResNet({ block: 'basic', stages: [3, 4, 6, 3] }, options);
}

/**
 * ResNet-50, of bottlenecks with the stride in the 3×3 convolution; see {@link resnet18}. 25.6 million parameters.
 *
 * @example
 * const net = nn.init.skip(() => models.resnet50()); // weights are loaded next
 * net.stateDict()['layer4.2.conv3.weight'].shape; // [2048, 512, 1, 1]
 */
export function resnet50(options: ResNetOptions = {}): ResNet {
  return new ResNet({ block: 'bottleneck', stages: [3, 4, 6, 3] }, options);
}

/**
 * {@link resnet18} for images of about 32×32 pixels: it begins with a 3×3 convolution of stride 1 and without max pooling,
 * and has 10 classes by default.
 *
 * @example
 * models.cifarResnet18().stateDict()['conv1.weight'].shape; // [64, 3, 3, 3]
 */
export function cifarResnet18(options: ResNetOptions = {}): ResNet {
  return new ResNet({ block: 'basic', stages: [2, 2, 2, 2], cifar: true }, options);
}

/**
 * {@link resnet34} for images of about 32×32 pixels; see {@link cifarResnet18}.
 *
 * @example
 * nn.init.skip(() => models.cifarResnet34()).stateDict()['fc.weight'].shape; // [10, 512]
 */
export function cifarResnet34(options: ResNetOptions = {}): ResNet {
  return new ResNet({ block: 'basic', stages: [3, 4, 6, 3], cifar: true }, options);
}

/**
 * {@link resnet50} for images of about 32×32 pixels; see {@link cifarResnet18}.
 *
 * @example
 * nn.init.skip(() => models.cifarResnet50({ numClasses: 100 })).stateDict()['fc.weight'].shape; // [100, 2048]
 */
export function cifarResnet50(options: ResNetOptions = {}): ResNet {
  return new ResNet({ block: 'bottleneck', stages: [3, 4, 6, 3], cifar: true }, options);
}
