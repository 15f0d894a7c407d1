// What networks trained on ImageNet want to see, and what their answers mean. Shared by classify.mjs and server.mjs.
import { readFileSync } from 'node:fs';
import { interpolate, softmax, tensor } from 'convforge';

const MEAN = tensor([0.485, 0.456, 0.406]).reshape([3, 1, 1]);
const DEVIATION = tensor([0.229, 0.224, 0.225]).reshape([3, 1, 1]);

/** Height and width of the pictures that a session takes; 224, where the model leaves them open. */
export function pictureSize(session) {
  const [{ name, shape }] = session.inputMetadata;
  const [, channels, ...size] = shape;
  if (shape.length !== 4 || channels !== 3) {
    throw new Error(`input ${name} is [${shape.join(', ')}]; what takes pictures has [n, 3, height, width]`);
  }
  return size.map((extent) => (typeof extent === 'number' ? extent : 224));
}

/**
 * A photograph [3, h, w] in 0..1 as the input [1, 3, height, width] of a network: made so small that 7/8 of its shorter
 * side fill the picture, the middle of it cut out, colours standardised.
 */
export function preprocess(photograph, [height, width]) {
  const [, h, w] = photograph.shape;
  const scale = (8 / 7) * Math.max(height / h, width / w);
  // rounded as torchvision does it; the side that fits must not miss its length by a rounding error
  const size = [h, w].map((extent) => Math.floor(extent * scale + 1e-6));
  const small = interpolate(photograph.reshape([1, 3, h, w]), { size, mode: 'bilinear', antialias: true });
  const [top, left] = [Math.round((size[0] - height) / 2), Math.round((size[1] - width) / 2)];
  const middle = small.slice([null, null, [top, top + height], [left, left + width]]);
  return middle.sub(MEAN).div(DEVIATION);
}

/** The five likeliest classes by scores [1, classes], as { label, probability }. */
export function topFive(scores, labels) {
  // some networks end in a softmax, most before it
  const isDistribution = scores.data.every((score) => score >= 0) && Math.abs(scores.sum().item() - 1) < 1e-3;
  const probabilities = (isDistribution ? scores : softmax(scores.reshape([-1]), 0)).data;
  const order = Array.from(probabilities.keys()).sort((a, b) => probabilities[b] - probabilities[a]);
  return order.slice(0, 5).map((at) => ({ label: labels?.[at] ?? `class ${at}`, probability: probabilities[at] }));
}

/** Names of classes from a text file, one a line in the order of the network's outputs. */
export const readLabels = (path) => readFileSync(path, 'utf8').trimEnd().split('\n');
