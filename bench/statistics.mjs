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
/** And when its process had the processor for this fraction of the time: long samples get interrupted in the middle. */
export const CLEAN_SHARE = 0.98;

/**
 * What samples { ms, calibrationMs, share } say: the median of the clean ones, whose slower calibration was within
 * CLEAN_SPEED of the best one ever seen, and whose share of the processor's time was at least CLEAN_SHARE. Where none is
 * clean, the median of all, and `clean` is 0.
 */
export function summarise(samples, bestCalibrationMs) {
  return summariseRounds([samples], [bestCalibrationMs])[0];
}

/**
 * As {@link summarise}, of several sides that took their samples in turn, the same number each: a round counts when the
 * samples of all sides are clean. So all summaries are of the same moments, whatever the machine did.
 */
export function summariseRounds(sides, bestCalibrationMs) {
  const isClean = (round) =>
    sides.every((samples, side) => {
      const { calibrationMs, share } = samples[round];
      return calibrationMs * CLEAN_SPEED <= bestCalibrationMs[side] && share >= CLEAN_SHARE;
    });
  const rounds = sides[0].map((_, round) => round);
  const clean = rounds.filter(isClean);
  return sides.map((samples) => {
    const times = (clean.length ? clean : rounds).map((round) => samples[round].ms);
    return { ms: median(times), spread: spread(times), clean: clean.length, dropped: rounds.length - clean.length };
  });
}
