import { ArgumentError, check } from '../errors.js';
import { INK, MUTED, rect, svgDocument, text, textWidth } from './svg.js';

/** Options of {@link confusionMatrixPicture}. */
export interface ConfusionOptions {
  /** Default: the accuracy. */
  title?: string;
}

const MARGIN = 20;
const GAP = 2;

/**
 * A confusion matrix as an SVG drawing: matrix[i][j] counts samples of class i that were taken for class j. Cells are
 * tinted by their share of the row, blue where right and orange where wrong; beside each row stands the recall (share of
 * the class that was found), below each column the precision (share of the answers that are right).
 *
 * @throws ArgumentError unless the matrix is square, with one label a class, of counts
 * @example
 * await savePicture('confusion.png', confusionMatrixPicture([[48, 2], [1, 49]], ['cat', 'dog']));
 */
export function confusionMatrixPicture(
  matrix: readonly (readonly number[])[],
  labels: readonly string[],
  options: ConfusionOptions = {},
): string {
  const n = labels.length;
  check(
    n > 0 && matrix.length === n && matrix.every((row) => row.length === n),
    'confusionMatrixPicture',
    () =>
      `a matrix for ${n} labels must have ${n} rows of ${n} counts, got rows of ${matrix.map((row) => row.length).join(', ')}`,
    ArgumentError,
  );
  check(
    matrix.every((row) => row.every((count) => Number.isInteger(count) && count >= 0)),
    'confusionMatrixPicture',
    () => 'counts must be integers of at least 0',
    ArgumentError,
  );
  const rowTotals = matrix.map(sum);
  const columnTotals = labels.map((_, j) => sum(matrix.map((row) => row[j])));
  const [right, total] = [sum(matrix.map((row, i) => row[i])), sum(rowTotals)];
  const title = options.title ?? `Accuracy ${percent(right, total)}: ${right} of ${total}`;

  // row by row: arguments of a call are limited, cells of a matrix are not
  const greatest = matrix.reduce((most, row) => Math.max(most, ...row), 0);
  const longest = Math.max(textWidth(String(greatest)), textWidth('100 %', 11));
  const cell = Math.max(34, longest + 12);
  const labelWidth = Math.max(...labels.map((label) => textWidth(label)));
  // Labels wider than a column are turned upright.
  const isUpright = labelWidth > cell - 4;
  const top = MARGIN + 52 + (isUpright ? labelWidth : 14) + 6;
  const left = MARGIN + 22 + Math.max(labelWidth, textWidth('precision', 11)) + 8;
  const body = [
    text(MARGIN, MARGIN + 14, title, { size: 17, bold: true }),
    text(left + (n * cell) / 2, MARGIN + 44, 'predicted', { anchor: 'middle', color: MUTED }),
    turned(MARGIN + 12, top + (n * cell) / 2, text(0, 0, 'true', { anchor: 'middle', color: MUTED })),
    text(left + n * cell + 8, top - 6, 'recall', { color: MUTED, size: 11 }),
    text(left - 8, top + n * cell + cell / 2 + 4, 'precision', { color: MUTED, size: 11, anchor: 'end' }),
  ];
  for (const [i, label] of labels.entries()) {
    const middle = (i + 0.5) * cell;
    body.push(text(left - 8, top + middle + 4, label, { anchor: 'end' }));
    body.push(
      isUpright
        ? turned(left + middle + 4, top - 6, text(0, 0, label))
        : text(left + middle, top - 6, label, { anchor: 'middle' }),
    );
    const [recall, precision] = [percent(matrix[i][i], rowTotals[i]), percent(matrix[i][i], columnTotals[i])];
    body.push(text(left + n * cell + 8, top + middle + 4, recall, { color: MUTED, size: 11 }));
    body.push(
      text(left + middle, top + n * cell + cell / 2 + 4, precision, { color: MUTED, size: 11, anchor: 'middle' }),
    );
    for (const [j, count] of matrix[i].entries()) {
      const share = rowTotals[i] ? count / rowTotals[i] : 0;
      const [x, y] = [left + j * cell, top + i * cell];
      body.push(rect(x + GAP / 2, y + GAP / 2, cell - GAP, cell - GAP, tint(share, i === j)));
      if (!count) continue;
      const color = i === j && share > 0.5 ? '#ffffff' : INK;
      body.push(text(x + cell / 2, y + cell / 2 + 4, String(count), { anchor: 'middle', color }));
    }
  }
  const width = Math.max(left + n * cell + 56, MARGIN + textWidth(title, 17)) + MARGIN;
  return svgDocument(width, top + (n + 1) * cell + MARGIN - 8, body);
}

function sum(counts: readonly number[]): number {
  return counts.reduce((a, b) => a + b, 0);
}

function percent(part: number, whole: number): string {
  return whole ? `${((100 * part) / whole).toFixed(1).replace(/^100\.0$/, '100')} %` : '–';
}

function turned(x: number, y: number, element: string): string {
  return `<g transform="translate(${Math.round(x)} ${Math.round(y)}) rotate(-90)">${element}</g>`;
}

/** From paper grey to blue or orange, the least count well off grey: single errors are what one looks for. */
function tint(share: number, isRight: boolean): string {
  if (share === 0) return 'rgb(242, 244, 246)';
  const [from, to] = isRight
    ? [
        [205, 224, 240],
        [0, 96, 160],
      ]
    : [
        [252, 226, 200],
        [240, 130, 30],
      ];
  const mix = from.map((v, k) => Math.round(v + Math.sqrt(share) * (to[k] - v)));
  return `rgb(${mix.join(', ')})`;
}
