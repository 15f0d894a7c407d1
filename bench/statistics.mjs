/** Median of a list of numbers. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median absolute deviation as a fraction of the median: a spread that outliers do not move. */
export function spread(values) {
  const centre = median(values);
  return median(values.map((value) => Math.abs(value - centre))) / centre;
}

/** Geometric mean; with weights, each value counts that often. */
export function geometricMean(values, weights = values.map(() => 1)) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Math.exp(values.reduce((sum, value, i) => sum + weights[i] * Math.log(value), 0) / total);
}

/** A sample counts when the machine reached this fraction of its best speed right before and right after it. */
export const CLEAN_SPEED = 0.955;

/**
 * What samples { ms, calibrationMs } say: the median of the clean ones, whose slower calibration was within
 * CLEAN_SPEED of the best one ever seen. Where none is clean, the median of all, and `clean` is 0.
 */
export function summarise(samples, bestCalibrationMs) {
  const clean = samples.filter(({ calibrationMs }) => calibrationMs * CLEAN_SPEED <= bestCalibrationMs);
  const times = (clean.length ? clean : samples).map(({ ms }) => ms);
  return { ms: median(times), spread: spread(times), clean: clean.length, dropped: samples.length - clean.length };
}
