import { noGrad } from '../autograd.js';
import { slice } from '../ops/slice.js';
import type { Tensor } from '../tensor.js';

/** An image with what it shows and what it was taken for. */
export interface Answer {
  /** [1, c, h, w] */
  readonly image: Tensor<'float32'>;
  readonly label: number;
  readonly answer: number;
  /** Of the answer, 0 … 1. */
  readonly probability: number;
  /** −log of the label's probability. */
  readonly loss: number;
}

/** So many mistakes are kept, and so many right answers. */
const KEPT = 16;

/** The worst mistakes of a classifier, and its first right answers. */
export class Mistakes {
  #wrong: Answer[] = [];
  readonly #right: Answer[] = [];
  #count = 0;

  /** Takes in a batch: scores [n, classes], images [n, c, h, w] and labels [n]. */
  add(output: Tensor<'float32'>, [images, labels]: readonly Tensor[]): void {
    const [n, classes] = output.shape;
    const logs = noGrad(() => output.logSoftmax(1)).storage.values;
    const answers = noGrad(() => output.argmax(1)).storage.values;
    for (let i = 0; i < n; i++) {
      const label = Number(labels.storage.values[i]);
      const answer = answers[i];
      const isWrong = label !== answer;
      const loss = -logs[i * classes + label];
      if (isWrong) this.#count++;
      const isKept = isWrong
        ? this.#wrong.length < KEPT || loss > this.#wrong[KEPT - 1].loss
        : this.#right.length < KEPT && !this.#right.some((each) => each.label === label);
      if (!isKept) continue;
      const image = slice(images, [[i, i + 1]]) as Tensor<'float32'>;
      const kept = { image, label, answer, probability: Math.exp(logs[i * classes + answer]), loss };
      if (isWrong) this.#wrong = [...this.#wrong, kept].sort((a, b) => b.loss - a.loss).slice(0, KEPT);
      else this.#right.push(kept);
    }
  }

  /** All that there were. */
  get count(): number {
    return this.#count;
  }

  /** Those with the largest loss first. */
  get worst(): readonly Answer[] {
    return this.#wrong;
  }

  /** Right answers of different classes, in their order. */
  get right(): readonly Answer[] {
    return [...this.#right].sort((a, b) => a.label - b.label);
  }
}
