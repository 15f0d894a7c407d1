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
 * Times several contestants { activate, run } in turn, round after round, so that whatever slows the machine down hits all of them alike.
 * Returns for each the milliseconds of one run, one number a round. A sample repeats the run for at least `sampleMs`,
 * after one that is not counted: it brings back into the caches what the others have displaced.
 */
export function interleave(contestants, { rounds, sampleMs }) {
  const repeats = contestants.map(({ activate, run }) => {
    activate();
    run();
    const start = performance.now();
    run();
    return Math.max(1, Math.ceil(sampleMs / Math.max(performance.now() - start, 1e-6)));
  });
  const samples = contestants.map(() => []);
  for (let round = 0; round < rounds; round++) {
    contestants.forEach(({ activate, run }, i) => {
      activate();
      run();
      const start = performance.now();
      for (let repeat = 0; repeat < repeats[i]; repeat++) run();
      samples[i].push((performance.now() - start) / repeats[i]);
    });
  }
  return samples;
}
