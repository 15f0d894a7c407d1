// The networks of `npm run bench -- network`: ONNX files with pictures and PyTorch's answers, made where there are none.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPython } from '../python.mjs';

/** Name, as PyTorch calls it, and title. */
export const networks = {
  vgg16: 'VGG-16',
  resnet18: 'ResNet-18',
  resnet50: 'ResNet-50',
  squeezenet1_1: 'SqueezeNet 1.1',
  mobilenet_v2: 'MobileNetV2',
  efficientnet_b0: 'EfficientNet-B0',
  densenet121: 'DenseNet-121',
  lenet: 'LeNet',
};

export const networkNames = Object.keys(networks);

/** Pictures whose answers are known. */
const BATCH = 8;
const CLASSES = { lenet: 10 };
const PICTURE = { lenet: [1, 28, 28] };

/** Where the files are: what CONVFORGE_NETWORKS names, or models/ beside this file, which git ignores. */
export const modelFolder = process.env.CONVFORGE_NETWORKS ?? fileURLToPath(new URL('./models', import.meta.url));

const fileOf = (name, extension) => join(modelFolder, `${name}.${extension}`);

/**
 * Exports the named networks that are not there yet, which takes PyTorch and torchvision a few seconds for each.
 *
 * @throws with what to install where they are missing
 */
export function makeModels(names) {
  const unknown = names.find((name) => !networks[name]);
  if (unknown) throw new Error(`no network ${unknown}; there are ${networkNames.join(', ')}`);
  const missing = names.filter((name) => !existsSync(fileOf(name, 'onnx')));
  if (missing.length === 0) return;
  const { python } = findPython('torchvision', 'Debian: apt-get install python3-torchvision');
  const script = fileURLToPath(new URL('./export.py', import.meta.url));
  const { status, stderr } = spawnSync(python, [script, modelFolder, ...missing], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${missing.join(', ')} could not be exported: ${stderr.trim().split('\n').at(-1)}`);
}

/** The path of a network's file, and `batch` pictures { data, dims } with PyTorch's answers. */
export function networkFiles(name, batch) {
  if (batch > BATCH) throw new Error(`answers are known for ${BATCH} pictures, not for ${batch}`);
  const picture = PICTURE[name] ?? [3, 224, 224];
  const pixels = picture.reduce((product, extent) => product * extent, 1);
  return {
    path: fileOf(name, 'onnx'),
    input: { data: floats(fileOf(name, 'input.f32'), batch * pixels), dims: [batch, ...picture] },
    output: floats(fileOf(name, 'output.f32'), batch * (CLASSES[name] ?? 1000)),
  };
}

function floats(file, count) {
  const bytes = readFileSync(file);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 4 * count));
}

/** The largest difference between two answers, as a fraction of the largest number expected; NaN where one is. */
export function relativeError(expected, actual) {
  if (expected.length !== actual.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]));
    worst = Math.max(worst, Math.abs(expected[i] - actual[i]));
  }
  return worst / largest;
}
