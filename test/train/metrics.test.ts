import { describe, expect, it } from 'vitest';
import {
  accuracy,
  ClassificationReport,
  ConfusionMatrix,
  classificationReport,
  confusionMatrix,
  f1Score,
  type Metric,
  precision,
  recall,
  Tensor,
  tensor,
  topKAccuracy,
  zeros,
} from '../../lib/index.js';
import { accumulatorOf } from '../../lib/train/metrics/metric.js';
import { failure } from '../failure.js';

const labels = (...values: number[]) => tensor(Int32Array.from(values));
/** Scores whose largest is the given class. */
const scoresFor = (classes: number, ...answers: number[]) =>
  tensor(answers.map((answer) => Array.from({ length: classes }, (_, i) => (i === answer ? 1 : -i / 10))));

describe('accuracy', () => {
  it('counts right answers', () => {
    expect(accuracy(scoresFor(3, 0, 1, 2, 2), labels(0, 1, 2, 0))).toBe(0.75);
  });

  it('takes the first of equal scores, and integers of any type', () => {
    const scores = tensor([
      [1, 1],
      [0, 0],
    ]);
    for (const dtype of ['int32', 'int64', 'uint8'] as const) {
      expect(accuracy(scores, tensor([0, 1], { dtype }))).toBe(0.5);
    }
  });

  it('leaves out labels that are no class', () => {
    expect(accuracy(scoresFor(2, 0, 1, 1, 0), labels(0, -100, 0, 2))).toBe(0.5);
    expect(accuracy(scoresFor(2, 0), labels(-1))).toBeNaN();
  });

  it('counts every position of a map', () => {
    const scores = tensor([[[[1, 0]], [[0, 1]], [[0, 0]]]]); // [1, 3, 1, 2]: classes 0 and 1
    expect(accuracy(scores, tensor([[[0, 2]]], { dtype: 'int32' }))).toBe(0.5);
  });

  it('takes soft labels by their largest', () => {
    const soft = tensor([
      [0.7, 0.3, 0],
      [0.2, 0.3, 0.5],
    ]);
    expect(accuracy(scoresFor(3, 0, 1), soft)).toBe(0.5);
  });

  it('of logits of one class is a yes above 0', () => {
    expect(accuracy(tensor([-1, 2, 0.1, 0]), tensor([0, 1, 0, 0]))).toBe(0.75);
    expect(accuracy(tensor([[-1], [2]]), tensor([0, 1], { dtype: 'int32' }))).toBe(1);
    expect(accuracy(tensor([[[[-1, 3]]]]), tensor([[[[0.2, 0.9]]]]))).toBe(1);
  });

  it('refuses what does not go together', () => {
    expect(failure(() => accuracy(zeros([2, 3]), labels(0, 1, 2)))).toBe(
      'ShapeError ERR_SHAPE accuracy: output [2, 3] does not go with targets int32 [3]; scores [n, classes, …] go with integer labels [n, …]',
    );
    expect(failure(() => accuracy(zeros([2, 3]), zeros([2])))).toMatch(/targets float32 \[2\]/);
    expect(failure(() => accuracy(zeros([2]), zeros([3])))).toMatch(/output \[2\] does not go with/);
  });
});

describe('topKAccuracy', () => {
  it('looks among the k best', () => {
    const scores = tensor([
      [0.1, 0.2, 0.3, 0.4],
      [0.4, 0.3, 0.2, 0.1],
    ]);
    const values = [1, 2, 3, 4, 9].map((k) => topKAccuracy(k)(scores, labels(1, 1)));
    expect(values).toEqual([0, 0.5, 1, 1, 1]);
  });

  it('agrees with accuracy for k = 1, on maps and with ties', () => {
    const scores = tensor([[[[1, 0, 2]], [[0, 1, 2]]]]);
    const target = tensor([[[0, 0, 1]]], { dtype: 'int32' });
    expect(topKAccuracy(1)(scores, target)).toBe(accuracy(scores, target));
    expect(topKAccuracy(1)(scores, target)).toBeCloseTo(1 / 3, 12);
  });

  it('refuses other options and targets', () => {
    for (const k of [0, 1.5, Number.NaN]) {
      expect(failure(() => topKAccuracy(k))).toBe(
        `ArgumentError ERR_ARGUMENT topKAccuracy: k must be an integer of at least 1, got ${k}`,
      );
    }
    expect(failure(() => topKAccuracy(2)(zeros([2, 3]), zeros([2, 3])))).toContain('does not go with targets float32');
  });
});

describe('over batches of different size', () => {
  const answers = [0, 1, 2, 1, 0, 0, 2];
  const truth = [0, 1, 1, 1, 2, 0, 0];
  const cut = [0, 1, 4, 7];
  const metrics: Record<string, Metric> = { accuracy, precision, recall, f1Score, top2: topKAccuracy(2) };

  it.each(Object.entries(metrics))('%s is that of all samples, also when it goes on from its state', (_, metric) => {
    let count = accumulatorOf(metric);
    for (let i = 0; i + 1 < cut.length; i++) {
      const part = <T>(list: T[]) => list.slice(cut[i], cut[i + 1]);
      count.add(scoresFor(3, ...part(answers)), labels(...part(truth)));
      const { state } = count;
      count = accumulatorOf(metric);
      count.state = JSON.parse(JSON.stringify(state));
    }
    expect(count.value()).toBeCloseTo(metric(scoresFor(3, ...answers), labels(...truth)), 12);
  });

  it('a plain function is averaged by samples', () => {
    const count = accumulatorOf((output) => output.mean().item());
    count.add(tensor([1]), labels(0));
    count.add(tensor([4, 4, 4]), labels(0, 0, 0));
    expect(count.value()).toBe(13 / 4);
    expect(accumulatorOf(accuracy).value()).toBeNaN();
    expect(accumulatorOf(f1Score).value()).toBeNaN();
  });
});

