import { ArgumentError, check } from '../errors.js';
import { type Axis, axis } from './axis.js';
import { GRID, INK, line, MUTED, round, SERIES_COLORS, svgDocument, text, textWidth } from './svg.js';

/** One line of a {@link lineChart}. */
export interface Series {
  /** Its name in the legend. */
  name: string;
  /** Heights of the points. What is not a finite number leaves a gap. */
  values: readonly number[];
  /** Their places along the x axis, as many and finite. Default 1, 2, 3, …, as epochs are counted. */
  x?: readonly number[];
  /** The axis it is read from. Default 'left'. */
  axis?: 'left' | 'right';
}

/** Options of {@link lineChart}. */
export interface ChartOptions {
  series: readonly Series[];
  title?: string;
  xLabel?: string;
  /** Meaning of the left axis. */
  yLabel?: string;
  /** Meaning of the right axis, which is drawn when a series asks for it. */
  rightLabel?: string;
  /** Size of the drawing in pixels. Default 720×400. */
  width?: number;
  height?: number;
}

/** A stretch of the drawing, in pixels, on which an axis lies. */
interface Scale extends Axis {
  start: number;
  end: number;
}

const MARGIN = 20;
/** Up to so many points a line also shows each of them. */
const MARKED_POINTS = 30;

/**
 * Curves over a common x axis, such as the loss over the epochs, as an SVG drawing: title, legend, and one or two y axes
 * with round numbers.
 *
 * @throws ArgumentError when there is no finite value to draw or x and values differ in length
 * @example
 * const svg = lineChart({
 *   title: 'Training',
 *   xLabel: 'epoch',
 *   yLabel: 'loss',
 *   rightLabel: 'accuracy',
 *   series: [{ name: 'loss', values: losses }, { name: 'accuracy', values: accuracies, axis: 'right' }],
 * });
 */
export function lineChart(options: ChartOptions): string {
  const { series, title = '', xLabel = '', yLabel = '', rightLabel = '', width = 720, height = 400 } = options;
  checkChart(series, width, height);
  const legend = legendRows(series, width - 2 * MARGIN);
  const legendTop = MARGIN + (title ? 26 : 0);
  const labelTop = legendTop + 20 * legend.length;
  const top = labelTop + (yLabel || rightLabel ? 20 : 0) + 10;
  const bottom = height - MARGIN - 18 - (xLabel ? 20 : 0);

  const [onLeft, onRight] = [
    series.filter((one) => one.axis !== 'right'),
    series.filter((one) => one.axis === 'right'),
  ];
  const left = onLeft.length ? verticalScale(onLeft, bottom, top) : null;
  const right = onRight.length ? verticalScale(onRight, bottom, top) : null;
  const start = MARGIN + (left ? labelWidth(left) + 8 : 0);
  const end = width - MARGIN - (right ? labelWidth(right) + 8 : 0);
  const across = horizontalScale(series, start, end);

  return svgDocument(width, height, [
    text(MARGIN, MARGIN + 14, title, { size: 17, bold: true }),
    ...legend.flatMap((row, i) => row.flatMap((entry) => legendEntry(entry, legendTop + 20 * i))),
    ...(left ? [text(MARGIN, labelTop + 14, yLabel, { color: MUTED })] : []),
    ...(right ? [text(width - MARGIN, labelTop + 14, rightLabel, { color: MUTED, anchor: 'end' })] : []),
    ...horizontalLines((left ?? right) as Scale, start, end),
    ...(left?.ticks ?? []).map(({ value, label }) =>
      text(start - 8, place(left as Scale, value) + 4, label, { anchor: 'end', color: MUTED }),
    ),
    ...(right?.ticks ?? []).flatMap(({ value, label }) => {
      const at = place(right as Scale, value);
      return [line(end, at, end + 4, at, MUTED), text(end + 8, at + 4, label, { color: MUTED })];
    }),
    ...horizontalAxis(across, bottom),
    text((start + end) / 2, height - MARGIN + 4, xLabel, { anchor: 'middle', color: MUTED }),
    ...series.map((one, i) => curve(one, across, (one.axis === 'right' ? right : left) as Scale, colorOf(i))),
  ]);
}

function legendEntry({ x, index, name }: LegendEntry, top: number): string[] {
  const sample = `<rect x="${round(x)}" y="${top + 6}" width="18" height="4" rx="2" fill="${colorOf(index)}"/>`;
  return [sample, text(x + 24, top + 12, name)];
}

