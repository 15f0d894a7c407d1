// TensorFlow.js on its plain JavaScript backend. It keeps images channels-last, so inputs are transposed before the clock
// starts and the answer is transposed back to be checked.
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';

export async function tfjsSide() {
  await tf.setBackend('cpu');
  return {
    name: 'tfjs',
    detail: `tfjs ${tf.version_core}, plain JavaScript`,
    prepare({ x, weight, options: { stride, padding, groups } }) {
      if (groups !== 1) throw new Error('tfjs has no grouped convolution');
      const image = tf.transpose(tf.tensor4d(x.data, x.shape), [0, 2, 3, 1]);
      const kernel = tf.transpose(tf.tensor4d(weight.data, weight.shape), [2, 3, 1, 0]);
      const sides = [padding, padding];
      const pads = [[0, 0], sides, sides, [0, 0]];
      const convolve = () => tf.conv2d(image, kernel, stride, padding ? pads : 'valid');
      return {
        activate() {},
        run() {
          const y = convolve();
          y.dataSync();
          y.dispose();
        },
        result: () => tf.transpose(convolve(), [0, 3, 1, 2]).dataSync(),
      };
    },
  };
}
