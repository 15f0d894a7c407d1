import type { Tensor } from '../../tensor.js';
import { answersOf } from './answers.js';
import { countedMetric, type Metric, type MetricAccumulator } from './metric.js';
import { type ClassScores, classificationReport } from './report.js';

/** Counts of samples by the class they are of and the one they were taken for, over many batches. */
export class ConfusionMatrix {
  #counts: number[][] = [];

  /** Takes in a batch; see {@link confusionMatrix}. */
  add(output: Tensor, target: Tensor): void {
    const { classes, predicted, labels } = answersOf('confusionMatrix', output, target);
    if (classes > this.#counts.length) this.#grow(classes);
    for (let i = 0; i < predicted.length; i++) {
      const label = labels[i];
      if (label >= 0 && label < classes) this.#counts[label][predicted[i]]++;
    }
  }

  /** counts[i][j]: samples of class i that were taken for class j. */
  get counts(): number[][] {
    return this.#counts.map((row) => [...row]);
  }

  set counts(counts: readonly (readonly number[])[]) {
    this.#counts = counts.map((row) => [...row]);
  }

  #grow(classes: number): void {
    this.#counts = Array.from({ length: classes }, (_, i) =>
      Array.from({ length: classes }, (_, j) => this.#counts[i]?.[j] ?? 0),
    );
  }
}

/**
 * Counts [classes][classes] of positions by the class they are of (rows) and the one they were taken for (columns), for
 * outputs and targets as {@link accuracy} takes them.
 *
 * @throws ShapeError when output and target do not go together
 * @example
 * confusionMatrix(tensor([[2, 1], [3, 0]]), tensor([0, 1], { dtype: 'int32' })); // [[1, 0], [1, 0]]
 */
export function confusionMatrix(output: Tensor, target: Tensor): number[][] {
  const matrix = new ConfusionMatrix();
  matrix.add(output, target);
  return matrix.counts;
}

/** A metric that is the mean over classes of one of their scores. */
function macro(score: keyof Omit<ClassScores, 'label' | 'support'>): Metric {
  return countedMetric((): MetricAccumulator => {
    const matrix = new ConfusionMatrix();
    return {
      add: (output, target) => matrix.add(output, target),
      value: () => (matrix.counts.length ? classificationReport(matrix.counts).macro[score] : Number.NaN),
      get state() {
        return matrix.counts;
      },
      set state(state: unknown) {
        matrix.counts = state as number[][];
      },
    };
  });
}

/**
 * Macro precision, 0 … 1: of the answers for each class, the share that is right, averaged over the classes that occur.
 *
 * @example
 * precision(tensor([[2, 1], [3, 0]]), tensor([0, 1], { dtype: 'int32' })); // 0.25
 */
export const precision: Metric = macro('precision');

/**
 * Macro recall, 0 … 1: of each class, the share that was found, averaged over the classes that occur.
 *
 * @example
 * recall(tensor([[2, 1], [3, 0]]), tensor([0, 1], { dtype: 'int32' })); // 0.5
 */
export const recall: Metric = macro('recall');

/**
 * Macro F1 score, 0 … 1: the harmonic mean of precision and recall of each class, averaged over the classes that occur.
 *
 * @example
 * f1Score(tensor([[2, 1], [0, 3]]), tensor([0, 1], { dtype: 'int32' })); // 1
 */
export const f1Score: Metric = macro('f1');