describe('confusionMatrix', () => {
  it('has rows for what is and columns for what was answered', () => {
    expect(confusionMatrix(scoresFor(3, 0, 1, 1, 2, 0), labels(0, 1, 2, 2, -1))).toEqual([
      [1, 0, 0],
      [0, 1, 0],
      [0, 1, 1],
    ]);
  });

  it('has two classes for logits of one', () => {
    expect(confusionMatrix(tensor([1, -1, 1]), tensor([1, 1, 0]))).toEqual([
      [0, 1],
      [1, 1],
    ]);
  });

  it('is counted over batches, and hands out copies', () => {
    const matrix = new ConfusionMatrix();
    expect(matrix.counts).toEqual([]);
    matrix.add(scoresFor(2, 0), labels(0));
    matrix.counts[0][0] = 7;
    matrix.add(scoresFor(2, 1), labels(0));
    expect(matrix.counts).toEqual([
      [1, 1],
      [0, 0],
    ]);
  });
});

// Worked by hand: rows are labels, columns answers.
//        answers  4  3  3  0
const MATRIX = [
  [3, 1, 0, 0], // 4 of class 0
  [1, 1, 0, 0], // 2 of class 1
  [0, 1, 3, 0], // 4 of class 2
  [0, 0, 0, 0], // none of class 3, and it was never the answer
];

describe('classificationReport', () => {
  const report = classificationReport(MATRIX, { labels: ['a', 'b', 'c', 'd'] });

  it('has the scores of each class', () => {
    const rows = report.classes.map(({ label, precision, recall, f1, support }) => [
      label,
      precision,
      recall,
      f1,
      support,
    ]);
    expect(rows).toEqual([
      ['a', 3 / 4, 3 / 4, 6 / 8, 4],
      ['b', 1 / 3, 1 / 2, 2 / 5, 2],
      ['c', 1, 3 / 4, 6 / 7, 4],
      ['d', 0, 0, 0, 0],
    ]);
  });

  it('averages over the classes that occur, and by samples', () => {
    expect(report.accuracy).toBe(0.7);
    expect(report.macro.precision).toBeCloseTo((3 / 4 + 1 / 3 + 1) / 3, 12);
    expect(report.macro.recall).toBeCloseTo(2 / 3, 12);
    expect(report.macro.f1).toBeCloseTo((3 / 4 + 2 / 5 + 6 / 7) / 3, 12);
    expect(report.weighted.precision).toBeCloseTo((4 * (3 / 4) + 2 / 3 + 4) / 10, 12);
    expect(report.weighted.recall).toBeCloseTo(report.accuracy, 12);
    expect([report.macro.support, report.weighted.support]).toEqual([10, 10]);
  });

  it('counts a class that was answered but never is', () => {
    const { macro, classes } = classificationReport([
      [1, 1],
      [0, 0],
    ]);
    expect(classes[1]).toEqual({ label: '1', precision: 0, recall: 0, f1: 0, support: 0 });
    expect(macro.recall).toBe(0.25);
  });

  it('is what the metrics say', () => {
    const output = scoresFor(2, 0, 0, 1, 1);
    const target = labels(0, 1, 1, 1);
    const { macro } = classificationReport(confusionMatrix(output, target));
    expect([precision, recall, f1Score].map((metric) => metric(output, target))).toEqual([
      macro.precision,
      macro.recall,
      macro.f1,
    ]);
  });

  it('prints as a table', () => {
    expect(report).toBeInstanceOf(ClassificationReport);
    const lines = String(report).split('\n');
    expect(lines[0]).toBe('class          precision  recall      F1  samples');
    expect(lines[2]).toBe('b                 0.3333  0.5000  0.4000        2');
    expect(lines.slice(-2)).toEqual([
      'weighted mean     0.7667  0.7000  0.7229       10',
      'accuracy 0.7000 of 10 samples',
    ]);
  });

  it.each<[unknown, unknown, string]>([
    [[], undefined, 'the matrix must be square, at least 1×1, of integers of at least 0'],
    [[[1, 2]], undefined, 'the matrix must be square'],
    [[[-1]], undefined, 'the matrix must be square'],
    [[[0.5]], undefined, 'the matrix must be square'],
    [[[1]], ['a', 'b'], '1 classes need as many labels, got 2'],
  ])('refuses %j', (matrix, names, message) => {
    const said = failure(() => classificationReport(matrix as number[][], { labels: names as string[] | undefined }));
    expect(said).toContain(`ArgumentError ERR_ARGUMENT classificationReport: ${message}`);
  });

  it('of no samples at all has no accuracy', () => {
    expect(classificationReport([[0]]).accuracy).toBeNaN();
  });
});

it('metrics record nothing for gradients', () => {
  const scores = new Tensor('float32', Float32Array.of(1, 2), [1, 2]);
  scores.requiresGrad = true;
  for (const metric of [accuracy, topKAccuracy(1), f1Score]) expect(metric(scores, labels(1))).toBe(1);
  expect(scores.grad).toBeNull();
});