function horizontalLines(scale: Scale, start: number, end: number): string[] {
  return scale.ticks.map(({ value }) => line(start, place(scale, value), end, place(scale, value), GRID));
}

function horizontalAxis(across: Scale, y: number): string[] {
  const ticks = across.ticks.flatMap(({ value, label }) => {
    const at = place(across, value);
    return [line(at, y, at, y + 5, INK), text(at, y + 18, label, { anchor: 'middle', color: MUTED })];
  });
  return [line(across.start, y, across.end, y, INK), ...ticks];
}

function checkChart(series: readonly Series[], width: number, height: number): void {
  check(
    [width, height].every((extent) => Number.isFinite(extent) && extent >= 200),
    'lineChart',
    () => `width and height must be at least 200 pixels, got ${width} and ${height}`,
    ArgumentError,
  );
  check(series.length > 0, 'lineChart', () => 'needs at least one series', ArgumentError);
  for (const { name, values, x } of series) {
    check(
      values.some(Number.isFinite),
      'lineChart',
      () => `series '${name}' has no finite value to draw`,
      ArgumentError,
    );
    check(
      x === undefined || (x.length === values.length && x.every(Number.isFinite)),
      'lineChart',
      () => `x of series '${name}' must be ${values.length} finite numbers, one for each value`,
      ArgumentError,
    );
  }
}

function colorOf(index: number): string {
  return SERIES_COLORS[index % SERIES_COLORS.length];
}

interface LegendEntry {
  x: number;
  index: number;
  name: string;
}

/** Entries side by side, in as many rows as they need. */
function legendRows(series: readonly Series[], width: number): LegendEntry[][] {
  const hasBoth = new Set(series.map((one) => one.axis ?? 'left')).size > 1;
  const rows: LegendEntry[][] = [[]];
  let x = 0;
  for (const [index, one] of series.entries()) {
    const name = hasBoth && one.axis === 'right' ? `${one.name} (right)` : one.name;
    const entryWidth = 24 + textWidth(name) + 18;
    if (x > 0 && x + entryWidth > width) {
      rows.push([]);
      x = 0;
    }
    rows[rows.length - 1].push({ x: MARGIN + x, index, name });
    x += entryWidth;
  }
  return rows;
}

function labelWidth({ ticks }: Axis): number {
  return Math.max(...ticks.map(({ label }) => textWidth(label)));
}

function verticalScale(series: readonly Series[], start: number, end: number): Scale {
  const values = series.flatMap((one) => one.values.filter(Number.isFinite));
  return { ...axis(least(values), greatest(values), 5, { outward: true }), start, end };
}

function horizontalScale(series: readonly Series[], start: number, end: number): Scale {
  const values = series.flatMap(places);
  const whole = values.every(Number.isInteger);
  return { ...axis(least(values), greatest(values), Math.max(2, (end - start) / 70), { whole }), start, end };
}

/** Not by Math.min(...values), which fails from some hundred thousand arguments on. */
function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Infinity);
}

function greatest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), -Infinity);
}

function places({ values, x }: Series): readonly number[] {
  return x ?? values.map((_, i) => i + 1);
}

function place({ low, high, start, end }: Scale, value: number): number {
  return start + ((value - low) / (high - low)) * (end - start);
}

function curve(series: Series, across: Scale, up: Scale, color: string): string {
  const x = places(series);
  const points = series.values.map((value, i) =>
    Number.isFinite(value) ? ([round(place(across, x[i])), round(place(up, value))] as const) : null,
  );
  const path = points
    .map((point, i) => (point ? `${i > 0 && points[i - 1] ? 'L' : 'M'}${point[0]} ${point[1]}` : ''))
    .join('');
  // A point between two gaps is a line of no length, which only a mark makes visible.
  const marked = points.filter(
    (point, i) => point && (points.length <= MARKED_POINTS || (!points[i - 1] && !points[i + 1])),
  );
  const marks = marked.map((point) => `<circle cx="${point?.[0]}" cy="${point?.[1]}" r="3" fill="${color}"/>`).join('');
  return `<path d="${path}" fill="none" stroke="${color}" stroke-width="2" stroke-linejoin="round"/>${marks}`;
}
