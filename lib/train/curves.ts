import { lineChart, type Series } from '../vision/chart.js';
import type { EpochRecord } from './state.js';

/** Loss and metrics over the epochs as an SVG drawing; null when there is nothing to draw yet. */
export function trainingCurves(history: readonly EpochRecord[]): string | null {
  const x = history.map(({ epoch }) => epoch);
  // A training that was resumed may count metrics that its first epochs did not.
  const names = [...new Set(history.flatMap(({ train }) => Object.keys(train)))];
  const series = names.flatMap((name) =>
    (['train', 'validation'] as const).map(
      (part): Series => ({
        name: part === 'train' ? name : `validation ${name}`,
        x,
        values: history.map((record) => record[part]?.[name] ?? Number.NaN),
        axis: name === 'loss' ? 'left' : 'right',
      }),
    ),
  );
  const drawn = series.filter(({ values }) => values.some(Number.isFinite));
  if (!drawn.length) return null;
  const metrics = names.filter((name) => name !== 'loss');
  return lineChart({
    title: 'Training',
    xLabel: 'epoch',
    yLabel: 'loss',
    rightLabel: metrics.join(', '),
    series: drawn,
  });
}
