/** A scale of values with its marks. */
export interface Axis {
  low: number;
  high: number;
  ticks: readonly { value: number; label: string }[];
}

/**
 * An axis over [low, high] with about `count` marks at 1, 2 or 5 times a power of ten. `outward` moves the ends to the next
 * marks; `whole` allows whole numbers only.
 */
export function axis(low: number, high: number, count: number, { outward = false, whole = false } = {}): Axis {
  // A single value gets room on both sides; in whole numbers or relative to its size.
  const room = low === high ? (whole ? 1 : Math.abs(low) * 0.1 || 1) : 0;
  const [from, to] = [low - room, high + room];
  const step = niceStep((to - from) / count, whole);
  const first = outward ? Math.floor(from / step) : Math.ceil(from / step);
  const last = outward ? Math.ceil(to / step) : Math.floor(to / step);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => {
    const value = (first + i) * step;
    return { value, label: tickLabel(value, step) };
  });
  return outward ? { low: first * step, high: last * step, ticks } : { low: from, high: to, ticks };
}

function niceStep(raw: number, whole: boolean): number {
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5].find((factor) => factor * power >= raw * (1 - 1e-9)) ?? 10) * power;
  return whole ? Math.max(1, Math.round(step)) : step;
}

/** As many decimals as the step has; powers of ten for what would be long. */
function tickLabel(value: number, step: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || step < 1e-5)
    return value
      .toExponential(2)
      .replace(/\.?0+e/, 'e')
      .replace('e+', 'e');
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return value.toFixed(decimals);
}
