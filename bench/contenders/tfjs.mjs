// TensorFlow.js on its plain JavaScript and its WebAssembly backends. It keeps images channels-last, so inputs are
// transposed before the clock starts and the answer is transposed back to be checked.
import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { Unsupported } from '../sides/unsupported.mjs';

const wasmFolder = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
setWasmPaths(wasmFolder + sep);

function tfjsSide(name, backend, kind) {
  return async () => {
    if (!(await tf.setBackend(backend))) throw new Error(`tfjs cannot start its ${backend} backend`);
    return {
      name,
      detail: `tfjs ${tf.version_core}, ${kind}, 1 thread`,
      async prepare({ layer: { groups, stride, dilation, geometry: g }, pass, shapes, x, weight }) {
        if (pass !== 'forward') throw new Unsupported('only the forward pass is measured on tfjs');
        const isDepthwise = groups > 1 && groups === g.ic;
        if (groups > 1 && !isDepthwise) throw new Unsupported('tfjs has no grouped convolution');
        await tf.setBackend(backend);
        const image = tf.transpose(tf.tensor4d(x, shapes.x), [0, 2, 3, 1]);
        // [kh, kw, ic, oc], and for depthwise [kh, kw, c, multiplier]
        const [oc, perGroup, kh, kw] = shapes.weight;
        const kernel = isDepthwise
          ? tf.transpose(tf.tensor4d(weight, [groups, oc / groups, kh, kw]), [2, 3, 0, 1])
          : tf.transpose(tf.tensor4d(weight, [oc, perGroup, kh, kw]), [2, 3, 1, 0]);
        const pads = [
          [0, 0],
          [g.padTop, g.padBottom],
          [g.padLeft, g.padRight],
          [0, 0],
        ];
        const padding = pads.flat().some((pad) => pad > 0) ? pads : 'valid';
        const op = isDepthwise ? tf.depthwiseConv2d : tf.conv2d;
        const convolve = () => op(image, kernel, stride, padding, 'NHWC', dilation);
        return {
          activate: () => void tf.setBackend(backend),
          run() {
            const y = convolve();
            y.dataSync();
            y.dispose();
          },
          result: () => tf.tidy(() => tf.transpose(convolve(), [0, 3, 1, 2]).dataSync()),
          close: () => tf.dispose([image, kernel]),
        };
      },
    };
  };
}

export const tfjsCpuSide = tfjsSide('tfjs', 'cpu', 'plain JavaScript');
export const tfjsWasmSide = tfjsSide('tfjs-wasm', 'wasm', 'WebAssembly');
