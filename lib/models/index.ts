export { LeNet5, type LeNet5Options, lenet5 } from './lenet.js';
export { MobileNetV2, type MobileNetV2Options, mobilenetV2 } from './mobilenetv2.js';
export {
  cifarResnet18,
  cifarResnet34,
  cifarResnet50,
  ResNet,
  type ResNetConfig,
  type ResNetOptions,
  resnet18,
  resnet34,
  resnet50,
} from './resnet.js';
export { SqueezeNet, type SqueezeNetOptions, squeezenet } from './squeezenet.js';
export { UNet, type UNetOptions, unet } from './unet.js';
export { VGG, type VGGOptions, vgg11, vgg11Bn, vgg16, vgg16Bn } from './vgg.js';
