import { ArgumentError, check } from '../../errors.js';

/** How well one class is told from the others. */
export interface ClassScores {
  readonly label: string;
  /** Share of the answers for this class that are right; 0 when there was none. */
  readonly precision: number;
  /** Share of this class that was found; 0 when there was none. */
  readonly recall: number;
  /** Harmonic mean of precision and recall; 0 when both are. */
  readonly f1: number;
  /** Samples of this class. */
  readonly support: number;
}

/** What {@link classificationReport} returns; `toString()` gives a table. */
export class ClassificationReport {
  readonly classes: readonly ClassScores[];
  /** Share of right answers. */
  readonly accuracy: number;
  /** Means over the classes that occur among labels or answers. */
  readonly macro: ClassScores;
  /** Means over classes, each weighing its samples. */
  readonly weighted: ClassScores;

  constructor(classes: readonly ClassScores[], accuracy: number, macro: ClassScores, weighted: ClassScores) {
    this.classes = classes;
    this.accuracy = accuracy;
    this.macro = macro;
    this.weighted = weighted;
  }

  toString(): string {
    const rows = [...this.classes, this.macro, this.weighted].map((row) => [
      row.label,
      ...[row.precision, row.recall, row.f1].map((score) => score.toFixed(4)),
      String(row.support),
    ]);
    const table = [['class', 'precision', 'recall', 'F1', 'samples'], ...rows];
    const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
    const lines = table.map((row) =>
      row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('  '),
    );
    return [...lines, `accuracy ${this.accuracy.toFixed(4)} of ${this.macro.support} samples`].join('\n');
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** Options of {@link classificationReport}. */
export interface ReportOptions {
  /** Names of the classes. Default their numbers. */
  labels?: readonly string[];
}

/**
 * Precision, recall and F1 score of each class and their means, from the counts of a confusion matrix: matrix[i][j] samples
 * of class i that were taken for class j. What would be 0 / 0 is 0, and macro means leave out classes that occur neither
 * among the labels nor among the answers, as scikit-learn has it.
 *
 * @throws ArgumentError unless the matrix is square, of counts, with one label a class
 * @example
 * const { classes, accuracy } = classificationReport([[3, 1], [0, 4]]);
 * [accuracy, classes[0].recall, classes[1].precision]; // [0.875, 0.75, 0.8]
 */
export function classificationReport(
  matrix: readonly (readonly number[])[],
  { labels = matrix.map((_, i) => String(i)) }: ReportOptions = {},
): ClassificationReport {
  const n = matrix.length;
  check(
    n > 0 && matrix.every((row) => row.length === n && row.every((count) => Number.isInteger(count) && count >= 0)),
    'classificationReport',
    () => 'the matrix must be square, at least 1×1, of integers of at least 0',
    ArgumentError,
  );
  check(
    labels.length === n,
    'classificationReport',
    () => `${n} classes need as many labels, got ${labels.length}`,
    ArgumentError,
  );
  const answers = labels.map((_, j) => matrix.reduce((sum, row) => sum + row[j], 0));
  const classes = matrix.map((row, i): ClassScores => {
    const support = row.reduce((sum, count) => sum + count, 0);
    const [precision, recall] = [share(row[i], answers[i]), share(row[i], support)];
    // 2·right / (labels + answers) is the harmonic mean, without its division by 0
    return { label: labels[i], precision, recall, f1: share(2 * row[i], support + answers[i]), support };
  });
  const total = classes.reduce((sum, { support }) => sum + support, 0);
  const right = matrix.reduce((sum, row, i) => sum + row[i], 0);
  const occurs = (i: number) => classes[i].support > 0 || answers[i] > 0;
  return new ClassificationReport(
    classes,
    right / total,
    mean('macro mean', classes, (_, i) => Number(occurs(i)), total),
    mean('weighted mean', classes, ({ support }) => support, total),
  );
}

function share(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

function mean(
  label: string,
  classes: readonly ClassScores[],
  weigh: (scores: ClassScores, i: number) => number,
  support: number,
): ClassScores {
  const weights = classes.map(weigh);
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  const of = (score: (scores: ClassScores) => number) =>
    share(
      classes.reduce((sum, scores, i) => sum + weights[i] * score(scores), 0),
      whole,
    );
  return {
    label,
    precision: of(({ precision }) => precision),
    recall: of(({ recall }) => recall),
    f1: of(({ f1 }) => f1),
    support,
  };
}
