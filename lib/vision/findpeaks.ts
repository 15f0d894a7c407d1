import { checkFloat } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { type Pair, pair } from '../geometry.js';
import { floats } from '../ops/op.js';
import { formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';

/** A position of a map and its value there. */
export interface Peak {
  row: number;
  column: number;
  score: number;
}

/** Options of {@link findPeaks}. */
export interface PeakOptions {
  /** How many peaks at most. Default 1. */
  count?: number;
  /** Lowest score a peak may have. Default −Infinity. */
  minimum?: number;
  /** Two peaks lie at least so many rows or so many columns apart; [rows, columns] or one number. Default 1. */
  distance?: Pair;
}

/**
 * The highest peaks of a map [h, w], best first: positions that no neighbour exceeds, and of those closer together than
 * `distance` only the highest (non-maximum suppression). Of a plateau the first position in row order counts. NaN is no
 * peak.
 *
 * @throws ShapeError unless the map has two axes; ArgumentError for options out of range
 * @example
 * findPeaks(tensor([[0, 9, 0, 0], [0, 0, 0, 7]]), { count: 2 });
 * // [{ row: 0, column: 1, score: 9 }, { row: 1, column: 3, score: 7 }]
 */
export function findPeaks(map: Tensor, options: PeakOptions = {}): Peak[] {
  const { count = 1, minimum = -Infinity } = options;
  checkFloat('findPeaks', map);
  check(map.rank === 2, 'findPeaks', () => `map must be [h, w], got ${formatShape(map.shape)}`);
  check(
    Number.isInteger(count) && count >= 1,
    'findPeaks',
    () => `count must be an integer of at least 1, got ${count}`,
    ArgumentError,
  );
  check(
    typeof minimum === 'number' && !Number.isNaN(minimum),
    'findPeaks',
    () => `minimum must be a number, got ${minimum}`,
    ArgumentError,
  );
  const [rows, columns] = pair('findPeaks', 'distance', options.distance ?? 1, 1);
  const peaks: Peak[] = [];
  for (const candidate of localMaxima(map, minimum).sort((a, b) => b.score - a.score)) {
    if (peaks.length === count) break;
    const isApart = ({ row, column }: Peak) =>
      Math.abs(row - candidate.row) >= rows || Math.abs(column - candidate.column) >= columns;
    if (peaks.every(isApart)) peaks.push(candidate);
  }
  return peaks;
}

/** Positions above their neighbours before them in row order and not below those after, so that plateaus count once. */
function localMaxima(map: Tensor, minimum: number): Peak[] {
  const [h, w] = map.shape;
  const values = floats(map);
  const found: Peak[] = [];
  for (let row = 0; row < h; row++) {
    for (let column = 0; column < w; column++) {
      const score = values[row * w + column];
      if (score >= minimum && isMaximum(values, h, w, row, column)) found.push({ row, column, score });
    }
  }
  return found;
}

function isMaximum(values: Float32Array, h: number, w: number, row: number, column: number): boolean {
  const at = row * w + column;
  for (let r = Math.max(0, row - 1); r <= Math.min(h - 1, row + 1); r++) {
    for (let c = Math.max(0, column - 1); c <= Math.min(w - 1, column + 1); c++) {
      const other = r * w + c;
      if (values[other] > values[at] || (other < at && values[other] === values[at])) return false;
    }
  }
  return true;
}
