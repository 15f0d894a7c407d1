/** Long enough for a clock of 0.1 µs and a call of 0.5 µs, short beside a sample of a millisecond. */
const CALIBRATION_US = 25;
const FLOATS_PER_LINE = 16;
const FORK_JOIN_MS = 0.0005;

/**
 * A short run of multiply-adds in registers, on all threads of the measurement. It takes the same time whenever the
 * machine has its full speed: its time right before and after a sample tells whether a neighbour on the same host, or
 * another process, had part of the processor meanwhile.
 */
export class Calibration {
  /** Shortest run so far, in milliseconds. */
  bestMs = Number.POSITIVE_INFINITY;
  #kernels;
  #sums;
  #flops;
  #threads;

  /** With `flops`, a run is of that length. */
  constructor(kernels, threads, flops) {
    this.#kernels = kernels;
    this.#threads = threads;
    this.#sums = new Float32Array(threads * FLOATS_PER_LINE);
    if (flops) {
      this.#flops = flops;
      this.#settle();
      return;
    }
    this.#flops = 100 * CALIBRATION_US;
    // the first runs wake the threads and the processor; then the length is set by what a run takes
    for (let i = 0; i < 200; i++) this.run();
    for (let i = 0; i < 4; i++) {
      this.#flops *= CALIBRATION_US / 1000 / this.bestMs;
      this.#settle();
    }
    // Several threads take as long as one, and a fork-join; if they never do, they share a core and nothing is clean.
    if (threads > 1) {
      const one = new Calibration(kernels, 1, this.#flops);
      this.bestMs = Math.min(this.bestMs, one.bestMs + FORK_JOIN_MS);
    }
  }

  #settle() {
    this.bestMs = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 400; i++) this.run();
  }

  /**
   * Milliseconds of one run. Another comes before it: an empty one that fetches code which the measured program has
   * displaced, or with several threads a whole one, since it takes time to wake those that sleep.
   */
  run() {
    this.#kernels.measureFma(this.#sums, this.#threads > 1 ? this.#flops : 0);
    const start = performance.now();
    this.#kernels.measureFma(this.#sums, this.#flops);
    const ms = performance.now() - start;
    if (ms < this.bestMs) this.bestMs = ms;
    return ms;
  }
}

/**
 * Peak of fp32 multiply-adds in GFLOP/s: the best of many half milliseconds, since nothing makes a machine faster. More of
 * them with several threads, which start on one core until the system spreads them.
 */
export function peakGflops(kernels, threads) {
  const sums = new Float32Array(threads * FLOATS_PER_LINE);
  let flops = 1e6;
  let best = 0;
  for (let i = 0; i < (threads > 1 ? 500 : 100); i++) {
    const start = performance.now();
    kernels.measureFma(sums, flops);
    const ms = performance.now() - start;
    best = Math.max(best, (threads * flops) / ms / 1e6);
    flops = (0.5e6 * best) / threads;
  }
  return best;
}

/** Microseconds that a call of a native kernel costs on its own. */
export function callOverheadUs(kernels) {
  const sums = new Float32Array(FLOATS_PER_LINE);
  const calls = 1000;
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    for (let call = 0; call < calls; call++) kernels.measureFma(sums, 0);
    best = Math.min(best, ((performance.now() - start) * 1000) / calls);
  }
  return best;
}
