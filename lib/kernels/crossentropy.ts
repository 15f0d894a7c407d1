import { logSoftmaxForward } from './softmax.js';
import type { Floats } from './types.js';

/**
 * logProbabilities = logSoftmax(logits) along the classes of [outer, classes, inner];
 * losses[outer, inner] = −logProbabilities[label]. A label outside [0, classes) is ignored: its loss is 0.
 */
export function crossEntropyForward(
  logits: Floats,
  labels: Int32Array,
  losses: Floats,
  logProbabilities: Floats,
  g: Int32Array,
): void {
  const [outer, classes, inner] = g;
  logSoftmaxForward(logits, logProbabilities, g);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const label = labels[o * inner + i];
      const isIgnored = label < 0 || label >= classes;
      // 0 − p, as −p would turn a certain prediction's 0 into −0
      losses[o * inner + i] = isIgnored ? 0 : 0 - logProbabilities[(o * classes + label) * inner + i];
    }
  }
}

/** dlogits = (e^logProbabilities − onehot(label))·dlosses, and 0 for an ignored label. */
export function crossEntropyBackward(
  dlosses: Floats,
  logProbabilities: Floats,
  labels: Int32Array,
  dlogits: Floats,
  g: Int32Array,
): void {
  const [outer, classes, inner] = g;
  for (let o = 0; o < outer; o++) {
    for (let s = 0; s < classes; s++) {
      for (let i = 0; i < inner; i++) {
        const label = labels[o * inner + i];
        const at = (o * classes + s) * inner + i;
        const isIgnored = label < 0 || label >= classes;
        dlogits[at] = isIgnored ? 0 : (Math.exp(logProbabilities[at]) - (label === s ? 1 : 0)) * dlosses[o * inner + i];
      }
    }
  }
}
