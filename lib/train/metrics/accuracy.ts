import { noGrad } from '../../autograd.js';
import { check } from '../../errors.js';
import { whole } from '../../geometry.js';
import { topK } from '../../ops/topk.js';
import { formatShape, sameShape } from '../../shape.js';
import type { Tensor } from '../../tensor.js';
import { answersOf, labelsOf, mismatch } from './answers.js';
import { countedMetric, Mean, type Metric, type MetricAccumulator } from './metric.js';

/** Counts which share of the positions of a batch is right; positions that do not count are left out. */
class Share implements MetricAccumulator {
  readonly #mean = new Mean();
  readonly #judge: (output: Tensor, target: Tensor) => { right: number; counted: number };

  constructor(judge: (output: Tensor, target: Tensor) => { right: number; counted: number }) {
    this.#judge = judge;
  }

  add(output: Tensor, target: Tensor): void {
    const { right, counted } = this.#judge(output, target);
    this.#mean.add(right / counted, counted);
  }

  value(): number {
    return this.#mean.value();
  }

  get state(): unknown {
    return this.#mean.state;
  }

  set state(state: unknown) {
    this.#mean.state = state as [number, number];
  }
}

/**
 * Share of right answers, 0 … 1: scores [n, classes, …] are right where the largest is the label's, [n, …] of integers or
 * soft [n, classes, …]; logits of one class, [n] or [n, 1, …], where they are above 0 and the target is at least ½, or
 * neither. Labels outside [0, classes), such as those a loss ignores, do not count.
 *
 * @throws ShapeError when output and target do not go together
 * @example
 * accuracy(tensor([[0.2, 0.8], [0.6, 0.4]]), tensor([1, 1], { dtype: 'int32' })); // 0.5
 */
export const accuracy: Metric = countedMetric(
  () =>
    new Share((output, target) => {
      const { classes, predicted, labels } = answersOf('accuracy', output, target);
      let [right, counted] = [0, 0];
      for (let i = 0; i < predicted.length; i++) {
        const label = labels[i];
        if (!(label >= 0 && label < classes)) continue;
        counted++;
        if (predicted[i] === label) right++;
      }
      return { right, counted };
    }),
);

/**
 * A metric: the share of positions whose label is among the k largest scores, of equal scores the first; for scores
 * [n, classes, …] and integer labels [n, …]. Where there are fewer classes than k, all are among them.
 *
 * @throws ArgumentError unless k is an integer of at least 1
 * @example
 * const top2 = topKAccuracy(2);
 * top2(tensor([[0.1, 0.5, 0.4]]), tensor([2], { dtype: 'int32' })); // 1
 */
export function topKAccuracy(k: number): Metric {
  whole('topKAccuracy', 'k', k, 1);
  return countedMetric(() => new Share((output, target) => amongBest(output, target, k)));
}

function amongBest(output: Tensor, target: Tensor, k: number): { right: number; counted: number } {
  check(
    output.rank > 1 && !target.isFloat() && sameShape(target.shape, output.shape.toSpliced(1, 1)),
    'topKAccuracy',
    () => mismatch(output, target),
  );
  check(output.shape[1] > 0, 'topKAccuracy', () => `output ${formatShape(output.shape)} has no classes`);
  const classes = output.shape[1];
  const best = Math.min(k, classes);
  const places = noGrad(() => topK(output, best, { axis: 1 }))[1].storage.values;
  const labels = labelsOf(target);
  const inner = output.size / output.shape[0] / classes;
  let [right, counted] = [0, 0];
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i];
    if (!(label >= 0 && label < classes)) continue;
    counted++;
    const first = Math.floor(i / inner) * best * inner + (i % inner);
    for (let rank = 0; rank < best; rank++) {
      if (places[first + rank * inner] !== label) continue;
      right++;
      break;
    }
  }
  return { right, counted };
}
