// The networks of `npm run bench -- train`, and the numbers all sides begin with: weights and a batch made by formulas, so
// that programs in other languages train the same thing.
import { fill } from '../buffers.mjs';

/** What they are made of, training/convforge.mjs and contenders/torch_train.py say, each in its own words. */
export const networks = {
  lenet: { title: 'LeNet', batch: 64, image: [1, 28, 28] },
  mnist_cnn: { title: 'MNIST CNN', batch: 64, image: [1, 28, 28] },
  vgg_cifar: { title: 'VGG-like, CIFAR', batch: 64, image: [3, 32, 32] },
  resnet18_cifar: { title: 'ResNet-18, CIFAR', batch: 32, image: [3, 32, 32] },
};

export const networkNames = Object.keys(networks);

export const CLASSES = 10;
export const LEARNING_RATE = 0.01;
export const MOMENTUM = 0.9;
/** Losses of that many first steps are compared: forward, one update, one with momentum. */
export const CHECKED_STEPS = 3;

const sizeOf = (shape) => shape.reduce((product, length) => product * length, 1);

/**
 * First values of a parameter, the `index`-th of its network. Weights are uniform with the variance of He et al. 2015,
 * scales of batch norm near 1, biases near 0, so that no parameter is without influence.
 */
export function firstValues(name, shape, index) {
  const values = fill(new Float32Array(sizeOf(shape)), index + 1);
  const isWeight = shape.length > 1;
  const scale = Math.fround(isWeight ? Math.sqrt(6 / sizeOf(shape.slice(1))) : 0.1);
  const offset = !isWeight && name.endsWith('weight') ? 1 : 0;
  return values.map((value) => offset + Math.fround(scale * value));
}

/** The batch that is trained on: { x, shape, labels }, x in NCHW order with variance 1. */
export function batchOf({ batch, image }) {
  const shape = [batch, ...image];
  const scale = Math.fround(Math.sqrt(3));
  const x = fill(new Float32Array(sizeOf(shape)), 0).map((value) => scale * value);
  return { x, shape, labels: Int32Array.from({ length: batch }, (_, i) => (7 * i + 3) % CLASSES) };
}
