// The drawing of a report: what share of the peak each class of layers reaches, and the targets.
import { GRID, INK, line, MUTED, rect, SERIES_COLORS, svgDocument, text, textWidth } from '../dist/vision/svg.js';

const BAR = 11;
const GAP = 12;
const LABELS = 290;
const WIDTH = 960;
const RIGHT = 60;
const TOP = 74;

/**
 * Horizontal bars. `bars`: [{ name, target, values: { series: percent } }]; `series`: [[key, label]], the order of the
 * bars in each group. Targets are ours: a black tick across the first bar of a group.
 */
export function barChart({ title, subtitle, bars, series }) {
  const highest = Math.max(100, ...bars.flatMap(({ target, values }) => [target, ...Object.values(values)]));
  const scale = (WIDTH - LABELS - RIGHT) / highest;
  const heightOf = ({ values }) => BAR * Object.keys(values).length;
  const bottom = TOP + bars.reduce((sum, bar) => sum + heightOf(bar) + GAP, 0);
  const elements = [text(16, 26, title, { size: 17, bold: true }), text(16, 45, subtitle, { color: MUTED })];
  for (let percent = 0; percent <= highest; percent += 50) {
    const x = LABELS + percent * scale;
    elements.push(line(x, TOP - 6, x, bottom, percent === 100 ? MUTED : GRID));
    elements.push(text(x, bottom + 16, `${percent} %`, { size: 11, anchor: 'middle', color: MUTED }));
  }
  elements.push(
    text(LABELS, bottom + 34, 'FLOP of direct summation per second, as a share of the peak of fp32 multiply-adds', {
      size: 11,
      color: MUTED,
    }),
  );
  let y = TOP;
  for (const bar of bars) {
    const height = heightOf(bar);
    elements.push(text(LABELS - 10, y + height / 2 + 4, bar.name, { anchor: 'end' }));
    const tick = LABELS + bar.target * scale;
    let top = y;
    series.forEach(([key], i) => {
      const percent = bar.values[key];
      if (percent === undefined) return;
      const end = LABELS + percent * scale;
      const isHidden = top === y && tick > end && tick < end + 26;
      elements.push(rect(LABELS, top + 1, end - LABELS, BAR - 2, SERIES_COLORS[i]));
      elements.push(text((isHidden ? tick : end) + 5, top + BAR - 2, percent.toFixed(0), { size: 10, color: MUTED }));
      top += BAR;
    });
    elements.push(rect(tick - 1, y - 3, 2, BAR + 3, INK));
    y += height + GAP;
  }
  return svgDocument(WIDTH, bottom + 48, [...elements, ...legend(series)]);
}

function legend(series) {
  const elements = [];
  let x = LABELS;
  series.forEach(([, label], i) => {
    elements.push(rect(x, 53, 10, 10, SERIES_COLORS[i]), text(x + 14, 62, label, { size: 11 }));
    x += 26 + textWidth(label, 11);
  });
  return [...elements, rect(x, 51, 2, 14, INK), text(x + 7, 62, 'target', { size: 11 })];
}
