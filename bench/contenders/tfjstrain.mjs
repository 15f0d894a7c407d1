// LeNet's training step on TensorFlow.js' plain JavaScript backend. It keeps images channels-last, so the batch and the
// weights are transposed before the clock starts.
import * as tf from '@tensorflow/tfjs';
import { batchOf, CLASSES, firstValues, LEARNING_RATE, MOMENTUM, networks } from '../training/networks.mjs';

/** Names of PyTorch, so that first values are the same; shapes of PyTorch, and axes and shapes they have here. */
const PARAMETERS = [
  ...convolution('0', 6, 1, 5),
  ...convolution('3', 16, 6, 5),
  ['7.weight', [120, 400], { from: [120, 16, 5, 5], axes: [2, 3, 1, 0], to: [400, 120] }], // pixels are channels-last
  ['7.bias', [120]],
  ...linear('9', 84, 120),
  ...linear('11', CLASSES, 84),
];

function convolution(name, oc, ic, k) {
  return [
    [`${name}.weight`, [oc, ic, k, k], { axes: [2, 3, 1, 0] }],
    [`${name}.bias`, [oc]],
  ];
}

function linear(name, outputs, inputs) {
  return [
    [`${name}.weight`, [outputs, inputs], { axes: [1, 0] }],
    [`${name}.bias`, [outputs]],
  ];
}

function variableOf([name, shape, { from = shape, axes, to } = {}], index) {
  const value = tf.tensor(firstValues(name, shape, index), from);
  const turned = axes ? tf.transpose(value, axes) : value;
  return tf.variable(to ? tf.reshape(turned, to) : turned);
}

/** A training step as a function that makes one and resolves to its loss. */
export async function openStep({ network }) {
  if (network !== 'lenet') throw new Error('only LeNet is written for tfjs');
  tf.enableProdMode(); // no checks of its own, no advice on the terminal
  if (!(await tf.setBackend('cpu'))) throw new Error('tfjs cannot start its cpu backend');
  const variables = PARAMETERS.map(variableOf);
  const [w1, b1, w2, b2, w3, b3, w4, b4, w5, b5] = variables;
  const { x, shape, labels } = batchOf(networks.lenet);
  const images = tf.transpose(tf.tensor4d(x, shape), [0, 2, 3, 1]);
  const targets = tf.oneHot(tf.tensor1d(labels, 'int32'), CLASSES);
  const optimizer = tf.train.momentum(LEARNING_RATE, MOMENTUM);

  const block = (y, weight, bias, pad) =>
    tf.maxPool(tf.relu(tf.add(tf.conv2d(y, weight, 1, pad), bias)), 2, 2, 'valid');
  const dense = (y, weight, bias) => tf.add(tf.matMul(y, weight), bias);
  const loss = () => {
    const features = tf.reshape(block(block(images, w1, b1, 'same'), w2, b2, 'valid'), [labels.length, -1]);
    const hidden = tf.relu(dense(tf.relu(dense(features, w3, b3)), w4, b4));
    return tf.losses.softmaxCrossEntropy(targets, dense(hidden, w5, b5));
  };
  return async function step() {
    const value = optimizer.minimize(loss, true, variables);
    const [number] = await value.data();
    value.dispose();
    return number;
  };
}
