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

/**
 * Times several functions in turn, round after round, so that whatever slows the machine down hits all of them alike.
 * Returns per function the milliseconds of one call, one number a round. A sample repeats the call for at least
 * `sampleMs`; the first call of each, which warms caches and compilers, is not counted.
 */
export function interleave(functions, { rounds, sampleMs }) {
  const repeats = functions.map((run) => {
    run();
    const start = performance.now();
    run();
    return Math.max(1, Math.ceil(sampleMs / Math.max(performance.now() - start, 1e-6)));
  });
  const samples = functions.map(() => []);
  for (let round = 0; round < rounds; round++) {
    functions.forEach((run, i) => {
      const start = performance.now();
      for (let repeat = 0; repeat < repeats[i]; repeat++) run();
      samples[i].push((performance.now() - start) / repeats[i]);
    });
  }
  return samples;
}
